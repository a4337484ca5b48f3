"""Captures, a reassembler and sinks as processes, over ipc and tcp, compared with the launcher's output."""
import fcntl
import itertools
import os
import random
import signal
import unittest

import packets
import pcap
from harness import PipelineTest, files, wait_until
from ports import free_ports

TRAFFIC = ("--flows", "60", "--bytes", "40000", "--concurrent", "10", "--disorder", "0.05",
           "--loss", "0.01", "--ipv6")


class Processes(PipelineTest):
    def endpoints(self, transport):
        if transport == "ipc":
            return "ipc://" + self.path("captures"), "ipc://" + self.path("sinks")
        a, b = free_ports(2)
        return f"tcp://127.0.0.1:{a}", f"tcp://127.0.0.1:{b}"

    def deal(self, capture, parts, seed):
        """The packets of a capture, dealt out to files at random."""
        header, records = pcap.read(capture)
        dealer = random.Random(seed)
        hands = [[] for _ in range(parts)]
        for record in records:
            hands[dealer.randrange(parts)].append(record)
        paths = []
        for i, hand in enumerate(hands):
            paths.append(self.path(f"hand-{seed}-{i}.pcap"))
            pcap.write(paths[-1], header, hand)
        return paths

    def run_pipeline(self, transport, paths, sinks, output, reverse_bind=False):
        captures, outlet = self.endpoints(transport)
        binds, connects = ("@", ">") if not reverse_bind else (">", "@")
        reassembler = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", binds + outlet,
                                 "--sources", str(len(paths)), "--wait-sinks", str(sinks))
        writers = [self.start("flowstitch-sink", "--reassembler", connects + outlet, "-o", self.path(output),
                              "--files", "--http", "--shard", f"{k}/{sinks}", "--name", f"sink-{k}",
                              "--dfxml", "--report", self.path(f"{output}-report-{k}.xml"))
                   for k in range(sinks)]
        sensors = [self.start("flowstitch-capture", "-r", path, "--name", f"sensor-{i}",
                              "--reassembler", captures) for i, path in enumerate(paths)]
        for process in sensors + [reassembler] + writers:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        return files(self.path(output))

    def shared_memory(self, blocks):
        """A descriptor of memory as SharedMemory::Make makes it."""
        memory = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        self.addCleanup(os.close, memory)
        os.ftruncate(memory, 4096 + blocks * (1 << 20))
        os.write(memory, b"fsmemory" + os.urandom(8))
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return memory

    def test_shared_memory_changes_nothing_whoever_reads_it(self):
        """Every end with its memory or without, and so little of it that some payload is carried."""
        capture = self.make("t.pcap", "--flows", "60", "--bytes", "200000", "--concurrent", "10", "--disorder", "0.05",
                            "--loss", "0.01")
        wanted = self.launch(capture, "launcher")
        for case, (capture_shares, reassembler_reads, reassembler_shares, sink_reads) in enumerate(
                itertools.product((False, True), repeat=4)):
            with self.subTest(case=case):
                packets, streams = self.shared_memory(2 + case % 3 * 8), self.shared_memory(1 + case % 5)
                inlet, outlet = (f"ipc://{self.path(name)}-{case}" for name in ("captures", "sinks"))
                share, read = (lambda fd, yes: ("--share-memory", str(fd)) if yes else ()), (
                    lambda fd, yes: ("--read-memory", str(fd)) if yes else ())
                begin = lambda *a: self.start(*a, pass_fds=(packets, streams))
                processes = [
                    begin("flowstitch-reassembler", "--captures", inlet, "--sinks", outlet, "--sources", "1", "--wait-sinks",
                          "1", *read(packets, reassembler_reads), *share(streams, reassembler_shares)),
                    begin("flowstitch-sink", "--reassembler", outlet, "-o", self.path(f"out-{case}"), "--files", "--http",
                          *read(streams, sink_reads)),
                    begin("flowstitch-capture", "-r", capture, "--reassembler", inlet, *share(packets, capture_shares))]
                for process in processes:
                    status, errors = self.wait(process)
                    self.assertEqual(status, 0, errors)
                self.assertEqual(files(self.path(f"out-{case}")), wanted)

    def test_a_sink_keeps_a_journal_unless_told_otherwise(self):
        capture = self.make("t.pcap", *TRAFFIC)
        for flags, kept in (((), True), (("--no-journal",), False)):
            captures, outlet = self.endpoints("tcp")
            output = self.path(f"out-{kept}")
            processes = [
                self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet, "--sources", "1"),
                self.start("flowstitch-sink", "--reassembler", outlet, "-o", output, "--files", *flags),
                self.start("flowstitch-capture", "-r", "-", "--reassembler", captures, stdin_pipe=True)]
            with open(capture, "rb") as file:
                processes[2].stdin.buffer.write(file.read())
            processes[2].stdin.flush()
            self.assertTrue(wait_until(lambda: os.path.isdir(output) and any(n.startswith("010.") for n in os.listdir(output))))
            self.assertEqual(any(name.endswith(".journal") for name in os.listdir(output)), kept)
            processes[2].stdin.close()
            processes[2].stdin = None  # communicate would flush it
            for process in processes:
                status, errors = self.wait(process)
                self.assertEqual(status, 0, errors)

    def test_a_descriptor_of_something_else_is_refused(self):
        with open(os.devnull) as other:
            process = self.start("flowstitch-capture", "-r", self.make("t.pcap"), "--share-memory", str(other.fileno()),
                                 pass_fds=(other.fileno(),))
            status, errors = self.wait(process)
        self.assertEqual(status, 1)
        self.assertIn("is not of memory that flowstitch shares", errors)

    def wait_for_link(self, process):
        for line in process.stderr:
            if "is open" in line:
                return
        self.fail("the link did not open")

    def test_three_captures_one_reassembler_two_sinks(self):
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        for seed, transport in enumerate(("ipc", "tcp")):
            paths = self.deal(capture, 3, seed)
            self.assertEqual(self.run_pipeline(transport, paths, 2, "out-" + transport), wanted)

    def test_either_side_may_bind(self):
        capture = self.make("t.pcap", "--flows", "5")
        wanted = self.launch(capture, "launcher")
        self.assertEqual(self.run_pipeline("ipc", [capture], 1, "out", reverse_bind=True), wanted)

    def test_the_order_of_starting_does_not_matter(self):
        capture = self.make("t.pcap", "--flows", "5")
        wanted = self.launch(capture, "launcher")
        captures, outlet = self.endpoints("ipc")
        sensor = self.start("flowstitch-capture", "-r", capture, "--reassembler", captures)
        sink = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("out"), "--files", "--http")
        reassembler = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet,
                                 "--sources", "1", "--wait-sinks", "1")
        for process in (sensor, reassembler, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_a_killed_sink_that_comes_back_leaves_no_byte_out(self):
        """Flows that begin after the restart are whole; the reassembler waits meanwhile."""
        captures, outlet = self.endpoints("ipc")
        early = self.make("early.pcap", "--flows", "20", "--bytes", "30000")
        wanted = self.launch(early, "launcher")
        reassembler = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet,
                                 "--sources", "1", "--wait-sinks", "1")
        first = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("first"), "--files",
                           "--http", "--name", "sink", "-v")
        self.wait_for_link(first)
        first.kill()
        first.communicate()
        sensor = self.start("flowstitch-capture", "-r", early, "--reassembler", captures)
        second = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("out"), "--files",
                            "--http", "--name", "sink")
        for process in (sensor, reassembler, second):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_two_processes_with_one_name_are_told_apart(self):
        captures, outlet = self.endpoints("ipc")
        self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet, "--sources", "9")
        first = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("a"), "--files", "--name",
                           "twin", "-v")
        self.wait_for_link(first)
        second = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("b"), "--files",
                            "--name", "twin")
        status, errors = self.wait(second, timeout=30)
        self.assertEqual(status, 1)
        self.assertIn("another process with the name 'twin' is connected", errors)

    def test_endpoints_that_were_mixed_up_are_refused_by_role(self):
        captures, outlet = self.endpoints("ipc")
        self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet, "--sources", "1")
        sink = self.start("flowstitch-sink", "--reassembler", captures, "-o", self.path("out"), "--files")
        status, errors = self.wait(sink, timeout=30)
        self.assertEqual(status, 1)
        self.assertIn("is a sink, but", errors)
        self.assertIn("expects a capture here", errors)

    def test_a_stopped_reassembler_gives_out_what_it_has(self):
        capture = self.make("t.pcap", "--flows", "5")
        captures, outlet = self.endpoints("ipc")
        reassembler = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", outlet,
                                 "--wait-sinks", "1")
        sink = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("out"), "--files", "--http")
        sensor = self.start("flowstitch-capture", "-r", capture, "--reassembler", captures)
        self.assertEqual(self.wait(sensor)[0], 0)
        reassembler.send_signal(signal.SIGTERM)
        for process in (reassembler, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), self.launch(capture, "launcher"))

    def test_any_number_of_flows_may_end_at_once(self):
        """The end closes all that are open: their events are more than one message may have."""
        capture = self.path("open.pcap")
        frames, at = [], packets.START_NS
        for i in range(20_000):
            talk = packets.Talk(client=(f"10.1.{i >> 8}.{i & 255}", 1000), time_ns=at, step_ns=10)
            frames += talk.handshake().client(b"open\n").frames
            at += 1000
        with open(capture, "wb") as file:
            file.write(packets.pcap(frames))
        wanted = self.launch(capture, "launcher")
        self.assertEqual(len(wanted), 20_000)
        self.assertEqual(self.run_pipeline("ipc", [capture], 1, "out"), wanted)

    def test_a_sink_that_binds_may_be_killed_and_started_again(self):
        """ZeroMQ keeps the reassembler's connection and its route; the process behind it is another."""
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        inlet, outlet = self.endpoints("tcp")
        start_sink = lambda: self.start("flowstitch-sink", "--reassembler", "@" + outlet, "-o", self.path("out"),
                                        "--files",
                                        "--http", "--name", "writer")
        reassembler = self.start("flowstitch-reassembler", "--captures", inlet, "--sinks", ">" + outlet, "--sources",
                                 "1",
                                 "--wait-sinks", "1")
        sink = start_sink()
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", inlet, stdin_pipe=True)
        with open(capture, "rb") as file:
            data = file.read()
        sensor.stdin.buffer.write(data[:len(data) // 2])
        sensor.stdin.flush()
        self.assertTrue(wait_until(lambda: os.path.isdir(self.path("out")) and len(files(self.path("out"))) > 1))
        sink.kill()
        sink.communicate()
        sink = start_sink()
        sensor.stdin.buffer.write(data[len(data) // 2:])
        sensor.stdin.close()
        sensor.stdin = None
        for process in (sensor, reassembler, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        left = {name: digest for name, digest in files(self.path("out")).items() if not name.endswith(".part")}
        self.assertEqual(left, wanted)


if __name__ == "__main__":
    unittest.main()
