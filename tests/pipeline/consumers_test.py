"""The Python programs of proto/examples on the taps of a running pipeline."""
import os
import selectors
import subprocess
import sys
import time
import unittest

from harness import BUILD, SOURCE, PipelineTest, program

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


if __name__ == "__main__":
    unittest.main()
