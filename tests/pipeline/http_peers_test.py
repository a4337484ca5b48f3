"""HTTP/1 as real programs speak it, captured on loopback: every body is compared with what was sent, byte for byte."""
import asyncio
import gzip
import hashlib
import http.client
import json
import os
import random
import re
import socket
import struct
import unittest
import zlib

from harness import files, run
from peers import PeersTest, Scripted, answers, listens, missing, read_head, why_not
from ports import free_ports

REASON = why_not() or missing("curl", "nginx")
TEXT = "".join(f"line {i}: {random.Random(i).random()}\n" for i in range(3000)).encode()
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0) + bytes(100)
BYTES = random.Random(7).randbytes(200_000)


def deflated(data, window):
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(data) + packer.flush()


def chunked(data, size=1000, extension=b"", trailers=b""):
    out = b"".join(b"%x%s\r\n" % (len(data[i:i + size]), extension) + data[i:i + size] + b"\r\n"
                   for i in range(0, len(data), size))
    return out + b"0\r\n" + trailers + b"\r\n"


def ok(body, *fields, status=b"200 OK", length=True):
    head = b"HTTP/1.1 " + status + b"\r\n" + b"".join(f + b"\r\n" for f in fields)
    return head + (b"Content-Length: %d\r\n" % len(body) if length else b"") + b"\r\n" + body


