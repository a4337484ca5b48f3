"""Strangers on every socket during a run: scans, thousands of connections, random bytes, wrong keys, wrong versions. The
output is what it is without them, and memory stays bounded."""
import os
import random
import shutil
import socket
import sys
import threading
import unittest

from harness import BUILD, PipelineTest, files, run, wait_until
from ports import free_ports

try:
    import zmq
    sys.path.insert(0, os.path.join(BUILD, "python"))
    from proto.link_pb2 import LinkMessage
except ImportError as error:
    zmq, MISSING = None, str(error)

CONNECTIONS = 10_000
TRAFFIC = ("--flows", "300", "--bytes", "60000", "--concurrent", "60", "--loss", "0.01")


def greeting(mechanism=b"NULL", version=3):
    """ZMTP's first 64 bytes (https://rfc.zeromq.org/spec/23/)."""
    return b"\xff" + bytes(8) + b"\x7f" + bytes((version, 1)) + mechanism.ljust(20, b"\0") + bytes(32)


class Intruder(threading.Thread):
    """Connects to a port again and again until it is told to stop, or has done so often enough."""

    def __init__(self, port, seed, connections):
        super().__init__(daemon=True)
        self.port, self.random, self.left, self.done = port, random.Random(seed), connections, 0

    def run(self):
        kept = []
        while self.left > 0:
            self.left -= 1
            try:
                s = socket.create_connection(("127.0.0.1", self.port), timeout=2)
                kept.append(s)
                s.sendall(self.bytes())
                self.done += 1
                if self.random.random() < 0.95:
                    kept.pop().close()  # the others stay there
            except OSError:
                pass  # it was shown the door
            if len(kept) > 50:
                kept.pop(0).close()
        for s in kept:
            s.close()

    def bytes(self):
        choice = self.random.randrange(7)
        noise = self.random.randbytes(self.random.randrange(1, 400))
        return (b"", noise, greeting() + noise, greeting(b"CURVE") + noise, greeting(b"PLAIN") + noise, greeting(version=1) + noise,
                # A command of eight exabytes.
                greeting(b"CURVE") + b"\x06" + b"\x7f" * 8 + noise)[choice]


@unittest.skipIf(zmq is None, "needs python3-zmq and python3-protobuf")
class Strangers(PipelineTest):
    def peak(self, process):
        with open(f"/proc/{process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def with_intruders(self, security, connections):
        """A run of the whole pipeline with strangers at all of the reassembler's ports."""
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        ports = free_ports(4)
        captures, sinks, tap = (f"tcp://127.0.0.1:{port}" for port in ports[:3])
        center = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", sinks, "--tap", tap, "--metrics",
                            f"127.0.0.1:{ports[3]}", "--sources", "1", "--wait-sinks", "1", *security("center"))
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "sensor", "--reassembler", captures,
                            *security("sensor"),
                            stdin_pipe=True)
        sink = self.start("flowstitch-sink", "--reassembler", sinks, "-o", self.path("out"), "--files", "--http",
                          *security("writer"))
        # Who reads standard error of a process that warns of strangers must not make it wait.
        logs = []
        reader = threading.Thread(target=lambda: logs.extend(center.stderr), daemon=True)
        reader.start()
        self.assertTrue(wait_until(lambda: all(self.listens(port) for port in ports)))
        # The figures' readers wait for each other; the links are what matters.
        intruders = [Intruder(port, i, connections // 3 if i < 3 else 30) for i, port in enumerate(ports)]
        for intruder in intruders:
            intruder.start()
        messages = self.hostile_messages(captures, sinks)
        with open(capture, "rb") as file:
            data = file.read()
        at, step = 0, len(data) // 40
        while at < len(data) or any(i.is_alive() for i in intruders):
            sensor.stdin.buffer.write(data[at:at + step])
            sensor.stdin.flush()
            at += step
            next(messages)
            intruders[0].join(0.05)
        peak = self.peak(center)
        sensor.stdin.close()
        sensor.stdin = None
        for process in (sensor, sink):
            status, errors = self.wait(process, timeout=120)
            self.assertEqual(status, 0, errors)
        self.assertEqual(center.wait(timeout=60), 0, "".join(logs[-20:]))
        reader.join(10)
        self.assertEqual(files(self.path("out")), wanted)
        self.assertGreater(sum(i.done for i in intruders), connections // 2)
        # AddressSanitizer keeps 256 MB of freed memory back, and has shadows of its own.
        self.assertLess(peak, 1000 if "asan" in os.path.basename(BUILD) else 400)
        self.assertLess(len(logs), 2000, "strangers do not fill the log")
        return "".join(logs)

    @staticmethod
    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return True
        except OSError:
            return False

    def hostile_messages(self, captures, sinks):
        """Messages of well-formed ZeroMQ peers that are no peers of ours; one turn at a time."""
        context = zmq.Context()
        context.setsockopt(zmq.LINGER, 0)  # of all its sockets
        self.addCleanup(context.term)
        noise = random.Random(7)
        sockets = []
        for endpoint in (captures, sinks):
            for _ in range(4):
                s = context.socket(zmq.DEALER)
                self.addCleanup(s.close, 0)  # before the context ends
                s.connect(endpoint)
                sockets.append(s)
        hello = dict(magic="flowstitch", version_min=1, version_max=1, epoch=5, name="x", role=1)
        kinds = [dict(hello, version_min=9, version_max=12), dict(hello, magic="other"), dict(hello, role=3),
                 dict(hello, name="n" * 100_000)]
        while True:
            for s in sockets:
                choice = noise.randrange(4)
                body = (noise.randbytes(noise.randrange(2000)),
                        LinkMessage(hello=kinds[noise.randrange(len(kinds))]).SerializeToString(),
                        LinkMessage(sequence=noise.getrandbits(63), end={}).SerializeToString(),
                        LinkMessage(acknowledgement=dict(received_sequence=1 << 60, acknowledged_sequence=1 << 60,
                                                         window_bytes=1 << 60)).SerializeToString())[choice]
                try:
                    s.send(body, zmq.DONTWAIT)
                    while s.poll(0):
                        s.recv()
                except zmq.ZMQError:
                    pass
            yield

    def test_with_keys(self):
        for directory in ("secret", "allowed"):
            os.mkdir(self.path(directory))
        for name, role in (("center", "reassembler"), ("sensor", "capture"), ("writer", "sink")):
            self.assertEqual(run("flowstitch-keygen", name, "--role", role, "-o", self.path("secret")).returncode, 0)
            shutil.copy(self.path("secret", name + ".key"), self.path("allowed"))

        def security(name):
            key = ("--key", self.path("secret", name + ".key_secret"))
            return key + (("--allow", self.path("allowed")) if name == "center" else
                          ("--peer-key", self.path("secret", "center.key")))
        self.with_intruders(security, CONNECTIONS)

    def test_on_loopback_without_keys(self):
        # A stranger may pass for a sink there, and hold everything up: of those that come, none says a right Hello.
        self.with_intruders(lambda name: (), CONNECTIONS // 4)


if __name__ == "__main__":
    unittest.main()
