"""Several sensors, several shards, sinks that listen to all: the files and figures of one."""
import random
import unittest

import pcap
from dealing import deal
from harness import PipelineTest, files, ledger

TRAFFIC = ("--flows", "150", "--bytes", "60000", "--concurrent", "30", "--disorder", "0.05", "--loss", "0.01", "--ipv6")


class Shards(PipelineTest):
    def deal(self, capture, parts, seed, repeated):
        paths = [self.path(f"hand-{seed}-{i}.pcap") for i in range(parts)]
        return paths, *deal(capture, paths, random.Random(seed), repeated)

    def run_all(self, paths, shards, sinks, output, *extra):
        inlets = ["ipc://" + self.path(f"{output}-captures-{k}") for k in range(shards)]
        outlets = ["ipc://" + self.path(f"{output}-sinks-{k}") for k in range(shards)]
        processes = [self.start("flowstitch-capture", "-r", path, "--name", f"sensor-{i}", "--reassembler",
                                ",".join(inlets), *extra) for i, path in enumerate(paths)]
        processes += [self.start("flowstitch-reassembler", "--captures", inlets[k], "--sinks", outlets[k], "--shard", str(k),
                                 "--sources", str(len(paths)), "--wait-sinks", str(sinks)) for k in range(shards)]
        processes += [self.start("flowstitch-sink", "--reassembler", ",".join(outlets), "-o", self.path(output), "--files",
                                 "--http", "--dfxml", "--report", self.path(f"{output}-{k}.xml"), "--shard", f"{k}/{sinks}",
                                 "--name", f"sink-{k}") for k in range(sinks)]
        for process in processes:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        return files(self.path(output))

    def test_any_number_of_sensors_and_shards_makes_the_files_of_one(self):
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        one, _ = ledger(self.path("launcher"))
        for seed, (sensors, shards, sinks, repeated) in enumerate(
                ((1, 2, 1, 0), (3, 1, 1, 0.5), (2, 3, 2, 0.1), (5, 2, 1, 1.0))):
            with self.subTest(sensors=sensors, shards=shards, sinks=sinks, repeated=repeated):
                paths, frames, copies = self.deal(capture, sensors, seed, repeated)
                output = f"out-{seed}"
                self.assertEqual(self.run_all(paths, shards, sinks, output), wanted)
                for k in range(sinks):
                    all_shards, sources = ledger(self.path(), f"{output}-{k}.xml")
                    self.assertEqual(all_shards["frames_received"], frames + copies)
                    self.assertEqual(all_shards["duplicate_frames"], copies)
                    self.assertEqual(sum(s["duplicate_frames"] for s in sources.values()), copies)
                    self.assertEqual(sum(s["frames_sent"] for s in sources.values()), frames + copies)
                    for name in ("segments", "delivered_bytes", "gap_bytes", "flows_opened", "flows_closed"):
                        self.assertEqual(all_shards[name], one[name], name)

    def test_sources_whose_frames_go_to_the_shards_at_different_times_do_not_block_each_other(self):
        """Each sensor's first half belongs to one shard and its second half to the other; buffers are small."""
        capture = self.make("t.pcap", "--flows", "120", "--bytes", "300000", "--concurrent", "4", "--ipv6")
        wanted = self.launch(capture, "launcher")
        header, records = pcap.read(capture)
        hands = ([], [])
        for record in records:
            four = record[1][14] >> 4 == 4
            hands[0 if four else 1].append(record)
        paths = [self.path("four.pcap"), self.path("six.pcap")]
        for path, hand in zip(paths, hands):
            pcap.write(path, header, hand)
        self.assertEqual(self.run_all(paths, 2, 1, "out", "--buffer", str(1 << 20)), wanted)

    def test_two_shards_with_one_number_are_refused(self):
        capture = self.make("t.pcap", "--flows", "20", "--ipv6")
        ends = [("ipc://" + self.path(f"c{k}"), "ipc://" + self.path(f"s{k}")) for k in (0, 1)]
        for captures, sinks in ends:
            self.start("flowstitch-reassembler", "--captures", captures, "--sinks", sinks)
        sink = self.start("flowstitch-sink", "--reassembler", ",".join(s for _, s in ends), "-o", self.path("out"), "--files")
        for i, (captures, _) in enumerate(ends):
            self.start("flowstitch-capture", "-r", capture, "--name", f"c{i}", "--reassembler", captures)
        status, errors = self.wait(sink)
        self.assertEqual(status, 1)
        self.assertIn("give each its own --shard", errors)


if __name__ == "__main__":
    unittest.main()
