"""Hostile HTTP: what it may cost, and what the records say of it."""
import json
import os
import subprocess
import unittest

import packets
from harness import PipelineTest, files, program

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n"


def ok(body, fields=b""):
    return OK % (len(body), fields) + body


def get(path=b"/"):
    return b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path


class Limits(PipelineTest):
    def read(self, data, *arguments, output="out", name="in.pcap"):
        """Runs over a capture; JSON records, peak memory in MB, bytes written."""
        with open(self.path(name), "wb") as file:
            file.write(data)
        records = self.path(output + ".json")
        command = [program("flowstitch"), "-q", "-e", "http", "-r", self.path(name), "-o", self.path(output), "--json",
                   records, *arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.started.append(process)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, errors)
        self.megabytes = usage.ru_maxrss / 1024
        self.written = sum(os.stat(os.path.join(root, n)).st_blocks * 512
                           for root, _, names in os.walk(self.path(output)) for n in names)
        self.assertFalse([n for n in files(self.path(output), with_report=True) if n.endswith(".part")])
        with open(records) as file:
            return [json.loads(line) for line in file]

    def assert_memory(self, megabytes):
        if "asan" not in os.environ["FLOWSTITCH_BUILD"] and "tsan" not in os.environ["FLOWSTITCH_BUILD"]:
            self.assertLess(self.megabytes, megabytes)

    def test_many_small_bombs_are_one(self):
        try:
            import brotli
        except ImportError:
            self.skipTest("needs python3-brotli")
        bomb = brotli.compress(bytes(15 << 20))
        talk = packets.Talk().handshake().client(get() * 200).server(ok(bomb, b"Content-Encoding: br\r\n") * 200).close()
        records = self.read(packets.pcap(talk.frames))
        notes = [r["body"].get("note", "") for r in records if "body" in r]
        self.assertEqual(len(notes), 200)
        self.assertTrue(all("more than 250 times" in n for n in notes))
        self.assertLess(self.written, 4 << 20)

    def test_windows_of_many_decoders(self):
        try:
            import zstandard
        except ImportError:
            self.skipTest("needs python3-zstandard")
        packer = zstandard.ZstdCompressor(level=19, compression_params=zstandard.ZstdCompressionParameters(window_log=23)).compressobj()
        start = packer.compress(os.urandom(200_000) * 50)[:260_000]  # enough of it that it is in proportion
        frames = []
        for number in range(120):
            talk = packets.Talk(("10.0.0.1", 2000 + number), ("10.0.0.2", 80)).handshake().client(get())
            talk.server(OK % (10 << 20, b"Content-Encoding: zstd\r\n") + start, size=60_000)
            frames += talk.frames
        self.read(packets.pcap(frames))
        self.assert_memory(1000)

    def test_heads_that_swell(self):
        """HPACK: a table filled once, then named by a byte again and again."""
        def frame(kind, flags, stream, payload):
            return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

        def number(value, prefix, first):
            most = (1 << prefix) - 1
            if value < most:
                return bytes([first | value])
            out, value = bytes([first | most]), value - most
            while value >= 128:
                out, value = out + bytes([value % 128 + 128]), value // 128
            return out + bytes([value])
        head = number(1 << 20, 5, 0x20) + b"\x82\x86\x84"
        for i in range(7):
            head += b"\x40" + number(2, 7, 0) + b"x%d" % i + number(60_000, 7, 0) + bytes([97 + i]) * 60_000
        blocks = [head[i:i + 16000] for i in range(0, len(head), 16000)]
        data = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 0, 1, blocks[0])
        for i, block in enumerate(blocks[1:], 2):
            data += frame(9, 4 if i == len(blocks) else 0, 1, block)
        for i in range(4000):
            data += frame(1, 4, 3 + 2 * i, b"\x82\x86\x84" + b"".join(number(62 + k, 7, 0x80) for k in range(7)))
        talk = packets.Talk().handshake().client(data, size=60_000).close()
        records = self.read(packets.pcap(talk.frames))
        stops = [s["why"] for r in records if "flow" in r for s in r["flow"].get("stops", [])]
        self.assertEqual(stops, ["a head of HTTP/2 is too large"])
        self.assert_memory(700)

    def test_held_requests_cost_no_more_than_others(self):
        asks = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n"
        talk = packets.Talk().handshake().client(asks * 20_000, size=60_000).server(ok(b"") * 20_000, size=60_000).close()
        records = self.read(packets.pcap(talk.frames))
        pairs = [r["http"] for r in records if "http" in r]
        self.assertEqual(len(pairs), 20_000)
        self.assertTrue(all("request" in p and "response" in p for p in pairs))

    def test_secrets_without_end(self):
        talk = packets.Talk().handshake().client(get()).server(ok(b"here")).close()
        junk = b"# junk\n" * 150_000
        data = packets.pcapng(talk.frames, secrets={0: junk})
        block = data[28 + 32:]  # behind the section and the interface
        records = self.read(data[:28 + 32] + block[:len(junk) + 20 + -len(junk) % 4] * 70 + block, name="in.pcapng")
        self.assertEqual([r["body"]["bytes"] for r in records if "body" in r], ["4"])

    def test_what_is_said_of_holes(self):
        """A message with a hole, or whose body is all hole, is not complete, in no record."""
        def talk(drop):
            talk = packets.Talk().handshake().client(get())
            talk.server(OK % (3000, b"") , size=1400)
            for piece in range(3):
                before = len(talk.frames)
                talk.server(b"x" * 1000)
                if piece in drop:
                    del talk.frames[before:]
            talk.server(ok(b"next"))
            return talk.close()
        for drop in ((1,), (0, 1, 2)):
            records = self.read(packets.pcap(talk(drop).frames), output=f"out{len(drop)}")
            answers = [r["http"]["response"] for r in records if "http" in r]
            self.assertNotIn("complete", answers[0])
            self.assertIn("missing", answers[0]["note"])
            bodies = [(r["body"]["bytes"], r["body"].get("complete", False)) for r in records if "body" in r]
            self.assertEqual(bodies, ([("3000", False)] if len(drop) == 1 else []) + [("4", True)])

    def test_a_reset_completes_nothing(self):
        talk = packets.Talk().handshake().client(get()).server(b"HTTP/1.0 200 OK\r\n\r\nhalf of it")
        talk.segment(1, talk.next[1], talk.next[0], packets.RST | packets.ACK)
        records = self.read(packets.pcap(talk.frames))
        body = next(r["body"] for r in records if "body" in r)
        self.assertNotIn("complete", body)
        self.assertIn("-incomplete", body["path"])

    def test_early_answers_keep_their_requests(self):
        post = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n"
        talk = packets.Talk().handshake().client(post + b"a" * 500).server(ok(b"too much")).client(b"a" * 2500)
        talk.client(get(b"/2")).server(ok(b"two")).close()
        records = self.read(packets.pcap(talk.frames))
        pairs = [r["http"] for r in records if "http" in r]
        self.assertEqual([p["request"]["target"] for p in pairs], ["/", "/2"])
        self.assertTrue(all(p[k]["complete"] for p in pairs for k in p if k in ("request", "response")))
        self.assertEqual(pairs[0]["request"]["body_bytes"], "3000")
        self.assertEqual([p["response"]["body_bytes"] for p in pairs], ["8", "3"])

    def test_ranges_of_one_message_and_of_two_servers(self):
        def part(first, last, total, text):
            return b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s\r\n" % (first, last, total, text)
        body = part(0, 4, 10, b"AAAAA") + part(0, 3, 8, b"BBBB") + part(5, 9, 10, b"aaaaa") + part(4, 7, 8, b"bbbb") + b"--b--\r\n"
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: %d\r\nETag: \"x\"\r\n\r\n"
        talk = packets.Talk().handshake().client(get()).server(head % len(body) + body).close()
        records = self.read(packets.pcap(talk.frames))
        joined = {r["body"]["path"]: r["body"]["bytes"] for r in records if r.get("body", {}).get("kind") == "joined"}
        self.assertEqual(sorted(joined.values()), ["10", "8"])
        texts = set()
        for path in joined:
            with open(path, "rb") as file:
                texts.add(file.read())
        self.assertEqual(texts, {b"AAAAAaaaaa", b"BBBBbbbb"})

        frames = []
        for server, span, text in (("10.0.0.2", b"0-4", b"AAAAA"), ("10.9.9.9", b"5-9", b"BBBBB")):
            answer = b"HTTP/1.0 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes %s/10\r\nLast-Modified: now\r\n\r\n" % span
            frames += packets.Talk(server=(server, 80)).handshake().client(b"GET /f HTTP/1.0\r\n\r\n").server(answer + text).close().frames
        records = self.read(packets.pcap(frames), output="two")
        self.assertFalse([r for r in records if r.get("body", {}).get("kind") == "joined"])

    def test_names_by_digest_do_not_depend_on_threads(self):
        frames = []
        for number in range(6):
            talk = packets.Talk(("10.0.0.1", 3000 + number), time_ns=packets.START_NS + number * 10**10)
            frames += talk.handshake().client(get()).server(ok(b"the same")).close().frames
        times = set()
        for workers in ("1", "2", "3", "6"):
            self.read(packets.pcap(frames), "--body-names", "digest", "--workers", workers, output="w" + workers)
            named = [n for n in files(self.path("w" + workers)) if n.startswith("HTTPBODY-")]
            self.assertEqual(len(named), 1)
            times.add(os.stat(self.path("w" + workers, named[0])).st_mtime_ns // 10**9)
        self.assertEqual(times, {packets.START_NS // 10**9})


if __name__ == "__main__":
    unittest.main()