class HttpPeersTest(PeersTest):
    def extract(self, capture, *arguments, output="out"):
        """The bodies of a capture by the end of their names, and the JSON records."""
        records = self.path(output + ".json")
        done = run("flowstitch", "-q", "-e", "http", "-e", "md5", "-r", self.path(capture), "-o", self.path(output),
                   "--json", records, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        bodies = {}
        for name in files(self.path(output)):
            part = re.search(r"-(TLS-HTTPBODY|HTTPBODY|HTTPFILE|WEBSOCKET|HTTP|TLS)(-.*)?$", name)
            if part:
                with open(self.path(output, name), "rb") as file:
                    side = "request" if self.is_request(name) else "response"
                    bodies.setdefault((side, part.group(0)[1:]), []).append(file.read())
        with open(records) as file:
            return bodies, [json.loads(line) for line in file]

    def is_request(self, name):
        # The server's port is the known one.
        return int(name.split("-")[0].rsplit(".", 1)[1]) not in self.ports

    def only(self, bodies, side, name):
        self.assertIn((side, name), bodies, sorted(bodies))
        self.assertEqual(len(bodies[side, name]), 1)
        return bodies[side, name][0]


@unittest.skipIf(REASON, REASON)
class Nginx(HttpPeersTest):
    """nginx serves, curl asks."""

    def setUp(self):
        super().setUp()
        self.port = free_ports(1)[0]
        self.ports = {self.port}
        self.url = f"http://127.0.0.1:{self.port}"
        for name, data in (("a.txt", TEXT), ("b.html", b"<html>" + TEXT), ("c.bin", BYTES), ("d.json", b'{"a": 1}')):
            self.put(name, data)
        self.nginx(f"""server {{ listen 127.0.0.1:{self.port};
            gzip on; gzip_types text/plain; gzip_min_length 1; gzip_http_version 1.0; {self.brotli()}
            location /up/ {{ dav_methods PUT; create_full_put_path on; root {self.path("put")}; }}
            location /none {{ return 204; }} location /form {{ return 200 "thanks"; }} location /moved {{ return 302 /a.txt; }} }}""", [self.port])

    def brotli(self):
        path = "/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so"
        return "brotli on; brotli_types text/plain; brotli_min_length 1;" if os.path.exists(path) else ""

    def test_plain_and_coded(self):
        wanted = [TEXT, TEXT, TEXT, b"<html>" + TEXT, BYTES, b'{"a": 1}']
        with self.recording("c.pcap", self.port):
            for path, coding in (("a.txt", None), ("a.txt", "gzip"), ("a.txt", "br"), ("b.html", "gzip"), ("c.bin", "gzip"),
                                 ("d.json", None)):
                fields = ["-H", f"Accept-Encoding: {coding}"] if coding else []
                got = self.curl(*fields, *(["--compressed"] if coding else []), f"{self.url}/{path}")
                self.assertEqual(got, wanted.pop(0))
        bodies, records = self.extract("c.pcap")
        self.assertEqual(bodies["response", "HTTPBODY-001.txt"], [TEXT] * 3)
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001.html"), b"<html>" + TEXT)
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001.json"), b'{"a": 1}')
        self.assertEqual(bodies["response", "HTTPBODY-001.bin"], [BYTES])
        self.assertEqual(len(bodies), 4)
        codings = {f["value"] for r in records if "http" in r for f in r["http"]["response"]["fields"]
                   if f["name"].lower() == "content-encoding"}
        self.assertEqual(codings, {"gzip", "br"} if self.brotli() else {"gzip"})
        digests = {r["body"]["digests"][0]["value"] for r in records if "body" in r}
        self.assertEqual(digests, {hashlib.md5(d).hexdigest() for d in (TEXT, b"<html>" + TEXT, BYTES, b'{"a": 1}')})

    def test_answers_without_a_body_swallow_nothing(self):
        with self.recording("c.pcap", self.port):
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            tags = {}
            for method, path in (("HEAD", "/a.txt"), ("GET", "/none"), ("GET", "/d.json"), ("GET", "/c.bin")):
                connection.request(method, path)
                answer = connection.getresponse()
                answer.read()
                tags[path] = answer.headers["ETag"]
            connection.request("GET", "/d.json", headers={"If-None-Match": tags["/d.json"]})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read()), (304, b""))
            connection.request("GET", "/moved")
            moved = connection.getresponse().read()
            connection.close()
        bodies, records = self.extract("c.pcap")
        last = self.only(bodies, "response", "HTTPBODY-006.html")
        self.assertEqual(last, moved)
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-003.json"), b'{"a": 1}')
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-004.bin"), BYTES)
        self.assertEqual(len(bodies), 3)
        pairs = [(r["http"]["request"]["method"], r["http"]["response"]["status"]) for r in records if "http" in r]
        self.assertEqual(pairs, [("HEAD", 200), ("GET", 204), ("GET", 200), ("GET", 200), ("GET", 304),
                                                  ("GET", 302)])

    def test_ranges_are_joined(self):
        with self.recording("c.pcap", self.port):
            # One connection each, as a download manager does, not in order and with an overlap.
            for first, last in ((100_000, 149_999), (0, 99_999), (149_000, 199_999)):
                self.assertEqual(self.curl("-r", f"{first}-{last}", f"{self.url}/c.bin"), BYTES[first:last + 1])
            several = self.curl("-r", "0-99,500-599", f"{self.url}/a.txt")
        bodies, records = self.extract("c.pcap")
        self.assertEqual(self.only(bodies, "response", "HTTPFILE-001.bin"), BYTES)
        self.assertEqual(sorted(map(len, bodies["response", "HTTPBODY-001.bin"])), [50_000, 51_000, 100_000])
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001-part-01.txt"), TEXT[:100])
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001-part-02.txt"), TEXT[500:600])
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001"), several)
        joined = [r["body"] for r in records if r.get("body", {}).get("kind") == "joined"]
        self.assertEqual([(j["bytes"], j["note"], j.get("complete", False)) for j in joined],
                         [("200000", "of 3 ranges", True),
                          ("600", f"of 2 ranges: only bytes 0-99, 500-599 of {len(TEXT)} are there", False)])
        self.assertEqual(self.only(bodies, "response", "HTTPFILE-001-incomplete.txt"),
                         TEXT[:100] + bytes(400) + TEXT[500:600])
        # And in parts of a multipart answer.
        with self.recording("m.pcap", self.port):
            self.curl("-r", "0-1999,2000-", f"{self.url}/a.txt")
        bodies, _ = self.extract("m.pcap", output="m")
        self.assertEqual(self.only(bodies, "response", "HTTPFILE-001.txt"), TEXT)

    def test_uploads(self):
        evil = self.path("..\\evil\u20ac\x01.txt")
        with open(evil, "wb") as file:
            file.write(TEXT)
        with self.recording("c.pcap", self.port):
            # More than 1 MB: curl waits for 100 Continue.
            big = BYTES * 8
            self.client("curl", "-s", "-S", "-T", "-", "-H", "Transfer-Encoding:", "-H", f"Content-Length: {len(big)}",
                        "-H", "Expect: 100-continue", f"{self.url}/up/big.bin", input=big, stdin=None)
            self.client("curl", "-s", "-S", "-T", "-", "-H", "Expect:", f"{self.url}/up/chunks", input=TEXT, stdin=None)
            self.curl("-F", "field=a value", "-F", f"upload=@{evil};type=text/x-mine", "-F", f"raw=@{self.path('www/c.bin')}",
                      "-o", "/dev/null", f"{self.url}/form")
        with open(self.path("put", "up", "big.bin"), "rb") as file:
            self.assertEqual(file.read(), big)
        bodies, records = self.extract("c.pcap")
        uploads = bodies["request", "HTTPBODY-001"] if ("request", "HTTPBODY-001") in bodies else []
        by_content = {hashlib.md5(b).hexdigest() for group in bodies.values() for b in group}
        for wanted in (big, TEXT, b"a value", BYTES):
            self.assertIn(hashlib.md5(wanted).hexdigest(), by_content)
        self.assertEqual(self.only(bodies, "request", "HTTPBODY-001-part-01.txt"), b"a value")
        parts = [r["body"] for r in records if r.get("body", {}).get("kind") == "part"]
        self.assertEqual([p.get("field_name") for p in parts], ["field", "upload", "raw"])
        self.assertEqual(parts[2]["sender_name"], "c.bin")
        self.assertRegex(parts[1]["sender_name"], r"^evil\u20ac.{1,4}txt$")
        self.assertNotIn("/", parts[1]["sender_name"])
        self.assertTrue(all(p["complete"] for p in parts), parts)
        self.assertTrue(len(uploads) >= 1)

    def test_names(self):
        self.put("noext", PNG)
        program = self.put("wrong.html", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(44) + b"\x80\0\0\0" +
                 bytes(64) + b"PE\0\0d\x86\2\0" + bytes(200))
        with self.recording("c.pcap", self.port):
            for path in ("noext", "wrong.html", "a.txt", "a.txt"):
                self.curl(f"{self.url}/{path}")
        bodies, _ = self.extract("c.pcap")
        self.assertEqual({name for _, name in bodies}, {"HTTPBODY-001.png", "HTTPBODY-001.exe", "HTTPBODY-001.txt"})
        bodies, _ = self.extract("c.pcap", "--body-names", "type", output="type")
        self.assertEqual({name for _, name in bodies}, {"HTTPBODY-001.bin", "HTTPBODY-001.html", "HTTPBODY-001.txt"})
        self.extract("c.pcap", "--body-names", "digest", output="digest")
        named = {n for n in files(self.path("digest")) if n.startswith("HTTPBODY-")}
        self.assertEqual(named, {"HTTPBODY-" + hashlib.sha256(d).hexdigest() for d in (PNG, program, TEXT)})

    def test_heads(self):
        with self.recording("c.pcap", self.port):
            self.curl("-H", "X-Mine: yes", f"{self.url}/d.json")
        bodies, _ = self.extract("c.pcap", "--http-heads")
        self.assertRegex(self.only(bodies, "request", "HTTP"),
                         rb"^GET /d.json HTTP/1.1\r\nHost: .*\r\n(.*\r\n)*X-Mine: yes\r\n\r\n$")
        self.assertRegex(self.only(bodies, "response", "HTTP"), rb"^HTTP/1.1 200 OK\r\n(.*\r\n)*Content-Length: 8\r\n(.*\r\n)*\r\n$")


