"""Figures of running processes: /metrics, /healthz, and the table that flowstitch-status makes of them."""
import re
import socket
import time
import unittest
import urllib.error

import pcap
from harness import PipelineTest, fetch, run, wait_until
from ports import free_ports

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+|[+-]Inf|NaN)$')


def parse(test, text):
    """{(name, labels): value}, and that the text has Prometheus' form: a family's lines together, behind its type."""
    figures, types, current = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            test.assertNotIn(current, types, "a family comes once")
            types[current] = kind
            continue
        if line.startswith("# HELP "):
            continue
        match = SAMPLE.match(line)
        test.assertIsNotNone(match, line)
        name, labels, value = match.groups()
        test.assertEqual(name, current)
        test.assertEqual(types[name] == "counter", name.endswith("_total"), name)
        test.assertNotIn((name, labels or ""), figures)
        figures[(name, labels or "")] = float(value)
    return figures


class Metrics(PipelineTest):
    def test_every_process_gives_its_figures(self):
        capture = self.make("t.pcap", "--flows", "50", "--bytes", "20000", "--loss", "0.01")
        frames = len(pcap.read(capture)[1])
        ports = dict(zip(("capture", "reassembler", "sink"), free_ports(3)))
        listen = {name: ("--metrics", f"127.0.0.1:{port}") for name, port in ports.items()}
        captures, sinks = ("ipc://" + self.path(name) for name in ("captures", "sinks"))
        reassembler = self.start("flowstitch-reassembler", "--captures", captures, "--sinks", sinks, "--wait-sinks", "1",
                                 "--sources", "1", *listen["reassembler"])
        sink = self.start("flowstitch-sink", "--reassembler", sinks, "-o", self.path("out"), "--files", "--name", "s\"1",
                          *listen["sink"])
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "sensor \\ a", "--reassembler", captures,
                            *listen["capture"], stdin_pipe=True)
        with open(capture, "rb") as file:
            sensor.stdin.buffer.write(file.read())
        sensor.stdin.flush()
        source, shard, writer = 'source="sensor \\\\ a"', 'shard="0"', 'sink="s\\"1"'

        def figures(name):
            return parse(self, fetch(ports[name]))

        def arrived():
            try:
                return figures("sink").get(("flowstitch_sink_stream_bytes_received_total", writer), 0) > 0 and figures(
                    "reassembler").get(("flowstitch_reassembly_frames_received_total", shard)) == frames
            except urllib.error.URLError:
                return False
        self.assertTrue(wait_until(arrived))
        r = figures("reassembler")
        self.assertEqual(r[("flowstitch_source_frames_received_total", source)], frames)
        self.assertEqual(r[("flowstitch_link_open", shard + "," + source)], 1)
        self.assertEqual(r[("flowstitch_link_open", shard + "," + writer)], 1)
        self.assertGreater(r[("flowstitch_link_credit_bytes", shard + "," + writer)], 0)
        self.assertEqual(r[("flowstitch_reassembly_flows_opened_total", shard)], 50)
        # The books balance at any moment.
        get = lambda name: r[(f"flowstitch_reassembly_{name}_total", shard)]
        self.assertEqual(get("stream_bytes"), get("delivered_bytes") + get("gap_bytes"))
        self.assertTrue(wait_until(lambda: figures("capture")[("flowstitch_source_frames_read_total", source)] == frames))
        for port in ports.values():
            self.assertEqual(fetch(port, "/healthz"), "ok\n")
            with self.assertRaises(urllib.error.HTTPError):
                fetch(port, "/other")
        table = run("flowstitch-status", f"127.0.0.1:{ports['reassembler']}", "--interval", "0.2")
        self.assertEqual(table.returncode, 0, table.stderr)
        rows = [line.split() for line in table.stdout.splitlines()]
        self.assertIn(["sensor", "\\", "a", "open", "0", str(frames), "0", "0", "0", "0", "0.000", "+0.000000"], rows)
        self.assertTrue(any(row[:1] == ["0"] and row[4:5] == ["50"] for row in rows), table.stdout)
        self.assertTrue(any(row[:3] == ['s"1', "open", "0"] for row in rows), table.stdout)
        sensor.stdin.close()
        sensor.stdin = None
        for process in (sensor, reassembler, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)

    def test_hostile_readers_harm_nobody(self):
        port = free_ports(1)[0]
        process = self.start("flowstitch-reassembler", "--captures", "ipc://" + self.path("c"), "--sinks",
                             "ipc://" + self.path("s"), "--metrics", f"127.0.0.1:{port}")
        self.assertTrue(wait_until(lambda: self.answers(port)))
        sleepers = []
        for i in range(24):
            s = socket.create_connection(("127.0.0.1", port))
            self.addCleanup(s.close)
            s.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100 if i % 2 else bytes(range(256)))
            sleepers.append(s)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        self.assertTrue(wait_until(lambda: self.answers(port), seconds=60))
        # Nor its end, while they are still there.
        process.terminate()
        self.assertIn(self.wait(process)[0], (0, 1))

    def test_health_is_an_exit_status(self):
        port = free_ports(1)[0]
        self.start("flowstitch-reassembler", "--captures", "ipc://" + self.path("c"), "--sinks",
                   "ipc://" + self.path("s"),
                   "--metrics", str(port))  # on loopback
        self.assertTrue(wait_until(lambda: self.answers(port)))
        result = run("flowstitch-status", "--health", f"127.0.0.1:{port}")
        self.assertEqual((result.returncode, result.stdout), (0, "ok\n"))
        result = run("flowstitch-status", "--health", "127.0.0.1:1")
        self.assertEqual(result.returncode, 1)
        self.assertIn("127.0.0.1:1", result.stderr)

    def answers(self, port):
        try:
            return fetch(port, "/healthz") == "ok\n"
        except OSError:
            return False

    def test_a_bad_address_is_named(self):
        for address in ("x", ":x", "127.0.0.1:x", "127.0.0.1:70000", "192.0.2.1:9"):
            result = run("flowstitch-reassembler", "--captures", "ipc://" + self.path("c"), "--metrics", address)
            self.assertEqual(result.returncode, 1, address)
            self.assertIn(address, result.stderr)
        self.assertEqual(run("flowstitch-status", "127.0.0.1:1").returncode, 1)


if __name__ == "__main__":
    unittest.main()
