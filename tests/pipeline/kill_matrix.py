#!/usr/bin/env python3
"""kill_matrix.py [ROUNDS]: which process is killed, when, and what is lost: by the ledger, and by comparing the files with those
of an undisturbed run. Needs FLOWSTITCH_BUILD and FLOWSTITCH_SOURCE, as the tests do. Exit status 1 when the two disagree.

A row is one moment: before any data, when the first or second half or all has been taken, or in full flow. Frames lost by the
ledger: sent, and neither received by the last reassembler nor told of by an earlier one. Those of a killed capture that had not
yet been sent are in no ledger: what came in is compared with what arrived. Bytes missing and too many: in all flow files."""
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pcap
from harness import PipelineTest, figure, ledger, sink_ledger, wait_until
from ports import free_ports

SEGMENT = 1448
TRAFFIC = ("--flows", "60", "--bytes", "100000", "--concurrent", "60", "--segment", str(SEGMENT))
MOMENTS = {"before data": 0.0, "first half": 0.3, "second half": 0.7, "all taken": 1.0, "in full flow": None}
AT_A_TIME = 6


class Matrix(PipelineTest):
    def prepare(self):
        capture = self.make("t.pcap", *TRAFFIC)
        self.launch(capture, "launcher")
        self.wanted = self.streams("launcher")
        with open(capture, "rb") as file:
            self.data = file.read()
        self.frames = len(pcap.read(capture)[1])

    def runTest(self):
        rounds = int(os.environ.get("FLOWSTITCH_ROUNDS", "1"))
        self.prepare()
        print("| killed | when | kills | frames lost (ledger) | waiting bytes lost | frames taken twice | bytes missing (files) | "
              "bytes too many |\n|---|---|---|---|---|---|---|---|", flush=True)
        disagree = []
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for victim in ("sink", "reassembler", "capture"):
                for moment, share in MOMENTS.items():
                    each = list(pool.map(lambda i: self.one(victim, share, f"{victim}-{share}-{i}", random.Random(i)),
                                         range(rounds)))
                    disagree += [f"{victim}, {moment}, round {i}: {row}" for i, row in enumerate(each) if not self.agrees(row)]
                    print(f"| {victim} | {moment} | {rounds} | " + " | ".join(str(sum(column)) for column in zip(*each)) + " |",
                          flush=True)
        self.assertEqual(disagree, [])

    def agrees(self, row):
        """Whether the bytes that are missing or too many are those of the frames that the ledger names."""
        lost, waiting, twice, missing, extra = row
        return ((missing > 0) <= (lost + waiting > 0) and missing <= lost * SEGMENT + waiting and
                (extra > 0) <= (twice > 0) and extra <= twice * SEGMENT)

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

        def sink(*extra):
            return self.start("flowstitch-sink", "--reassembler", ends[1], "-o", self.path(output), "--files", "--dfxml", "--name",
                              "writer", *extra)

        def reassembler(*extra):
            return self.start("flowstitch-reassembler", "--captures", ends[0], "--sinks", ends[1], "--sources", "1",
                              "--wait-sinks", "1", *extra)

        def sensor(*extra):
            return self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", ends[0], *extra,
                              stdin_pipe=True)
        written, sent = free_ports(2)
        running = {"sink": sink("--metrics", f"127.0.0.1:{written}"), "reassembler": reassembler(),
                   "capture": sensor("--metrics", f"127.0.0.1:{sent}")}
        starts = {"sink": sink, "reassembler": reassembler, "capture": sensor}
        # Whole records: a capture that is started again begins with the file's header.
        frames, cut, upto = 0, 24, len(self.data) * (dice.uniform(0.2, 0.9) if share is None else share) - 2000
        while cut < upto:
            cut += 16 + int.from_bytes(self.data[cut + 8:cut + 12], "little")
            frames += 1
        feed = running["capture"].stdin.buffer
        if share is None:
            # The files are there once all processes work.
            first = cut // 4
            feed.write(self.data[:first])
            feed.flush()
            wait_until(lambda: os.path.isdir(self.path(output)) and len(os.listdir(self.path(output))) > 2)
            feed.write(self.data[first:cut])
            feed.flush()
        else:
            feed.write(self.data[:cut])
            feed.flush()
            # All that was fed has come through, and everybody knows it.
            self.assertTrue(frames == 0 or wait_until(lambda: figure(written, "sink_frames_told") == frames and
                                                      figure(sent, "link_buffered_bytes") == 0))
        running[victim].kill()
        running[victim].communicate()
        running[victim] = starts[victim]()
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
        own, source = sink_ledger(self.path(output)), sources["a"]
        got = self.streams(output)
        missing = extra = 0
        for name, stream in self.wanted.items():
            have = got.get(name, b"")
            missing += max(0, len(stream) - len(have))
            extra += max(0, len(have) - len(stream))
            if len(have) == len(stream) and have != stream:
                missing += sum(x != y for x, y in zip(have, stream))  # a gap is a hole in its file
        sent = self.frames if victim == "capture" else source["frames_sent"]
        on_the_link = sent - source["frames_received"] - source["frames_taken_before"]
        with_it = source["frames_taken_before"] - own["earlier_frames"]
        return (on_the_link + max(0, with_it), own["earlier_waiting_bytes"], max(0, -with_it), missing, extra)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["FLOWSTITCH_ROUNDS"] = sys.argv[1]
    import unittest
    sys.exit(not unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(Matrix()).wasSuccessful())