@unittest.skipIf(REASON, REASON)
class ScriptedServer(HttpPeersTest):
    """What no server here can be made to say comes from a script; curl takes it, and takes the same from it."""

    def fetch(self, *answer, arguments=(), paths=None, status=0):
        """curl's output for each answer, each on a connection of its own."""
        server = Scripted(*[answers(a) if isinstance(a, bytes) else a for a in answer])
        self.ports = {server.port}
        got = []
        with self.recording("c.pcap", server.port):
            for i in range(len(answer)):
                path = paths[i] if paths else "/"
                got.append(self.curl(*arguments, f"http://127.0.0.1:{server.port}{path}", status=status))
        server.join()
        return got

    def bodies_in_order(self, output="out", *arguments):
        """All response bodies in the order of their flows."""
        _, records = self.extract("c.pcap", *arguments, output=output)
        found = [r["body"] for r in records if "body" in r and r["body"]["kind"] == "body"]
        by_flow = {}
        for body in found:
            with open(body["path"], "rb") as file:
                by_flow.setdefault(int(body["flow"]) >> 8, []).append((file.read(), body.get("complete", False),
                                                                       body.get("note", "")))
        return [by_flow[flow] for flow in sorted(by_flow)]

    def test_every_coding(self):
        import brotli
        import zstandard
        zstd = zstandard.compress
        cases = [(b"gzip", gzip.compress(TEXT)), (b"x-gzip", gzip.compress(TEXT)), (b"GZIP", gzip.compress(TEXT)),
                 (b"gzip", gzip.compress(TEXT[:50_000]) + gzip.compress(TEXT[50_000:])),
                 (b"gzip", gzip.compress(TEXT) + b"\0\0\0\0trailing"), (b"gzip", gzip.compress(TEXT) + b"\x1f"),
                 (b"deflate", deflated(TEXT, 15)), (b"deflate", deflated(TEXT, -15)), (b"br", brotli.compress(TEXT)),
                 (b"zstd", zstd(TEXT)), (b"gzip, gzip", gzip.compress(gzip.compress(TEXT))),
                 (b"deflate, gzip, br", brotli.compress(gzip.compress(deflated(TEXT, 15)))),
                 (b"gzip\r\nContent-Encoding: br", brotli.compress(gzip.compress(TEXT))), (b"identity", TEXT)]
        texts = [ok(body, b"Content-Type: text/plain", b"Content-Encoding: " + coding) for coding, body in cases]
        texts += [ok(chunked(body, 777), b"Transfer-Encoding: chunked", b"Content-Encoding: " + coding, length=False)
                  for coding, body in cases]
        # A transfer coding, and one of each.
        texts += [ok(chunked(gzip.compress(TEXT)), b"Transfer-Encoding: gzip, chunked", length=False),
                  ok(chunked(gzip.compress(brotli.compress(TEXT))), b"Transfer-Encoding: gzip, chunked",
                     b"Content-Encoding: br", length=False)]
        self.fetch(*texts, arguments=("--raw", "-o", "/dev/null"), status=None)
        found = self.bodies_in_order()
        self.assertEqual(len(found), len(texts))
        for (bodies, text) in zip(found, texts):
            self.assertEqual(bodies, [(TEXT, True, "")], text[:120])
        # curl decodes the same, where it decodes at all.
        for (coding, body) in cases[:3] + cases[6:10]:
            self.assertEqual(self.fetch(ok(body, b"Content-Encoding: " + coding), arguments=("--compressed",)), [TEXT])

    def test_what_does_not_decode_is_kept_with_a_reason(self):
        broken = bytearray(gzip.compress(TEXT))
        broken[5000] ^= 0xFF
        bomb = gzip.compress(bytes(64 << 20))
        cases = [(b"gzip", bytes(broken), "not valid gzip"), (b"rot13", b"uryyb", "'rot13' is not known"),
                 (b"gzip", bomb, "more than 250 times"), (b"gzip, gzip, gzip, gzip, gzip", b"x" * 10, "too many codings"),
                 (b"br", b"\xff" * 100, "not br"), (b"zstd", b"x" * 100, "not zstd")]
        self.fetch(*[ok(body, b"Content-Encoding: " + coding) for coding, body, _ in cases], arguments=("-o", "/dev/null"))
        for found, (coding, body, why) in zip(self.bodies_in_order(), cases):
            self.assertEqual(found[0][:2], (body, True), coding)
            self.assertIn("kept as it came", found[0][2])
            self.assertIn(why, found[0][2])
        limited = self.bodies_in_order("limited", "--decode-bytes", "1k", "--decode-layers", "1")
        self.assertIn("more than 1024 bytes", limited[2][0][2])
        self.assertIn("too many codings", limited[3][0][2])

    def test_framings_and_evasions(self):
        """The evasions of http-evader's catalogue that concern framing, as curl (or, where it refuses, browsers) reads them."""
        body = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"
        head = b"HTTP/1.1 200 OK\r\n"
        chunks = chunked(body, 7)
        read = {
            "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
            "double transfer-encoding": head + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
            "identity beside chunked": head + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
            "chunked in capitals": head + b"Transfer-Encoding: CHUNKED\r\n\r\n" + chunks,
            "folded": head + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + chunks,
            "tab before the value": head + b"Transfer-Encoding:\tchunked\r\n\r\n" + chunks,
            "length beside chunked": head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
            "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
            "extensions": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, 5, b" ; a=\"b;c\""),
            "zeros before sizes": head + b"Transfer-Encoding: chunked\r\n\r\n" + b"000000000%x\r\n%s\r\n0000\r\n\r\n" % (len(body), body),
            "sizes in capitals": head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%X\r\n%s\r\n0\r\n\r\n" % (len(body), body),
            "blank behind the size": head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x  \r\n%s\r\n0\r\n\r\n" % (len(body), body),
            "lines end with LF": head.replace(b"\r", b"") + b"Transfer-Encoding: chunked\n\n" + chunks.replace(b"\r\n", b"\n"),
            "no reason": b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            "until the end": head + b"\r\n" + body,
            "length with blanks": head + b"Content-Length:   %d  \r\n\r\n" % len(body) + body,
            "the same length twice": head + (b"Content-Length: %d\r\n" % len(body)) * 2 + b"\r\n" + body,
            "empty lines before": b"\r\n\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
            "a line without a colon": head + b"nonsense\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            "a NUL in a field": head + b"X: a\0b\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            "two codings, one a lie": head + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(body),
            "gzip called deflate": head + b"Content-Encoding: deflate\r\n\r\n" + gzip.compress(body),
            "coding in pieces": head + b"Content-Encoding:\r\n gzip\r\n\r\n" + gzip.compress(body),
            "interim before": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + head + b"\r\n" + body,
        }
        self.fetch(*read.values(), arguments=("-o", "/dev/null", "--http0.9"), status=None)
        found = self.bodies_in_order()
        self.assertEqual(len(found), len(read))
        for bodies, name in zip(found, read):
            self.assertEqual([b for b, _, _ in bodies], [body], name)
            self.assertTrue(bodies[0][1], (name, bodies))
        kept = {
            "called chunked, is not": (head + b"Transfer-Encoding: chunked\r\n\r\n" + body, body),
            "a chunk's size is none": (head + b"Transfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\nzz\r\nworld", b"hello"),
            "the end is missing": (head + b"Content-Length: 100\r\n\r\n" + body, body),
            "the last chunk is missing": (head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks[:-5], body),
        }
        self.fetch(*[text for text, _ in kept.values()], arguments=("-o", "/dev/null"), status=None)
        for bodies, (name, (_, wanted)) in zip(self.bodies_in_order("kept"), kept.items()):
            self.assertEqual(bodies[0][0], wanted, name)
            self.assertTrue(bodies[0][2], (name, bodies))
            self.assertEqual(bodies[0][1], False, (name, bodies))

    def test_trailers_and_pipelining(self):
        texts = (ok(b"one"), ok(chunked(b"two", 2, trailers=b"X-Sum: 7\r\n"), b"Transfer-Encoding: chunked", length=False),
                 ok(b"", status=b"304 Not Modified", length=False), ok(b"four"))

        def talk(connection):
            data = b""
            while data.count(b"\r\n\r\n") < 4:
                data += connection.recv(65536)
            connection.sendall(b"".join(texts))
        server = Scripted(talk)
        self.ports = {server.port}
        with self.recording("c.pcap", server.port):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(4)))
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
        bodies, records = self.extract("c.pcap")
        self.assertEqual({name: data for (_, name), data in bodies.items()},
                         {"HTTPBODY-001.txt": [b"one"], "HTTPBODY-002.txt": [b"two"], "HTTPBODY-004.txt": [b"four"]})
        pairs = [r["http"] for r in records if "http" in r]
        self.assertEqual([p["request"]["target"] for p in pairs], ["/0", "/1", "/2", "/3"])
        self.assertEqual([p["response"]["status"] for p in pairs], [200, 200, 304, 200])
        self.assertIn({"name": "X-Sum", "value": "7"}, pairs[1]["response"]["trailers"])

    def test_http_0_9(self):
        page = b"<html>the whole answer</html>"

        def talk(connection):
            connection.recv(65536)
            connection.sendall(page)
        server = Scripted(talk)
        self.ports = {server.port}
        with self.recording("c.pcap", server.port):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"GET /page\r\n")
                while client.recv(65536):
                    pass
        bodies, records = self.extract("c.pcap")
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-001.html"), page)
        pair = next(r["http"] for r in records if "http" in r)
        self.assertEqual((pair["request"]["target"], pair["response"]["version"]), ("/page", "HTTP/0.9"))

    def test_a_tunnel_through_a_proxy(self):
        inner = Scripted(answers(ok(TEXT, b"Content-Type: text/plain")))

        def proxy(connection):
            read_head(connection)
            with socket.create_connection(("127.0.0.1", inner.port)) as onward:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\nVia: me\r\n\r\n")
                onward.sendall(connection.recv(65536))
                while data := onward.recv(65536):
                    connection.sendall(data)
        outer = Scripted(proxy)
        self.ports = {outer.port}
        with self.recording("c.pcap", outer.port):
            got = self.curl("-p", "-x", f"http://127.0.0.1:{outer.port}", f"http://127.0.0.1:{inner.port}/inside",
                            "--haproxy-protocol" if False else "--http1.1")
        self.assertEqual(got, TEXT)
        bodies, records = self.extract("c.pcap")
        self.assertEqual(self.only(bodies, "response", "HTTPBODY-002.txt"), TEXT)
        self.assertEqual([(r["http"]["request"]["method"], r["http"]["request"]["target"]) for r in records if "http" in r],
                         [("CONNECT", f"127.0.0.1:{inner.port}"), ("GET", "/inside")])

    def test_unbounded_things_are_bounded(self):
        """A million fields, and chunk extensions without an end: little time, little memory, a reason."""
        many = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(1_000_000)) + b"Content-Length: 2\r\n\r\nhi"
        extension = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;" + b"e" * (50 << 20) + b"\r\nhello\r\n0\r\n\r\n"

        def say(text):
            def talk(connection):
                read_head(connection)
                try:
                    connection.sendall(text)
                except OSError:
                    pass  # curl had enough
            return talk
        server = Scripted(say(many), say(extension))
        self.ports = {server.port}
        with self.recording("c.pcap", server.port):
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", server.port)) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(1 << 20):
                        pass
        bodies, records = self.extract("c.pcap")
        stops = [s["why"] for r in records if "flow" in r for s in r["flow"].get("stops", [])]
        self.assertTrue(any("head makes no sense, or is too large" in why for why in stops), stops)
        self.assertTrue(any("chunk" in why for why in stops), stops)
        self.assertEqual([data for (_, name), group in bodies.items() for data in group if "incomplete" in name], [b"abc"])


