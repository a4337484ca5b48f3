"""What a TLS handshake says in the clear, from handshakes that OpenSSL itself makes, in the report and in JSON."""
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import packets
from harness import FLOWSTITCH, PipelineTest, run


class Tls(PipelineTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        self.key, self.certificate = self.path("key.pem"), self.path("cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                        "/O=A test/CN=www.example.org", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)
        with open(self.certificate) as file:
            self.digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    def talk(self, version, name="www.example.org", alpn=("h2", "http/1.1"), size=1000, cipher=None):
        """A connection in memory between OpenSSL's two ends, as packets."""
        client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(self.certificate, self.key)
        for context in (client_context, server_context):
            context.minimum_version = context.maximum_version = version
            if alpn:
                context.set_alpn_protocols(list(alpn))
        if cipher:
            client_context.set_ciphers(cipher)
        wires = [ssl.MemoryBIO() for _ in range(4)]
        client = client_context.wrap_bio(wires[0], wires[1], server_hostname=name)
        server = server_context.wrap_bio(wires[2], wires[3], server_side=True)
        talk = packets.Talk().handshake()
        done = set()
        for _ in range(20):
            for end, out, to, direction in ((client, wires[1], wires[2], 0), (server, wires[3], wires[0], 1)):
                try:
                    if end not in done:
                        end.do_handshake()
                        done.add(end)
                except ssl.SSLWantReadError:
                    pass
                data = out.read()
                to.write(data)
                talk.say(direction, data, size)
        self.assertEqual(len(done), 2)
        client.write(b"secret")
        talk.client(wires[1].read())
        return talk.close(), client

    def facts(self, talk, output):
        with open(self.path("in.pcap"), "wb") as file:
            file.write(packets.pcap(talk.frames))
        done = run("flowstitch", "-q", "-r", self.path("in.pcap"), "-o", self.path(output), "--json", self.path(output + ".json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        root = ElementTree.parse(self.path(output, "report.xml")).getroot()
        found = root.findall(f".//{FLOWSTITCH}tls")
        with open(self.path(output + ".json")) as file:
            records = [json.loads(line) for line in file]
        return found, [r["tls"] for r in records if "tls" in r]

    def test_version_1_2_shows_its_certificate(self):
        talk, client = self.talk(ssl.TLSVersion.TLSv1_2, cipher="ECDHE-RSA-AES128-GCM-SHA256")
        found, records = self.facts(talk, "out")
        facts = found[0].attrib
        self.assertEqual(facts["server_name"], "www.example.org")
        self.assertEqual((facts["alpn_offered"], facts["alpn"]), ("h2,http/1.1", client.selected_alpn_protocol()))
        self.assertEqual((facts["offered_version"], facts["version"]), ("TLS 1.2", "TLS 1.2"))
        self.assertEqual(facts["cipher"], "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
        certificate = found[0].find(FLOWSTITCH + "certificate").attrib
        self.assertEqual(certificate["sha256"], self.digest)
        self.assertEqual(certificate["subject"], "CN=www.example.org,O=A test")
        self.assertEqual(certificate["issuer"], certificate["subject"])
        self.assertRegex(certificate["not_after"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(len(records), 1)
        self.assertEqual(records[0]["certificates"][0]["sha256"], self.digest)
        self.assertEqual(records[0]["server_name"], "www.example.org")

    def test_version_1_3_hides_it(self):
        for size in (1, 7, 1000):  # however it is cut
            talk, client = self.talk(ssl.TLSVersion.TLSv1_3, name="b\u00fccher.example", size=size)
            found, records = self.facts(talk, f"out{size}")
            self.assertEqual(records[0]["server_name"], "xn--bcher-kva.example")
            self.assertEqual(records[0]["version"], "TLS 1.3")
            self.assertEqual(records[0]["cipher"], client.cipher()[0])
            self.assertEqual(records[0]["alpn_offered"], ["h2", "http/1.1"])
            self.assertNotIn("certificates", records[0])
            self.assertNotIn("alpn", records[0])

    def test_what_is_none_or_cut_says_nothing_wrong(self):
        talk, _ = self.talk(ssl.TLSVersion.TLSv1_2, alpn=())
        cut = packets.Talk()
        cut.frames = talk.frames[:4]  # the client's hello only
        _, records = self.facts(cut, "cut")
        self.assertEqual([set(r) for r in records], [{"flow", "community_id", "server_name", "offered_version"}])
        noise = packets.Talk().handshake().client(b"\x16\x03\x01\xff\xff" + os.urandom(200)).server(
            b"\x16\x03\x03\x00\x04\x02\xff\xff\xff").close()
        self.assertEqual(self.facts(noise, "noise"), ([], []))


if __name__ == "__main__":
    unittest.main()
