"""Live capture over a veth pair between network namespaces that the test makes, fed by tcpreplay."""
import os
import signal
import subprocess
import unittest

from harness import PipelineTest, count_files, files, program, wait_until
from namespaces import allowed


REASON = allowed("tcpreplay")


@unittest.skipIf(REASON, REASON)
class Live(PipelineTest):
    def setUp(self):
        super().setUp()
        self.names = [f"fs-{os.getpid()}-a", f"fs-{os.getpid()}-b"]
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            self.addCleanup(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
        result = subprocess.run(["ip", "link", "add", "fs0", "netns", self.names[0], "type", "veth", "peer",
                                 "name", "fs1", "netns", self.names[1]], capture_output=True, text=True)
        if result.returncode != 0:
            self.skipTest("veth pairs are not allowed here: " + result.stderr)
        for name, device in zip(self.names, ("fs0", "fs1")):
            subprocess.run(["ip", "-n", name, "link", "set", device, "up"], check=True)
            # No traffic but the test's own.
            subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"],
                           capture_output=True)

    def test_what_is_replayed_is_captured(self):
        capture = self.make("t.pcap", "--flows", "60", "--bytes", "20000", "--disorder", "0.05", "--ipv6",
                            "--segment", "1200")  # within the MTU of a veth pair
        wanted = self.launch(capture, "launcher")
        for extra in ((), ("--processes",)):
            output = "live" + "".join(extra)
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.names[1], program("flowstitch"), "-a", "-i", "fs1",
                 "-o", self.path(output), *extra], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.started.append(process)
            self.wait_for_capture(process)
            subprocess.run(["ip", "netns", "exec", self.names[0], "tcpreplay", "-q", "--mbps=50", "-i", "fs0",
                            capture], check=True, capture_output=True, timeout=60)
            self.assertTrue(wait_until(lambda: count_files(self.path(output)) >= len(wanted)))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 0, errors)
            self.assertEqual(files(self.path(output)), wanted, errors)
            _, sources = self.assert_balanced(output)
            source = next(iter(sources.values()))
            self.assertEqual(source["kernel_dropped"] + source["buffer_dropped"], 0)

    def wait_for_capture(self, process):
        """Until it says that it listens: what is sent before is not seen."""
        for line in process.stderr:
            if "listening on fs1" in line:
                return
        self.fail("the capture did not open: " + str(process.poll()))


if __name__ == "__main__":
    unittest.main()
