#!/usr/bin/env python3
"""kill_matrix.py [ROUNDS]: which process is killed, when, and what is lost: frames by the ledger, stream bytes by comparing the
files with those of an undisturbed run. Needs FLOWSTITCH_BUILD and FLOWSTITCH_SOURCE, as the tests do.

A table row is one moment: before any data, in the first half, in the second half, at the end of the data. Frames lost: what
the capture sent and the last reassembler did not receive (a killed one's figures die with it). Bytes missing: in all flow files."""
import os
import random
import sys
import time

import pcap
from harness import PipelineTest, ledger

TRAFFIC = ("--flows", "60", "--bytes", "100000", "--concurrent", "60")
MOMENTS = {"before": 0.0, "first half": 0.3, "second half": 0.7, "at the end": 1.0}


class Matrix(PipelineTest):
    def runTest(self):
        rounds = int(os.environ.get("FLOWSTITCH_ROUNDS", "1"))
        print("| killed | when | rounds | frames lost (ledger) | bytes missing (files) | bytes wrong |\n|---|---|---|---|---|---|", flush=True)
        capture = self.make("t.pcap", *TRAFFIC)
        self.launch(capture, "launcher")
        self.wanted = self.streams("launcher")
        with open(capture, "rb") as file:
            self.data = file.read()
        self.frames = len(pcap.read(capture)[1])
        for victim in ("sink", "reassembler", "capture"):
            for moment, share in MOMENTS.items():
                lost = missing = wrong = 0
                for i in range(rounds):
                    a, b, c = self.one(victim, share, f"{victim}-{share}-{i}", random.Random(i))
                    lost, missing, wrong = lost + a, missing + b, wrong + c
                print(f"| {victim} | {moment} | {rounds} | {lost} | {missing} | {wrong} |", flush=True)

    def streams(self, output):
        """All bytes of each stream, by its ends: pieces that go on in further files follow each other."""
        all_files = {}
        for name in sorted(os.listdir(self.path(output))):
            if name.startswith(".") or "report" in name or "HTTPBODY" in name:
                continue
            with open(self.path(output, name), "rb") as file:
                all_files.setdefault(name[:43], b"")
                all_files[name[:43]] += file.read()
        return all_files

    def one(self, victim, share, output, dice):
        ends = ["ipc://" + self.path(output + end) for end in (".c", ".s")]

        def sink():
            return self.start("flowstitch-sink", "--reassembler", ends[1], "-o", self.path(output), "--files", "--dfxml", "--name",
                              "writer")

        def reassembler():
            return self.start("flowstitch-reassembler", "--captures", ends[0], "--sinks", ends[1], "--sources", "1",
                              "--wait-sinks", "1")

        def sensor():
            return self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", ends[0], stdin_pipe=True)
        running = {"sink": sink(), "reassembler": reassembler(), "capture": sensor()}
        starts = {"sink": sink, "reassembler": reassembler, "capture": sensor}
        # Whole records: a capture that is started again begins with the file's header.
        cut = 24
        while cut < len(self.data) * share - 2000:
            cut += 16 + int.from_bytes(self.data[cut + 8:cut + 12], "little")
        feed = running["capture"].stdin.buffer
        feed.write(self.data[:cut])
        feed.flush()
        time.sleep(dice.random())
        running[victim].kill()
        running[victim].communicate()
        running[victim] = starts[victim]()
        time.sleep(4)  # its name is free once the one before has been silent for 3 s
        feed = running["capture"].stdin.buffer
        if victim == "capture":
            feed.write(self.data[:24])
        feed.write(self.data[cut:])
        running["capture"].stdin.close()
        running["capture"].stdin = None
        for name in ("capture", "reassembler", "sink"):
            status, errors = self.wait(running[name], timeout=60)
            self.assertEqual(status, 0, errors)
        _, sources = ledger(self.path(output))
        got = self.streams(output)
        missing = wrong = 0
        for name, stream in self.wanted.items():
            have = got.get(name, b"")
            missing += max(0, len(stream) - len(have))
            wrong += have != stream and len(have) >= len(stream)
        # What a killed capture had sent is not in its successor's figures.
        lost = (self.frames if victim == "capture" else sources["a"]["frames_sent"]) - sources["a"]["frames_received"]
        return lost, missing, wrong


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["FLOWSTITCH_ROUNDS"] = sys.argv[1]
    import unittest
    sys.exit(not unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(Matrix()).wasSuccessful())