class WebSockets(HttpPeersTest):
    def setUp(self):
        super().setUp()
        try:
            import websockets  # noqa: F401
        except ImportError:
            self.skipTest("needs python3-websockets")
        if why_not():
            self.skipTest(why_not())

    def talk(self, compression):
        import websockets
        sent = ["hello", "", "\u20ac" * 1000, b"\0\1\2" * 3000, "x" * 100_000, b"", "again " * 500, "again " * 500]

        async def serve(connection):
            async for message in connection:
                await connection.send(message)

        async def both():
            async with websockets.serve(serve, "127.0.0.1", 0, compression=compression) as server:
                port = server.sockets[0].getsockname()[1]
                self.ports = {port}
                with self.recording("c.pcap", port):
                    async with websockets.connect(f"ws://127.0.0.1:{port}/chat", compression=compression) as client:
                        for message in sent:
                            await client.send(message)
                            self.assertEqual(await client.recv(), message)
                        await client.ping()
                        # In fragments.
                        await client.send(["in ", "three ", "parts"])
                        await client.recv()
        asyncio.run(both())
        return sent + ["in three parts"]

    def test_messages_both_ways(self):
        for compression in (None, "deflate"):
            sent = self.talk(compression)
            bodies, records = self.extract("c.pcap", output=f"out-{compression}")
            for side in ("request", "response"):
                for number, message in enumerate(sent, 1):
                    data = message.encode() if isinstance(message, str) else message
                    if not data:
                        continue
                    name = f"WEBSOCKET-{number:03d}.{'txt' if isinstance(message, str) else 'bin'}"
                    self.assertEqual(self.only(bodies, side, name), data, (compression, name))
            messages = [r["body"] for r in records if r.get("body", {}).get("kind") == "websocket"]
            self.assertEqual(len(messages), 2 * len([m for m in sent if m]))
            self.assertTrue(all(m["complete"] for m in messages))


