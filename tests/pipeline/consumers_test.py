"""The Python programs of proto/examples on the taps of a running pipeline."""
import os
import selectors
import subprocess
import sys
import time
import unittest

from harness import BUILD, SOURCE, PipelineTest, files, program

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

    def example(self, name, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(SOURCE, "proto", "examples", name), *arguments],
            env=dict(os.environ, PYTHONPATH=os.path.join(BUILD, "python")), stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def pipeline(self, *reassembler):
        """A reassembler with a tap, a sink, and a capture that is fed by hand."""
        ends = {name: "ipc://" + self.path(name) for name in ("captures", "sinks", "packets", "streams")}
        center = self.start("flowstitch-reassembler", "--captures", ends["captures"], "--sinks", ends["sinks"], "--sources",
                            "1", "--wait-sinks", "1", "--tap", ends["streams"], *reassembler)
        sink = self.start("flowstitch-sink", "--reassembler", ends["sinks"], "-o", self.path("out"), "--files", "--http")
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", ends["captures"], "--tap",
                            ends["packets"], stdin_pipe=True)
        return ends, (sensor, center, sink)

    def feed_and_end(self, capture, processes):
        time.sleep(1)  # subscriptions have to arrive before what they are for
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
        self.feed_and_end(capture, processes)
        time.sleep(1)
        said = {}
        for topic, process in hears.items():
            process.terminate()
            said[topic] = process.communicate()[0].splitlines()
        self.assertEqual(len(said["streams.tcp.80."]), 9)
        self.assertEqual(said["streams.tcp.80."], said["streams."])
        self.assertEqual(said["streams.tcp.80."][-1],
                         "{'10.1.0.1': %d, '10.2.0.2': 45000} missed batches: 0" % (9 * self.request_bytes()))
        self.assertEqual(said["streams.tcp.443."] + said["streams.udp."], [])

    @staticmethod
    def request_bytes():
        return len("GET /object HTTP/1.0\r\nHost: generated.example\r\n\r\n")

    def test_a_tap_of_packets_becomes_a_capture_and_feeds_a_second_reassembler(self):
        capture = self.make("t.pcap", "--flows", "20", "--bytes", "20000", "--loss", "0.01", "--ipv6")
        wanted = self.launch(capture, "launcher")
        ends, processes = self.pipeline()
        with open(self.path("tap.pcapng"), "wb") as out:
            tap = subprocess.Popen([program("flowstitch-tap"), ends["packets"], "-w", "-"], stdout=out, stderr=subprocess.PIPE)
            self.started.append(tap)
            reader = subprocess.Popen([program("flowstitch-tap"), ends["packets"], "--topic", "packets.a", "-w", "-"],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            second = subprocess.Popen([program("flowstitch"), "-q", "-a", "-r", "-", "-o", self.path("second")],
                                      stdin=reader.stdout, stderr=subprocess.PIPE, text=True)
            self.started += [reader, second]
            self.feed_and_end(capture, processes)
            time.sleep(1)
            for process in (tap, reader):
                process.terminate()
                self.assertEqual(process.communicate()[1], b"", "nothing was missed")
                self.assertEqual(process.returncode, 0)
        self.assertEqual(second.wait(timeout=30), 0, second.stderr.read())
        self.assertEqual(files(self.path("second")), wanted)
        self.assertEqual(self.launch(self.path("tap.pcapng"), "from-file"), wanted)

    def test_the_tap_reader_prints_streams(self):
        capture = self.make("t.pcap", "--flows", "3", "--bytes", "3000")
        ends, processes = self.pipeline()
        readers = {}
        for name, flags in (("lines", ()), ("bytes", ("--bytes",))):
            readers[name] = subprocess.Popen([program("flowstitch-tap"), ends["streams"], *flags], stdout=subprocess.PIPE)
            self.started.append(readers[name])
        self.feed_and_end(capture, processes)
        time.sleep(1)
        out = {}
        for name, reader in readers.items():
            reader.terminate()
            out[name] = reader.communicate()[0]
        self.assertEqual(out["lines"].count(b" opened 10.1.0.1:"), 3)
        self.assertEqual(out["lines"].count(b" closed FIN"), 3)
        self.assertEqual(len(out["bytes"]), 3 * (3000 + self.request_bytes()))

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
        self.feed_and_end(capture, processes)
        self.assertEqual(files(self.path("out")), wanted)

    def test_a_lossless_consumer_in_python(self):
        example = os.path.join(SOURCE, "proto", "examples", "lossless_sink.py")
        with open(example) as file:
            self.assertLess(len(file.readlines()), 80)
        capture = self.make("t.pcap", "--flows", "30", "--bytes", "50000", "--disorder", "0.05")
        ends, processes = self.pipeline("--wait-sinks", "2")
        consumer = self.example("lossless_sink.py", ends["sinks"], "python")
        self.feed_and_end(capture, processes)
        lines = consumer.communicate(timeout=30)[0].splitlines()
        self.assertEqual(consumer.returncode, 0)
        self.assertEqual(lines[-1], "end %d" % (30 * (50000 + self.request_bytes())))
        # Each stream's digest is that of a flow file.
        told = sorted(digest for line in lines[:-1] for digest in line.split()[1:])
        self.assertEqual(told, sorted(d for name, d in files(self.path("out")).items() if "HTTPBODY" not in name))


if __name__ == "__main__":
    unittest.main()
