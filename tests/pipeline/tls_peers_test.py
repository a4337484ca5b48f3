"""TLS between real programs, captured on loopback, decrypted with the keys that they logged: what comes out is compared with
what they say they sent."""
import json
import os
import re
import subprocess
import threading
import unittest
import xml.etree.ElementTree as ElementTree

import packets
from harness import FLOWSTITCH, files, run, start, wait_until
from peers import PeersTest, Scripted, missing, read_head, why_not
from ports import free_ports

REASON = why_not() or missing("curl", "nginx", "openssl")
TEXT = b"".join(b"line %d\n" % i for i in range(20_000))
TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
TLS12 = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
         "AES128-GCM-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
         "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384", "AES128-SHA", "AES256-SHA256")


@unittest.skipIf(REASON, REASON)
class TlsPeers(PeersTest):
    def setUp(self):
        super().setUp()
        self.key, self.certificate = self.path("key.pem"), self.path("cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=a.example",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        self.log = self.path("keys.log")
        self.put("a.txt", TEXT)
        self.put("d.json", b'{"a": 1}')
        self.port = free_ports(1)[0]

    def tls_nginx(self, *ports, extra="", each=lambda port: ""):
        ports = ports or (self.port,)
        servers = "".join(f"""server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {self.certificate};
            ssl_certificate_key {self.key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; {each(port)} {extra} }}"""
                          for port in ports)
        return self.nginx(servers, ports)

    def curl(self, *arguments, **options):
        options.setdefault("env", dict(os.environ, SSLKEYLOGFILE=self.log))
        return super().curl("-k", *arguments, **options)

    def s_client(self, *arguments, data=b"GET /a.txt HTTP/1.0\r\n\r\n", port=None, **options):
        """openssl's client; what it got from the server."""
        return self.client("openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port or self.port}", "-keylogfile", self.log,
                           "-servername", "a.example", *arguments, input=data, stdin=None, **options)

    def decrypt(self, capture="c.pcap", output="out", *arguments, keys=True):
        """Files by the end of their names, by flow; and the JSON records."""
        keys = ["--keylog", self.log] if keys else []
        done = run("flowstitch", "-q", "-e", "http", *keys, "-r", self.path(capture), "-o", self.path(output), "--json",
                   self.path(output + ".json"), *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.collect(output)

    def collect(self, output):
        with open(self.path(output + ".json")) as file:
            # Several workers' records alternate.
            records = sorted((json.loads(line) for line in file), key=lambda r: int(self.flow_of(r)))
        flows = [r["flow"] for r in records if "flow" in r]
        # In the order of the flows: the clients' ports, by which names are ordered, begin anew at the end of their range.
        streams = [(os.path.basename(file["path"]), "server" if file.get("direction") == "SERVER_TO_CLIENT" else "client")
                   for flow in flows for file in flow.get("files", [])]
        made = files(self.path(output))
        found = {}
        for stream, side in streams:
            for name in sorted(n for n in made if n.startswith(stream + "-TLS")):
                with open(self.path(output, name), "rb") as file:
                    found.setdefault((side, name[len(stream) + 1:]), []).append(file.read())
        self.assertEqual(sum(map(len, found.values())), sum("-TLS" in name for name in made), "each is a stream's")
        return found, flows, [r["http"] for r in records if "http" in r]

    def flow_of(self, record):
        kind, fields = next(iter(record.items()))
        return fields["opened"]["flow"] if kind == "flow" else fields.get("flow", "0")

    def tls_records(self, output="out"):
        with open(self.path(output + ".json")) as file:
            return sorted((r["tls"] for r in map(json.loads, file) if "tls" in r), key=lambda t: int(t["flow"]))

    def assert_all_decrypted(self, flows, count):
        plain = [p for f in flows for p in f.get("plain", [])]
        self.assertEqual([(p.get("complete"), p.get("note")) for p in plain], [(True, None)] * count, plain)

    def test_the_servers_private_key_is_enough(self):
        self.tls_nginx(extra="ssl_protocols TLSv1 TLSv1.1 TLSv1.2;")
        wanted, versions = [], ("-tls1", "-tls1_1", "-tls1_2")
        with self.recording("c.pcap", self.port):
            for version in versions:
                for cipher in ("AES128-SHA", "CAMELLIA256-SHA"):
                    wanted.append(self.s_client(version, "-cipher", cipher + ":@SECLEVEL=0"))
        found, flows, pairs = self.decrypt("c.pcap", "out", "--tls-key", self.key, keys=False)
        self.assertEqual(found["server", "TLS"], wanted)
        self.assert_all_decrypted(flows, 2 * len(wanted))
        self.assertEqual({t["version"] for t in self.tls_records()}, {"TLS 1.0", "TLS 1.1", "TLS 1.2"})
        # On the console, in the place of the records.
        done = run("flowstitch", "-q", "-C", "-r", self.path("c.pcap"), "--tls-key", self.key, "-B")
        self.assertEqual(done.stdout.replace("\n", "").count(TEXT.decode().replace("\n", "")), len(wanted))
        self.assertNotIn("\x17\x03", done.stdout)
        # Not the right one.
        subprocess.run(["openssl", "genrsa", "-out", self.path("other.pem"), "2048"], check=True, capture_output=True)
        done = run("flowstitch", "-q", "-C", "-r", self.path("c.pcap"), "--tls-key", self.path("other.pem"), "-B")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("is not all decrypted: the key log has no keys of this connection", done.stderr)
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path("ec.pem")],
                       check=True, capture_output=True)
        for path, complaint in ((self.path("ec.pem"), "of the kind EC"), (self.certificate, "no private key"),
                                (self.path("nowhere"), "nowhere")):
            done = run("flowstitch", "-q", "-r", self.path("c.pcap"), "-o", self.path("none"), "--tls-key", path)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(complaint, done.stderr)

    def test_every_cipher_of_both_versions(self):
        self.tls_nginx()
        wanted = []
        with self.recording("c.pcap", self.port):
            for cipher in TLS13:
                wanted.append(self.curl("-i", "--http1.1", "--tls13-ciphers", cipher, "--tlsv1.3", f"https://127.0.0.1:{self.port}/a.txt"))
            for cipher in TLS12:
                wanted.append(self.curl("-i", "--http1.1", "--ciphers", cipher + ":@SECLEVEL=0", "--tls-max", "1.2",
                                        f"https://127.0.0.1:{self.port}/a.txt"))
            for cipher in TLS12[5:]:  # without encrypt-then-MAC
                wanted.append(self.s_client("-tls1_2", "-cipher", cipher + ":@SECLEVEL=0", "-no_etm"))
        found, flows, pairs = self.decrypt()
        self.assertEqual(found["server", "TLS"], wanted)
        self.assertEqual(found["server", "TLS-HTTPBODY-001.txt"], [TEXT] * len(wanted))
        self.assertTrue(all(re.match(rb"GET /a.txt HTTP/1.[01]\r\n(.*\r\n)?\r\n$", c, re.S) for c in found["client", "TLS"]))
        self.assert_all_decrypted(flows, 2 * len(wanted))
        self.assertEqual([(p["of"], p["request"]["target"], p["response"]["status"]) for p in pairs],
                         [("-TLS", "/a.txt", 200)] * len(wanted))
        tls = self.tls_records()
        self.assertEqual({t["version"] for t in tls}, {"TLS 1.2", "TLS 1.3"})
        # Decrypted, TLS 1.3 shows its certificate and its choice of a protocol too.
        self.assertTrue(all(t["certificates"][0]["subject"] == "CN=a.example" for t in tls))
        self.assertEqual([t.get("alpn") for t in tls if t["version"] == "TLS 1.3"], ["http/1.1"] * 3)

    def test_http2_inside(self):
        self.tls_nginx()
        urls = [f"https://127.0.0.1:{self.port}/{p}" for p in ("a.txt", "d.json")]
        with self.recording("c.pcap", self.port):
            self.curl("--http2", urls[0], "-o", "/dev/null", urls[1], "-o", "/dev/null")
        found, flows, pairs = self.decrypt()
        self.assertEqual(found["server", "TLS-HTTPBODY-001.txt"], [TEXT])
        self.assertEqual(found["server", "TLS-HTTPBODY-002.json"], [b'{"a": 1}'])
        self.assertEqual([p["response"]["version"] for p in pairs], ["HTTP/2"] * 2)
        self.assert_all_decrypted(flows, 2)
        report = ElementTree.parse(self.path("out", "report.xml"))
        kinds = {e.get("of")[-4:]: e.get("kind") for e in report.iter(FLOWSTITCH + "body")}
        self.assertEqual(kinds, {"-TLS": "body"})
        self.assertEqual(len(list(report.iter(FLOWSTITCH + "decrypted"))), 2)

    def test_without_keys_nothing_is_made_up(self):
        self.tls_nginx()
        with self.recording("c.pcap", self.port):
            self.curl(f"https://127.0.0.1:{self.port}/a.txt")
        found, flows, pairs = self.decrypt(keys=False)
        self.assertEqual((found, pairs), ({}, []))
        self.assertNotIn("plain", flows[0])

    def test_sessions_are_resumed(self):
        self.tls_nginx(extra="ssl_session_tickets on; ssl_session_cache shared:s:1m;")
        wanted = []
        with self.recording("c.pcap", self.port):
            for version in ("-tls1_2", "-tls1_3"):
                session = self.path("session" + version)
                wanted.append(self.s_client(version, "-sess_out", session))
                for _ in range(2):
                    wanted.append(self.s_client(version, "-sess_in", session))
            # Without tickets TLS 1.2 goes on by session id.
            wanted.append(self.s_client("-tls1_2", "-no_ticket", "-sess_out", self.path("id")))
            wanted.append(self.s_client("-tls1_2", "-no_ticket", "-sess_in", self.path("id")))
        found, flows, _ = self.decrypt()
        self.assertEqual(found["server", "TLS"], wanted)
        self.assert_all_decrypted(flows, 2 * len(wanted))
        # Resumed ones show no certificate.
        self.assertEqual([len(t.get("certificates", [])) for t in self.tls_records()], [1, 0, 0, 1, 0, 0, 1, 0])

    def test_early_data_taken_and_refused(self):
        other = free_ports(1)[0]
        tickets = self.path("tickets")
        with open(tickets, "wb") as file:
            file.write(os.urandom(80))
        self.tls_nginx(self.port, other, extra=f"ssl_session_ticket_key {tickets};",
                       each=lambda port: f"ssl_early_data {'on' if port == self.port else 'off'};")
        with open(self.path("early"), "wb") as file:
            file.write(b"GET /d.json HTTP/1.1\r\nHost: early\r\n\r\n")
        session = self.path("session")
        late = b"GET /a.txt HTTP/1.0\r\nHost: late\r\n\r\n"
        with self.recording("c.pcap", self.port, other):
            self.s_client("-tls1_3", "-sess_out", session)
            self.s_client("-tls1_3", "-sess_in", session, "-early_data", self.path("early"), data=late)
            # The same ticket, where nobody takes early data: the server never read it.
            self.s_client("-tls1_3", "-sess_in", session, "-early_data", self.path("early"), data=late, port=other)
        found, flows, pairs = self.decrypt()
        self.assertEqual(sorted(found["client", "TLS"]), sorted([
            b"GET /a.txt HTTP/1.0\r\n\r\n", b"GET /d.json HTTP/1.1\r\nHost: early\r\n\r\n" + late, late]))
        self.assertEqual(sorted(p["request"]["host"] for p in pairs if "host" in p["request"]), ["early", "late", "late"])
        self.assert_all_decrypted(flows, 6)
        # A log that lacks the early secret: the rest is read, and it is said.
        with open(self.log) as file:
            lines = [line for line in file if not line.startswith("CLIENT_EARLY")]
        with open(self.log, "w") as file:
            file.writelines(lines)
        _, flows, _ = self.decrypt(output="lacks")
        notes = [p["note"] for f in flows for p in f["plain"] if "note" in p]
        self.assertEqual(notes, ["its 0-RTT data has no key"])

    def test_key_updates(self):
        log = self.path("server.out")
        with open(log, "wb") as out:
            server = subprocess.Popen(["stdbuf", "-oL", "openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", self.certificate, "-key",
                                       self.key, "-tls1_3", "-naccept", "1"], stdin=subprocess.PIPE, stdout=out, stderr=out)
        self.started.append(server)

        def said(path, text, times=1):
            def look():
                with open(path, "rb") as file:
                    return file.read().count(text) >= times
            return look
        self.assertTrue(wait_until(said(log, b"ACCEPT")))
        client_log = self.path("client.out")
        with self.recording("c.pcap", self.port), open(client_log, "wb") as out:
            client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-keylogfile", self.log, "-tls1_3"],
                                      stdin=subprocess.PIPE, stdout=out, stderr=out)
            self.started.append(client)
            self.assertTrue(wait_until(said(client_log, b"Verify return code")))
            for number in range(4):
                for end, other in ((client, log), (server, client_log)):
                    line = b"message %d of %d\n" % (number, end.pid)
                    end.stdin.write(line)
                    end.stdin.flush()
                    self.assertTrue(wait_until(said(other, line)))
                    # Its own keys, and with K the other's too.
                    end.stdin.write(b"K\n" if number % 2 else b"k\n")
                    end.stdin.flush()
                    done = (client_log, b"KEYUPDATE") if end is client else (log, b"SSL_do_handshake")
                    self.assertTrue(wait_until(said(*done, times=number + 1)), number)
            client.stdin.close()
            client.wait(20)
            server.stdin.close()
            server.wait(20)
        found, flows, _ = self.decrypt()
        for side, process in (("client", client), ("server", server)):
            self.assertEqual(found[side, "TLS"], [b"".join(b"message %d of %d\n" % (n, process.pid) for n in range(4))])
        self.assert_all_decrypted(flows, 2)

    def test_a_key_log_that_lacks_a_session(self):
        self.tls_nginx()
        with self.recording("c.pcap", self.port):
            self.curl(f"https://127.0.0.1:{self.port}/a.txt")
            self.curl("--tls-max", "1.2", f"https://127.0.0.1:{self.port}/d.json", env=dict(os.environ))
            self.curl(f"https://127.0.0.1:{self.port}/d.json", env=dict(os.environ))
            self.curl("--tls-max", "1.2", f"https://127.0.0.1:{self.port}/d.json")
        found, flows, pairs = self.decrypt()
        self.assertEqual([p["request"]["target"] for p in pairs], ["/a.txt", "/d.json"])
        notes = [[p.get("note") for p in f["plain"]] for f in flows]
        lacks = ["the key log has no keys of this connection"] * 2
        self.assertEqual(notes, [[None] * 2, lacks, lacks, [None] * 2])
        # Only the traffic's secrets: the handshake is passed over.
        with open(self.log) as file:
            lines = [line for line in file if "HANDSHAKE" not in line]
        with open(self.log, "w") as file:
            file.writelines(lines + ["# a comment\n", "nonsense\n", "CLIENT_RANDOM 00 00\n"])
        self.assertEqual(self.decrypt(output="traffic")[2][0]["request"]["target"], "/a.txt")

    def test_a_key_log_that_arrives_late(self):
        self.tls_nginx()
        with self.recording("c.pcap", self.port):
            self.curl(f"https://127.0.0.1:{self.port}/a.txt")
            self.curl("--tls-max", "1.2", f"https://127.0.0.1:{self.port}/a.txt")
        os.rename(self.log, self.path("late"))
        wanted = self.wanted_with(self.path("late"))
        with open(self.path("c.pcap"), "rb") as file:
            data = file.read()
        for cut in (24, len(data) // 3, len(data) - 500):
            output = f"late{cut}"
            process = start("flowstitch", "-q", "-e", "http", "--keylog", self.log, "-r", "-", "-o", self.path(output), "--json",
                            self.path(output + ".json"), stdin_pipe=True)
            self.started.append(process)
            process.stdin.buffer.write(data[:cut])
            process.stdin.flush()
            if cut > 24:  # until it has read that
                self.assertTrue(wait_until(lambda: os.path.isdir(self.path(output)) and files(self.path(output))))
            with open(self.path("late")) as keys, open(self.log, "w") as log:
                log.write(keys.read())
            process.stdin.buffer.write(data[cut:])
            process.stdin.close()
            self.assertEqual(process.wait(30), 0, process.stderr.read())
            self.assertEqual(self.collect(output)[0], wanted, cut)
            os.unlink(self.log)

    def wanted_with(self, log):
        self.log, saved = log, self.log
        wanted, flows, _ = self.decrypt(output="whole")
        self.assert_all_decrypted(flows, 4)
        self.log = saved
        return wanted

    def test_secrets_in_the_capture(self):
        self.tls_nginx()
        with self.recording("c.pcap", self.port):
            self.curl("--http1.1", f"https://127.0.0.1:{self.port}/a.txt")
        with open(self.path("c.pcap"), "rb") as file:
            _, frames = packets.read_pcap(file.read())
        with open(self.log, "rb") as file:
            log = file.read()
        wanted = self.decrypt(output="wanted")[0]
        halves = [b"\n".join(log.split(b"\n")[i::2]) for i in (0, 1)]
        places = {"first": {0: log}, "two": {0: halves[0], 5: halves[1]}, "last": {0: halves[0], len(frames): halves[1]}}
        for name, secrets in places.items():
            with open(self.path("s.pcapng"), "wb") as file:
                file.write(packets.pcapng(frames, secrets=secrets))
            for processes in ((), ("--processes",)):
                self.assertEqual(self.decrypt("s.pcapng", name + "".join(processes), *processes, keys=False)[0], wanted)
        # Also where only flow files are asked for; and secrets of somebody else's do no harm.
        done = run("flowstitch", "-q", "-r", self.path("s.pcapng"), "-o", self.path("plain"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len([n for n in files(self.path("plain")) if n.endswith("-TLS")]), 2)

    def test_through_a_proxy(self):
        self.tls_nginx()

        def proxy(connection):
            import socket
            read_head(connection)
            with socket.create_connection(("127.0.0.1", self.port)) as onward:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

                def back():
                    while data := onward.recv(65536):
                        connection.sendall(data)
                thread = threading.Thread(target=back)
                thread.start()
                while data := connection.recv(65536):
                    onward.sendall(data)
                onward.shutdown(socket.SHUT_WR)
                thread.join()
        outer = Scripted(proxy)
        with self.recording("c.pcap", outer.port):
            self.curl("--http1.1", "-x", f"http://127.0.0.1:{outer.port}", f"https://127.0.0.1:{self.port}/a.txt")
        found, flows, pairs = self.decrypt()
        self.assertEqual(found["server", "TLS-HTTPBODY-001.txt"], [TEXT])
        self.assertEqual([p["request"]["method"] for p in pairs], ["CONNECT", "GET"])
        self.assert_all_decrypted(flows, 2)
        report = ElementTree.parse(self.path("out", "report.xml"))
        self.assertEqual({e.get("version") for e in report.iter(FLOWSTITCH + "tls")}, {"TLS 1.3"})

    def test_a_retried_hello(self):
        """The server asks for another group: HelloRetryRequest."""
        self.server(["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", self.certificate, "-key", self.key,
                     "-groups", "P-384", "-WWW", "-tls1_3"], self.port, cwd=self.path("www"))
        with self.recording("c.pcap", self.port):
            wanted = self.s_client("-tls1_3")
        self.assertTrue(wanted.endswith(TEXT))
        found, flows, _ = self.decrypt()
        self.assertEqual(found["server", "TLS"], [wanted])
        self.assert_all_decrypted(flows, 2)

    def test_a_body_that_ends_with_the_keys_is_not_complete(self):
        """No length, and a record in the middle that does not decrypt."""
        self.server(["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", self.certificate, "-key", self.key,
                     "-WWW", "-tls1_3"], self.port, cwd=self.path("www"))
        with self.recording("c.pcap", self.port):
            self.s_client("-tls1_3")
        found, _, _ = self.decrypt()
        self.assertIn(("server", "TLS-HTTPBODY-001.txt"), sorted(found))
        with open(self.path("c.pcap"), "rb") as file:
            _, frames = packets.read_pcap(file.read())
        # In the last frame of any size: the head has long been read.
        number = max(i for i in range(len(frames)) if len(frames[i][1]) > 1000)
        damaged = bytearray(frames[number][1])
        damaged[-200] ^= 1
        frames[number] = (frames[number][0], bytes(damaged))
        with open(self.path("bad.pcap"), "wb") as file:
            file.write(packets.pcap(frames, magic=0xA1B23C4D))
        found, flows, pairs = self.decrypt("bad.pcap", "bad")
        self.assertNotIn(("server", "TLS-HTTPBODY-001.txt"), sorted(found))
        self.assertTrue(any("does not decrypt" in p.get("note", "") for f in flows for p in f["plain"]))
        self.assertNotIn("complete", pairs[0]["response"])

    def test_a_missing_segment_costs_its_record_only(self):
        self.tls_nginx()
        with self.recording("c.pcap", self.port):
            self.curl("--http1.1", f"https://127.0.0.1:{self.port}/a.txt")
        whole = self.decrypt()[0]["server", "TLS"][0]
        with open(self.path("c.pcap"), "rb") as file:
            _, frames = packets.read_pcap(file.read())
        # Cut the longest frame of the server's: its end was not captured.
        number = max(range(len(frames)), key=lambda i: len(frames[i][1]))
        time_ns, frame = frames[number]
        with open(self.path("cut.pcap"), "wb") as file:
            file.write(packets.pcap(frames[:number], magic=0xA1B23C4D))
            import struct
            seconds, rest = divmod(time_ns, 10**9)
            file.write(struct.pack("<IIII", seconds, rest, len(frame) - 5, len(frame)) + frame[:-5])
            file.write(packets.pcap(frames[number + 1:], magic=0xA1B23C4D)[24:])
        found, flows, _ = self.decrypt("cut.pcap", "cut")
        got = found["server", "TLS"][0]
        notes = [p for f in flows for p in f["plain"]]
        if len(got) == len(whole):  # within one record: a hole in its place
            different = [i for i in range(len(whole)) if got[i] != whole[i]]
            self.assertTrue(different)
            self.assertLessEqual(different[-1] - different[0], 16384)
            self.assertEqual(set(got[different[0]:different[-1] + 1]) - {0}, set())
        else:
            self.assertEqual(got, whole[:len(got)])
        self.assertFalse(all(p.get("complete") for p in notes))


if __name__ == "__main__":
    unittest.main()
