"""The Python programs of proto/examples on the taps of a running pipeline."""
import os
import selectors
import shutil
import struct
import subprocess
import sys
import time
import unittest

import pcap
from harness import BUILD, SOURCE, PipelineTest, figure, files, program, wait_until
from ports import free_ports

try:
    import google.protobuf  # noqa: F401
    import zmq
    MISSING = None
except ImportError as error:
    MISSING = f"needs python3-zmq and python3-protobuf: {error}"


@unittest.skipIf(MISSING, MISSING)
class Consumers(PipelineTest):
    def test_both_print_real_flows(self):
        capture = self.make("t.pcap", "--flows", "4", "--bytes", "3000", "--segment", "1000")
        taps = {kind: "ipc://" + self.path(kind) for kind in ("packets", "streams")}
        environment = dict(os.environ, PYTHONPATH=os.path.join(BUILD, "python"))
        process = subprocess.Popen(
            [program("flowstitch"), "-q", "-r", "-", "-o", self.path("out"), "--packet-tap", taps["packets"],
             "--stream-tap", taps["streams"]], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        readers = {}
        for kind, tap in taps.items():
            example = os.path.join(SOURCE, "proto", "examples", f"print_{kind}.py")
            with open(example) as file:
                self.assertLessEqual(len(file.readlines()), 20)
            readers[kind] = subprocess.Popen([sys.executable, "-B", example, tap], env=environment,
                                             stdout=subprocess.PIPE)
            self.started.append(readers[kind])
        # A subscriber that comes late misses what was before: packets are given until it has printed some.
        with open(capture, "rb") as file:
            data = file.read()
        process.stdin.write(data)
        process.stdin.flush()
        seen = {kind: b"" for kind in readers}
        selector = selectors.DefaultSelector()
        for kind, reader in readers.items():
            selector.register(reader.stdout, selectors.EVENT_READ, kind)
        deadline = time.monotonic() + 60
        seed = 1
        while time.monotonic() < deadline and not all(self.enough(kind, seen[kind]) for kind in seen):
            for key, _ in selector.select(0.2):
                seen[key.data] += os.read(key.fd, 1 << 16)
            seed += 1
            more = self.make("more.pcap", "--flows", "4", "--bytes", "3000", "--seed", str(seed))
            with open(more, "rb") as file:
                process.stdin.write(file.read()[24:])
            process.stdin.flush()
        process.stdin.close()
        self.assertEqual(process.wait(timeout=30), 0)
        packets, streams = (seen[kind].decode() for kind in ("packets", "streams"))
        self.assertRegex(packets, r"\S+ 1700000000\d{9} \d+ 0200000000020200000000010800")
        self.assertRegex(streams, r"\d+ opened")
        self.assertRegex(streams, r"\d+ 0 b'GET /object HTTP/1.0")
        self.assertRegex(streams, r"\d+ closed")

    @staticmethod
    def enough(kind, text):
        if kind == "packets":
            return text.count(b"\n") > 10
        return all(word in text for word in (b"opened", b"GET /object", b"closed"))

    def listen(self, *command):
        """A consumer; what it says can be read while it runs: see said()."""
        path = self.path(f"consumer-{len(self.started)}")
        with open(path, "wb") as out:
            process = subprocess.Popen(command, env=dict(os.environ, PYTHONPATH=os.path.join(BUILD, "python")), stdout=out,
                                       stderr=subprocess.PIPE)
        process.output = path
        self.started.append(process)
        return process

    def example(self, name, *arguments):
        return self.listen(sys.executable, "-B", os.path.join(SOURCE, "proto", "examples", name), *arguments)

    @staticmethod
    def said(process):
        with open(process.output, "rb") as file:
            return file.read()

    def end(self, process):
        """Ends a consumer; what it complained of."""
        process.terminate()
        return process.communicate(timeout=30)[1]

    def pipeline(self, *reassembler):
        """A reassembler with a tap, a sink, and a capture that is fed by hand."""
        ends = {name: "ipc://" + self.path(name) for name in ("captures", "sinks", "packets", "streams")}
        self.figures = dict(zip(("packets", "streams"), free_ports(2)))
        listen = {name: ("--metrics", f"127.0.0.1:{port}") for name, port in self.figures.items()}
        center = self.start("flowstitch-reassembler", "--captures", ends["captures"], "--sinks", ends["sinks"], "--sources",
                            "1", "--wait-sinks", "1", "--tap", ends["streams"], *listen["streams"], *reassembler)
        sink = self.start("flowstitch-sink", "--reassembler", ends["sinks"], "-o", self.path("out"), "--files", "--http")
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", ends["captures"], "--tap",
                            ends["packets"], *listen["packets"], stdin_pipe=True)
        return ends, (sensor, center, sink)

    def feed_and_end(self, capture, processes, **subscribers):
        """Feeds the capture once so many have subscribed to a tap: what is before that is not for them."""
        for tap, count in subscribers.items():
            self.assertTrue(wait_until(lambda t=tap, n=count: figure(self.figures[t], "tap_subscriptions") == n), tap)
        with open(capture, "rb") as file:
            processes[0].stdin.buffer.write(file.read())
        processes[0].stdin.close()
        processes[0].stdin = None
        for process in processes:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)

    def test_topics_choose_by_protocol_and_port(self):
        capture = self.make("t.pcap", "--flows", "9", "--bytes", "5000")
        ends, processes = self.pipeline()
        hears = {topic: self.example("bytes_by_host.py", ends["streams"], topic)
                 for topic in ("streams.", "streams.tcp.80.", "streams.tcp.443.", "streams.udp.")}
        self.feed_and_end(capture, processes, streams=4)
        for topic in ("streams.", "streams.tcp.80."):
            self.assertTrue(wait_until(lambda t=topic: self.said(hears[t]).count(b"\n") == 9), self.said(hears[topic]))
        for process in hears.values():
            self.end(process)
        said = {topic: self.said(process).decode().splitlines() for topic, process in hears.items()}
        self.assertEqual(said["streams.tcp.80."], said["streams."])
        self.assertEqual(said["streams.tcp.80."][-1],
                         "{'10.1.0.1': %d, '10.2.0.2': 45000} missed batches: 0" % (9 * self.request_bytes()))
        self.assertEqual(said["streams.tcp.443."] + said["streams.udp."], [])

    @staticmethod
    def request_bytes():
        return len("GET /object HTTP/1.0\r\nHost: generated.example\r\n\r\n")

    def test_a_tap_of_packets_becomes_a_capture_and_feeds_a_second_reassembler(self):
        capture = self.make("t.pcap", "--flows", "20", "--bytes", "20000", "--loss", "0.01", "--ipv6")
        frames = len(pcap.read(capture)[1])
        wanted = self.launch(capture, "launcher")
        ends, processes = self.pipeline()
        tap = self.listen(program("flowstitch-tap"), ends["packets"], "-w", "-")
        reader = subprocess.Popen([program("flowstitch-tap"), ends["packets"], "--topic", "packets.a", "-w", "-"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ports = free_ports(1)
        second = subprocess.Popen([program("flowstitch"), "-q", "-a", "-r", "-", "-o", self.path("second"), "--metrics",
                                   f"127.0.0.1:{ports[0]}"], stdin=reader.stdout, stderr=subprocess.PIPE, text=True)
        self.started += [reader, second]
        self.feed_and_end(capture, processes, packets=2)
        # All of it has arrived at both before they are ended.
        self.assertTrue(wait_until(lambda: self.frames_in(self.said(tap)) == frames))
        self.assertTrue(wait_until(lambda: figure(ports[0], "source_frames_read_total") == frames))
        self.assertEqual(self.end(tap), b"", "nothing was missed")
        self.assertEqual(self.end(reader), b"", "nothing was missed")
        self.assertEqual((tap.returncode, reader.returncode), (0, 0))
        self.assertEqual(second.wait(timeout=30), 0, second.stderr.read())
        self.assertEqual(files(self.path("second")), wanted)
        shutil.copy(tap.output, self.path("tap.pcapng"))
        self.assertEqual(self.launch(self.path("tap.pcapng"), "from-file"), wanted)

    @staticmethod
    def frames_in(data):
        """Enhanced packet blocks of a pcapng file, as far as they are whole."""
        count = at = 0
        while at + 8 <= len(data):
            kind, length = struct.unpack_from("<II", data, at)
            at += length
            count += kind == 6 and at <= len(data)
        return count

    def test_the_tap_reader_prints_streams(self):
        capture = self.make("t.pcap", "--flows", "3", "--bytes", "3000")
        ends, processes = self.pipeline()
        lines = self.listen(program("flowstitch-tap"), ends["streams"])
        content = self.listen(program("flowstitch-tap"), ends["streams"], "--bytes")
        self.feed_and_end(capture, processes, streams=2)
        self.assertTrue(wait_until(lambda: self.said(lines).count(b" closed FIN") == 3))
        self.assertTrue(wait_until(lambda: len(self.said(content)) >= 3 * (3000 + self.request_bytes())))
        self.end(lines)
        self.end(content)
        self.assertEqual(self.said(lines).count(b" opened 10.1.0.1:"), 3)
        self.assertEqual(len(self.said(content)), 3 * (3000 + self.request_bytes()))

    def test_a_consumer_that_sleeps_harms_nobody(self):
        capture = self.make("t.pcap", "--flows", "400", "--bytes", "200000")
        wanted = self.launch(capture, "launcher")
        ends, processes = self.pipeline()
        context = zmq.Context()
        self.addCleanup(context.term)
        sleeper = context.socket(zmq.SUB)
        self.addCleanup(sleeper.close, 0)
        sleeper.setsockopt(zmq.RCVHWM, 10)
        sleeper.subscribe(b"")
        sleeper.connect(ends["streams"])
        sleeper.connect(ends["packets"])
        self.feed_and_end(capture, processes, streams=1, packets=1)
        self.assertEqual(files(self.path("out")), wanted)

    def test_a_lossless_consumer_in_python(self):
        example = os.path.join(SOURCE, "proto", "examples", "lossless_sink.py")
        with open(example) as file:
            self.assertLess(len(file.readlines()), 80)
        capture = self.make("t.pcap", "--flows", "30", "--bytes", "50000", "--disorder", "0.05")
        ends, processes = self.pipeline("--wait-sinks", "2")
        consumer = self.example("lossless_sink.py", ends["sinks"], "python")
        self.feed_and_end(capture, processes)
        self.assertEqual(consumer.wait(timeout=30), 0)
        lines = self.said(consumer).decode().splitlines()
        self.assertEqual(lines[-1], "end %d" % (30 * (50000 + self.request_bytes())))
        # Each stream's digest is that of a flow file.
        told = sorted(digest for line in lines[:-1] for digest in line.split()[1:])
        self.assertEqual(told, sorted(d for name, d in files(self.path("out")).items() if "HTTPBODY" not in name))


if __name__ == "__main__":
    unittest.main()