@unittest.skipIf(why_not() or missing("nghttp", "nghttpd", "nghttpx", "curl", "nginx"),
                 why_not() or missing("nghttp", "nghttpd", "nghttpx", "curl", "nginx"))
class Http2(HttpPeersTest):
    def setUp(self):
        super().setUp()
        self.put("a.txt", TEXT)
        self.put("c.bin", BYTES)
        self.put("d.json", b'{"a": 1}')

    def check(self, wanted, capture="c.pcap", **options):
        bodies, records = self.extract(capture, **options)
        found = sorted(hashlib.md5(b).hexdigest() for (side, _), group in bodies.items() for b in group if side == "response")
        self.assertEqual(found, sorted(hashlib.md5(w).hexdigest() for w in wanted), sorted(bodies))
        return bodies, [r["http"] for r in records if "http" in r]

    def test_prior_knowledge(self):
        port = free_ports(1)[0]
        self.ports = {port}
        self.nginx(f"server {{ listen 127.0.0.1:{port} http2; gzip on; gzip_types text/plain; }}", [port])
        url = f"http://127.0.0.1:{port}"
        with self.recording("c.pcap", port):
            self.curl("--http2-prior-knowledge", "--compressed", f"{url}/a.txt")
            self.curl("--http2-prior-knowledge", "-I", f"{url}/d.json")
            many = [f"{url}/{p}" for p in ("a.txt", "c.bin", "d.json")]
            self.client("nghttp", "-n", "-H", "accept-encoding: gzip", *many)
        bodies, pairs = self.check([TEXT, TEXT, BYTES, b'{"a": 1}'])
        by_target = {p["request"]["target"]: p for p in pairs if p["request"]["method"] == "GET"}
        self.assertEqual(by_target["/c.bin"]["response"]["version"], "HTTP/2")
        self.assertEqual(by_target["/c.bin"]["response"]["body_bytes"], str(len(BYTES)))
        self.assertGreater(len({p["stream"] for p in pairs}), 2)
        self.assertIn("HEAD", {p["request"]["method"] for p in pairs})

    def test_uploads_trailers_pushes(self):
        port = free_ports(1)[0]
        self.ports = {port}
        self.server(["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", self.path("www"), "--trailer", "x-sum: 7",
                     "-p/d.json=/a.txt", "--echo-upload", str(port)], port)
        with open(self.path("up"), "wb") as file:
            file.write(BYTES)
        with self.recording("c.pcap", port):
            self.client("nghttp", "-n", f"http://127.0.0.1:{port}/d.json")
            self.client("nghttp", "-n", "-d", self.path("up"), "--padding=77", "--trailer", "x-up: 1", f"http://127.0.0.1:{port}/echo")
        bodies, pairs = self.check([b'{"a": 1}', TEXT, BYTES])
        self.assertEqual([b for (side, _), group in bodies.items() for b in group if side == "request"], [BYTES])
        by_target = {p["request"]["target"]: p for p in pairs}
        self.assertEqual(by_target["/a.txt"]["response"]["status"], 200)  # it was pushed
        self.assertEqual(int(by_target["/a.txt"]["stream"]) % 2, 0)
        self.assertIn({"name": "x-sum", "value": "7"}, by_target["/d.json"]["response"]["trailers"])
        self.assertIn({"name": "x-up", "value": "1"}, by_target["/echo"]["request"]["trailers"])

    def test_upgrade(self):
        back, front = free_ports(2)
        self.ports = {front}
        self.nginx(f"server {{ listen 127.0.0.1:{back}; }}", [back])
        self.server(["nghttpx", "-f", f"127.0.0.1,{front};no-tls", "-b", f"127.0.0.1,{back}", "--workers=1",
                     f"--pid-file={self.path('x.pid')}"], front)
        with self.recording("c.pcap", front):
            # Small: curl 7.88 itself fails when much follows the answer to the upgrade.
            self.assertEqual(self.curl("--http2", f"http://127.0.0.1:{front}/d.json"), b'{"a": 1}')
            self.client("nghttp", "-n", "-u", f"http://127.0.0.1:{front}/a.txt", f"http://127.0.0.1:{front}/c.bin")
        bodies, pairs = self.check([TEXT, b'{"a": 1}', BYTES])
        self.assertEqual({(p["request"]["target"], p["response"]["version"], p["response"]["status"]) for p in pairs},
                         {(path, "HTTP/2", 200) for path in ("/a.txt", "/d.json", "/c.bin")})

    def test_an_upgrade_that_is_refused(self):
        port = free_ports(1)[0]
        self.ports = {port}
        self.nginx(f"server {{ listen 127.0.0.1:{port}; }}", [port])
        with self.recording("c.pcap", port):
            url = f"http://127.0.0.1:{port}"
            self.curl("--http2", f"{url}/a.txt", "-o", "/dev/null", f"{url}/d.json", "-o", "/dev/null")
        _, pairs = self.check([TEXT, b'{"a": 1}'])
        self.assertEqual([p["response"]["version"] for p in pairs], ["HTTP/1.1"] * 2)


if __name__ == "__main__":
    unittest.main()
