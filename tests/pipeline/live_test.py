"""Live capture over a veth pair between network namespaces that the test makes, fed by tcpreplay."""
import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import PipelineTest, count_files, files, program, wait_until
from namespaces import allowed, within


REASON = allowed("tcpreplay", "curl")


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
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
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

    @unittest.skipIf(shutil.which("setpriv") is None, "needs setpriv")
    def test_one_capability_is_enough_and_none_is_not(self):
        """As a user with CAP_NET_RAW alone, who cannot get more: the same files; without it, an error that says what to do."""
        capture = self.make("t.pcap", "--flows", "20", "--bytes", "5000", "--segment", "1200")
        wanted = self.launch(capture, "launcher")
        os.chmod(self.path(), 0o755)
        captures, sinks = ("ipc://" + self.path(name) for name in ("captures", "sinks"))
        center = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", sinks, "--sources", "1", "--wait-sinks", "1")
        sink = self.start("flowstitch-sink", "--reassembler", sinks, "-o", self.path("live"), "--files", "--http")
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("captures"))))
        os.chmod(self.path("captures"), 0o777)
        # Nobody may read where the build is: copies may be started.
        alone = [shutil.copy(program("flowstitch"), self.path("alone")), "-i", "fs1", "-C"]
        sensor = [shutil.copy(program("flowstitch-capture"), self.path("sensor")), "-i", "fs1", "--name", "a", "--reassembler", captures]

        def start(command, *capabilities):
            process = subprocess.Popen(
                within(self.names[1], "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                       *capabilities, *command),
                stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd="/")
            self.started.append(process)
            return process
        _, errors = start(alone, "--inh-caps=-all", "--bounding-set=-all").communicate(timeout=30)
        self.assertRegex(errors, "cannot capture|permission|CAP_NET_RAW")
        process = start(sensor, "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw")
        self.wait_for_capture(process)
        with open(f"/proc/{process.pid}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        # The interface is open: the capability has gone.
        self.assertEqual((status["CapEff"], status["CapPrm"], status["NoNewPrivs"], status["Uid"].split()[0]),
                         ("0" * 16, "0" * 16, "1", "65534"))
        subprocess.run(within(self.names[0], "tcpreplay", "-q", "--mbps=50", "-i", "fs0", capture), check=True,
                       capture_output=True, timeout=60)
        self.assertTrue(wait_until(lambda: count_files(self.path("live")) >= len(wanted)))
        process.send_signal(signal.SIGINT)
        for each in (process, center, sink):
            _, errors = each.communicate(timeout=30)
            self.assertEqual(each.returncode, 0, errors)
        self.assertEqual(files(self.path("live")), wanted)

    def child(self, process, name):
        """The process id of a launcher's child."""
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{entry}/cmdline") as file:
                    command = file.read().split("\0")[0]
            except (OSError, ValueError, IndexError):
                continue
            if parent == process.pid and command.endswith(name):
                return int(entry)
        return None

    def links_open(self):
        """How many peers the reassembler has; its namespace has a loopback of its own."""
        text = subprocess.run(within(self.names[1], "curl", "-s", "http://127.0.0.1:9477/metrics"), capture_output=True,
                              text=True).stdout
        return len(re.findall(r"^flowstitch_link_open\{.*\} 1$", text, re.M))

    def test_a_killed_child_is_started_again(self):
        capture = self.make("t.pcap", "--flows", "30", "--bytes", "20000", "--segment", "1200")
        wanted = self.launch(capture, "launcher")
        process = subprocess.Popen(["ip", "netns", "exec", self.names[1], program("flowstitch"), "-a", "-i", "fs1", "-o",
                                    self.path("out"), "--processes", "--metrics", "127.0.0.1:9477"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        self.wait_for_capture(process)
        for name in ("flowstitch-sink", "flowstitch-reassembler", "flowstitch-capture"):
            first = self.child(process, name)
            os.kill(first, signal.SIGKILL)
            self.assertTrue(wait_until(lambda: self.child(process, name) not in (None, first)), name)
        self.wait_for_capture(process)
        # The new ones are there once it is sure that the old ones of their names are gone.
        self.assertTrue(wait_until(lambda: self.links_open() == 2))
        subprocess.run(["ip", "netns", "exec", self.names[0], "tcpreplay", "-q", "--mbps=50", "-i", "fs0", capture],
                       check=True, capture_output=True, timeout=60)
        self.assertTrue(wait_until(lambda: count_files(self.path("out")) >= len(wanted)))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(files(self.path("out")), wanted, errors)

    def test_a_child_that_fails_again_and_again_is_named(self):
        process = subprocess.Popen(["ip", "netns", "exec", self.names[1], program("flowstitch"), "-a", "-i", "fs1", "-o",
                                    self.path("out"), "--processes"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        self.started.append(process)
        self.wait_for_capture(process)
        last = None
        while process.poll() is None:
            self.assertTrue(wait_until(lambda: process.poll() is not None or
                                       self.child(process, "flowstitch-sink") not in (None, last)))
            pid = self.child(process, "flowstitch-sink")
            if pid not in (None, last):
                os.kill(pid, signal.SIGKILL)
                last = pid
        errors = process.stderr.read()
        self.assertEqual(process.returncode, 1)
        self.assertIn("'flowstitch-sink' failed", errors)

    def wait_for_capture(self, process):
        """Until it says that it listens: what is sent before is not seen."""
        for line in process.stderr:
            if "listening on fs1" in line:
                return
        self.fail("the capture did not open: " + str(process.poll()))


if __name__ == "__main__":
    unittest.main()
