"""Frames that wait on the disk while the reassembler is away: none is lost, not even when the capture is killed."""
import os
import signal
import struct
import subprocess
import time
import unittest

import pcap
from harness import PipelineTest, files, ledger, program, wait_until
from namespaces import Namespaces, allowed, within

REASON = allowed("tcpreplay")


@unittest.skipIf(REASON, REASON)
class Spool(PipelineTest):
    def setUp(self):
        super().setUp()
        self.net = Namespaces(self, "sensor")
        self.net.pair("sensor", "wire", "sensor", "seen")
        self.captures, self.sinks = ("ipc://" + self.path(name) for name in ("captures", "sinks"))

    def sensor(self, *extra):
        """A capture on the interface, with the smallest buffer and a spool."""
        log = open(self.path("sensor.log"), "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(within(self.net.name("sensor"), program("flowstitch-capture"), "-i", "seen", "--name", "a",
                                          "--reassembler", self.captures, "--buffer", str(1 << 20), "--spool",
                                          self.path("spool"), *extra), stderr=log)
        self.started.append(process)
        self.assertTrue(wait_until(lambda: "listening on" in self.log()), self.log())
        return process

    def log(self):
        with open(self.path("sensor.log")) as file:
            return file.read()

    def replay(self, path):
        subprocess.run(within(self.net.name("sensor"), "tcpreplay", "-q", "--mbps=200", "-i", "wire", path), check=True,
                       capture_output=True, timeout=120)
        time.sleep(0.5)

    def center(self):
        return [self.start("flowstitch-reassembler", "--captures", self.captures, "--sinks", self.sinks, "--sources", "1",
                           "--wait-sinks", "1"),
                self.start("flowstitch-sink", "--reassembler", self.sinks, "-o", self.path("out"), "--files", "--http",
                           "--dfxml")]

    def spooled(self):
        return sorted(os.path.join(self.path("spool"), name) for name in os.listdir(self.path("spool")))

    def parts(self):
        """A capture in two halves, and all of it."""
        whole = self.make("t.pcap", "--flows", "150", "--bytes", "100000", "--concurrent", "150", "--segment", "1200")
        header, records = pcap.read(whole)
        halves = [self.path("first.pcap"), self.path("second.pcap")]
        pcap.write(halves[0], header, records[:len(records) // 2])
        pcap.write(halves[1], header, records[len(records) // 2:])
        return whole, halves, len(records)

    def finish(self, sensor, center):
        sensor.send_signal(signal.SIGINT)
        self.assertEqual(sensor.wait(timeout=60), 0, self.log())
        for process in center:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)

    def test_what_comes_while_the_reassembler_is_away_waits_on_the_disk(self):
        whole, halves, frames = self.parts()
        sensor = self.sensor()
        self.replay(halves[0])
        # Any tool reads the files: here, byte by byte.
        waiting = 0
        for path in self.spooled():
            header, records = pcap.read(path)
            self.assertEqual(struct.unpack_from("<I", header, 20)[0], 1)
            waiting += len(records)
        self.assertGreater(waiting, 1000)
        center = self.center()
        self.replay(halves[1])
        self.finish(sensor, center)
        self.assertEqual(files(self.path("out")), self.launch(whole, "launcher"))
        self.assertEqual(self.spooled(), [])
        r, sources = self.assert_balanced("out")
        self.assertEqual(sources["a"]["frames_read"], frames)
        self.assertEqual(sources["a"]["frames_received"], frames)
        self.assertGreaterEqual(sources["a"]["frames_spooled"], waiting)
        self.assertEqual(r["gap_bytes"], 0)

    def test_a_killed_capture_leaves_its_frames_to_the_next_one(self):
        whole, halves, _ = self.parts()
        # The first megabyte of a killed process is in its memory: here it is traffic of no interest.
        other = self.make("other.pcap", "--flows", "40", "--bytes", "60000", "--segment", "1200", "--seed", "9", "--ipv6")
        header, records = pcap.read(other)
        pcap.write(other, header, [r for r in records if r[1][14] >> 4 == 6])
        first = self.sensor()
        self.replay(other)
        self.replay(halves[0])
        first.kill()
        first.wait()
        waiting = sum(len(pcap.read(path)[1]) for path in self.spooled())
        second = self.sensor()
        self.assertIn(f"{waiting} frames of an earlier process wait", self.log())
        self.replay(halves[1])
        self.finish(second, self.center())
        wanted = self.launch(whole, "launcher")
        got = files(self.path("out"))
        self.assertEqual({name: digest for name, digest in got.items() if ":" not in name}, wanted)
        self.assertEqual(self.spooled(), [])

    def test_what_is_more_than_it_may_take_is_dropped_and_counted(self):
        whole, _, frames = self.parts()
        sensor = self.sensor("--spool-size", "2M")
        self.replay(whole)
        self.assertLessEqual(sum(os.path.getsize(path) for path in self.spooled()), 2 << 20)
        self.finish(sensor, self.center())
        _, sources = self.assert_balanced("out")
        self.assertEqual(sources["a"]["frames_read"], frames)
        self.assertGreater(sources["a"]["buffer_dropped"], 1000)
        self.assertEqual(sources["a"]["frames_received"], frames - sources["a"]["buffer_dropped"])

    def test_without_a_reassembler_it_stays_there(self):
        whole, _, _ = self.parts()
        sensor = self.sensor()
        self.replay(whole)
        sensor.send_signal(signal.SIGINT)
        self.assertEqual(sensor.wait(timeout=60), 1)
        self.assertIn("no reassembler", self.log())
        self.assertGreater(len(self.spooled()), 0)


if __name__ == "__main__":
    unittest.main()
