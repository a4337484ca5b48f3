"""Two sensors, a reassembler and a sink on machines of their own: four network namespaces, keys on every link, a link that
goes down in the middle. The files are those of one host, and the books balance."""
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

import pcap
from harness import PipelineTest, files, ledger, program, run, wait_until
from namespaces import Namespaces, allowed, within

REASON = allowed("tcpreplay", "curl")
DOWN_SECONDS = int(os.environ.get("FLOWSTITCH_LINK_DOWN_SECONDS", "10"))


@unittest.skipIf(REASON, REASON)
class Distributed(PipelineTest):
    def setUp(self):
        super().setUp()
        self.net = Namespaces(self, "one", "two", "center", "writer")
        # Each sensor sees what is replayed into the other end of a pair of its own.
        for sensor in ("one", "two"):
            self.net.pair(sensor, "wire", sensor, "seen")
        self.net.pair("one", "link0", "center", "one", "10.9.1.1/24", "10.9.1.2/24")
        self.net.pair("two", "link0", "center", "two", "10.9.2.1/24", "10.9.2.2/24")
        self.net.pair("writer", "link0", "center", "writer", "10.9.3.1/24", "10.9.3.2/24")
        for directory in ("secret", "allowed"):
            os.mkdir(self.path(directory))
        for name, role in (("one", "capture"), ("two", "capture"), ("center", "reassembler"), ("writer", "sink")):
            self.assertEqual(run("flowstitch-keygen", name, "--role", role, "-o", self.path("secret")).returncode, 0)
            shutil.copy(self.path("secret", name + ".key"), self.path("allowed"))

    def start_in(self, namespace, name, *arguments):
        with open(self.path(f"{namespace}.log"), "a") as log:
            process = subprocess.Popen(within(self.net.name(namespace), program(name), *arguments), stderr=log,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def log(self, namespace):
        with open(self.path(f"{namespace}.log")) as log:
            return log.read()

    def frames_read(self, name):
        """What a sensor has read so far, by its figures: its namespace has a loopback of its own."""
        text = subprocess.run(within(self.net.name(name), "curl", "-s", "http://127.0.0.1:9476/metrics"), capture_output=True,
                              text=True).stdout
        found = re.search(r"^flowstitch_source_frames_read_total\{.*\} (\d+)$", text, re.M)
        return int(found.group(1)) if found else 0

    def dial(self, name):
        return ("--key", self.path("secret", name + ".key_secret"), "--peer-key", self.path("secret", "center.key"))

    def deal(self, capture):
        """Half of the packets to each sensor, a tenth to both."""
        header, records = pcap.read(capture)
        dealer = random.Random(1)
        hands = ([], [])
        for record in records:
            first = dealer.randrange(2)
            hands[first].append(record)
            if dealer.random() < 0.1:
                hands[1 - first].append(record)
        for name, hand in zip(("one", "two"), hands):
            pcap.write(self.path(name + ".pcap"), header, hand)
        return [len(hand) for hand in hands], sum(len(hand) for hand in hands) - len(records)

    def test_one_truth_while_the_link_is_down(self):
        capture = self.make("t.pcap", "--flows", "120", "--bytes", "30000", "--concurrent", "20", "--segment", "1200",
                            "--disorder", "0.03")
        wanted = self.launch(capture, "launcher")
        counts, copies = self.deal(capture)
        center = self.start_in("center", "flowstitch-reassembler", "--captures", "tcp://0.0.0.0:9471", "--sinks",
                               "tcp://0.0.0.0:9472", "--sources", "2", "--wait-sinks", "1", "--reorder-window", "60000",
                               # The two replays are not in step: each sends its own share at one rate.
                               "--duplicate-window", "5000",
                               "--key", self.path("secret", "center.key_secret"), "--allow", self.path("allowed"))
        sink = self.start_in("writer", "flowstitch-sink", "--reassembler", "tcp://10.9.3.2:9472", "-o", self.path("out"),
                             "--files", "--http", "--dfxml", *self.dial("writer"))
        sensors = [self.start_in(name, "flowstitch-capture", "-i", "seen", "--name", name, "--reassembler",
                                 f"tcp://10.9.{i}.2:9471", "--metrics", "127.0.0.1:9476", *self.dial(name))
                   for i, name in ((1, "one"), (2, "two"))]
        for name in ("one", "two"):
            self.assertTrue(wait_until(lambda n=name: "listening on" in self.log(n)), self.log(name))
        # The replay lasts longer than the link is down.
        rate = max(counts) // (DOWN_SECONDS + 6)
        replays = [subprocess.Popen(within(self.net.name(name), "tcpreplay", "-q", f"--pps={rate}", "-i", "wire",
                                           self.path(name + ".pcap")), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                   for name in ("one", "two")]
        self.started += replays
        # In the middle: something has been seen, and the rest comes while the link is down.
        for name, count in zip(("one", "two"), counts):
            self.assertTrue(wait_until(lambda n=name, c=count: self.frames_read(n) > c // 10))
        for device in ("one", "two"):
            self.net.ip("center", "link", "set", device, "down")
        begun = {name: self.frames_read(name) for name in ("one", "two")}
        for name in ("one", "two"):
            self.assertTrue(wait_until(lambda n=name: "has been silent" in self.log(n)), self.log(name))
        # It lasts as long as so many frames take.
        for name, count in zip(("one", "two"), counts):
            until = min(count, begun[name] + rate * DOWN_SECONDS)
            self.assertTrue(wait_until(lambda n=name, u=until: self.frames_read(n) >= u, DOWN_SECONDS + 30))
        for device in ("one", "two"):
            self.net.ip("center", "link", "set", device, "up")
        for replay in replays:
            _, errors = replay.communicate(timeout=120)
            self.assertEqual(replay.returncode, 0, errors)
        for name, count in zip(("one", "two"), counts):
            self.assertTrue(wait_until(lambda n=name, c=count: self.frames_read(n) == c))
        for sensor in sensors:
            sensor.send_signal(signal.SIGINT)
        for name, process in zip(("one", "two", "center", "writer"), (*sensors, center, sink)):
            self.assertEqual(process.wait(timeout=120), 0, self.log(name))
        self.assertEqual(files(self.path("out")), wanted, self.log("center"))
        for name in ("one", "two"):
            self.assertIn("is back", self.log(name))
        r, sources = self.assert_balanced("out")
        for name, count in zip(("one", "two"), counts):
            self.assertEqual(sources[name]["frames_read"], count)
            self.assertEqual(sources[name]["frames_received"], count)
        self.assertEqual(r["duplicate_frames"], copies)
        self.assertEqual(r["gap_bytes"], 0)


if __name__ == "__main__":
    unittest.main()
