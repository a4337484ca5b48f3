"""Whoever sees which packets, and however often: files, bodies and digests are those of one sensor that saw everything.
FLOWSTITCH_SEEDS: how many deals are tried, FLOWSTITCH_FIRST_SEED: from which on."""
import os
import random
import unittest
import xml.etree.ElementTree as ElementTree

from dealing import deal
from harness import DFXML, PipelineTest, files, ledger

FIRST = int(os.environ.get("FLOWSTITCH_FIRST_SEED", "1"))
SEEDS = int(os.environ.get("FLOWSTITCH_SEEDS", "16"))


class OneTruth(PipelineTest):
    def digests(self, output):
        """What the report says of every file: length and digests."""
        root = ElementTree.parse(self.path(output, "report.xml")).getroot()
        return {element.findtext(DFXML + "filename").rsplit("/", 1)[-1]:
                (element.findtext(DFXML + "filesize"),
                 tuple((d.get("type"), d.text) for d in element.findall(DFXML + "hashdigest")))
                for element in root.iter(DFXML + "fileobject")
                if element.find(DFXML + "filename") is not None}  # a direction without bytes has none

    def make_traffic(self, dice):
        traffic = ["--flows", str(dice.randrange(4, 25)), "--bytes", str(dice.randrange(1, 9000)), "--concurrent",
                   str(dice.randrange(1, 9)), "--disorder", str(dice.choice((0, 0.05, 0.2))), "--loss",
                   str(dice.choice((0, 0, 0.02))), "--segment", str(dice.choice((100, 536, 1448))), "--seed",
                   str(dice.randrange(1 << 30)), "--http", dice.choice(("none", "plain", "gzip", "gzip"))]
        return self.make("t.pcap", *traffic, *(["--ipv6"] if dice.random() < 0.5 else []))

    def see(self, paths, output, dice):
        captures, sinks = ("ipc://" + self.path(name) for name in ("captures", "sinks"))
        programs = [("flowstitch-capture", "-r", path, "--name", f"sensor-{i}", "--reassembler", captures)
                    for i, path in enumerate(paths)]
        programs.append(("flowstitch-reassembler", "--captures", captures, "--sinks", sinks, "--sources", str(len(paths)),
                         "--wait-sinks", "1"))
        programs.append(("flowstitch-sink", "--reassembler", sinks, "-o", self.path(output), "--files", "--http", "--dfxml",
                         "--md5", "--sha256", "--workers", str(dice.randrange(1, 4))))
        # Whoever comes first waits for the others.
        dice.shuffle(programs)
        for process in [self.start(*each) for each in programs]:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)

    def test_a_deal_changes_nothing(self):
        for seed in range(FIRST, FIRST + SEEDS):
            dice = random.Random(seed)
            sensors, by = dice.randrange(1, 9), dice.choice(("packet", "direction", "flow"))
            repeated = dice.choice((0, 0.1, 0.5, 1.0))
            # Where each sensor sees everything, one that keeps whole frames is enough.
            lengths = [65535] * sensors
            if repeated == 1.0:
                lengths = [65535] + [dice.choice((100, 300, 1000, 65535)) for _ in range(sensors - 1)]
                dice.shuffle(lengths)
            with self.subTest(seed=seed, sensors=sensors, by=by, repeated=repeated, lengths=lengths):
                capture = self.make_traffic(dice)
                wanted = self.launch(capture, f"one-{seed}", "-e", "md5", "-e", "sha256")
                paths = [self.path(f"hand-{i}.pcap") for i in range(sensors)]
                frames, copies = deal(capture, paths, dice, repeated, by, lengths)
                self.see(paths, f"many-{seed}", dice)
                self.assertGreater(len(wanted), 3)
                self.assertEqual(files(self.path(f"many-{seed}")), wanted)
                digests = self.digests(f"one-{seed}")
                self.assertGreater(len(digests), 3)
                self.assertEqual(self.digests(f"many-{seed}"), digests)
                figures, _ = self.assert_balanced(f"many-{seed}")
                self.assertEqual((figures["frames_received"], figures["duplicate_frames"]), (frames + copies, copies))
                alone, _ = ledger(self.path(f"one-{seed}"))
                for name in ("segments", "delivered_bytes", "retransmitted_bytes", "gap_bytes", "flows_opened"):
                    self.assertEqual(figures[name], alone[name], name)


if __name__ == "__main__":
    unittest.main()
