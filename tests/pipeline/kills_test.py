"""Processes that are killed in the middle and started again: the others go on, and what is lost is counted."""
import os
import random
import time
import unittest

import kill_matrix
from harness import PipelineTest, files

# Long conversations, many at a time: any moment is in the middle of most of them.
TRAFFIC = ("--flows", "60", "--bytes", "120000", "--concurrent", "60", "--disorder", "0.03", "--http", "gzip")


class Kills(PipelineTest):
    def setUp(self):
        super().setUp()
        self.captures, self.sinks = ("ipc://" + self.path(name) for name in ("captures", "sinks"))

    def reassembler(self):
        return self.start("flowstitch-reassembler", "--captures", self.captures, "--sinks", self.sinks, "--sources", "1",
                          "--wait-sinks", "1")

    def sink(self, *extra):
        return self.start("flowstitch-sink", "--reassembler", self.sinks, "-o", self.path("out"), "--files", "--http",
                          "--name", "writer", *extra)

    def sensor(self):
        return self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", self.captures, stdin_pipe=True)

    def feed(self, sensor, data):
        sensor.stdin.buffer.write(data)
        sensor.stdin.flush()
        time.sleep(0.3)

    def kill(self, process):
        process.kill()
        process.communicate()

    def test_a_sink_that_is_killed_again_and_again_goes_on_with_its_files(self):
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        with open(capture, "rb") as file:
            data = file.read()
        for seed in (1, 2):
            dealer = random.Random(seed)
            cuts = sorted(dealer.sample(range(1, len(data)), 4))
            center, sink, sensor = self.reassembler(), self.sink(), self.sensor()
            for begin, end in zip([0] + cuts, cuts):
                self.feed(sensor, data[begin:end])
                # Before or after the bytes are written; a new sink needs 3 s to be sure that the old one is gone.
                time.sleep(dealer.choice((0.1, 1.5, 5)))
                self.kill(sink)
                self.assertTrue(any(name.startswith(".flowstitch.writer.") for name in os.listdir(self.path("out"))))
                sink = self.sink("--workers", str(dealer.randrange(1, 4)))
            self.feed(sensor, data[cuts[-1]:])
            sensor.stdin.close()
            sensor.stdin = None
            for process in (sensor, center, sink):
                status, errors = self.wait(process)
                self.assertEqual(status, 0, errors)
            self.assertNotIn("refused", errors)
            self.assertEqual(self.without_cut_bodies("out"), wanted)
            self.assertEqual([name for name in os.listdir(self.path("out")) if name.startswith(".")], [])
            os.rename(self.path("out"), self.path(f"out-{seed}"))

    def without_cut_bodies(self, output):
        """A killed sink leaves a body beside its name, as unfinished."""
        return {name: digest for name, digest in files(self.path(output)).items() if not name.endswith(".part")}


class Books(kill_matrix.Matrix):
    """What is lost with a process that is killed in full flow: the ledger and the files say the same."""

    def runTest(self):
        self.prepare()
        for victim in ("reassembler", "capture", "sink"):
            row = self.one(victim, None, victim, random.Random(1))
            self.assertTrue(self.agrees(row), f"{victim}: {row}")


if __name__ == "__main__":
    unittest.main()
