"""flowstitch in tcpflow's place: tcpflow's own test cases, and both programs side by side over the options. Every
difference is explained by one of tcpflow 1.6.1's bugs, numbered as in sinks/README.md."""
import csv
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import packets
from harness import SHARED, PipelineTest, files, program

CAPTURES = os.path.join(SHARED, "corpus", "tcpflow")
TCPFLOW = shutil.which("tcpflow")


def md5(path):
    with open(path, "rb") as file:
        return hashlib.md5(file.read()).hexdigest()


@unittest.skipUnless(os.path.isdir(CAPTURES), "tcpflow's captures are not here")
class OwnTests(PipelineTest):
    """tests/Makefile.am of tcpflow: test1.sh, test-pdfs.sh, test-multifile.sh, and what lies in its tests folder."""

    def flowstitch(self, output, *arguments, status=0):
        done = subprocess.run([program("flowstitch"), "--as-tcpflow", "-o", self.path(output), *arguments],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        return {n: md5(self.path(output, n)) for n in files(self.path(output))}

    def capture(self, name):
        return os.path.join(CAPTURES, name)

    def test_test1_sh(self):
        made = self.flowstitch("out", "-X", self.path("out.xml"), "-r", self.capture("test1.pcap"))
        self.assertEqual(made, {
            "074.125.019.101.00080-192.168.001.102.50956": "ae30a88136feb0655492bdb75e078643",
            "074.125.019.104.00080-192.168.001.102.50955": "61051e417d34e1354559e3a8901d19d3",
            "192.168.001.102.50955-074.125.019.104.00080": "14e9c335bf54dc4652999e25d99fecfe",
            "192.168.001.102.50956-074.125.019.101.00080": "78b8073093d107207327103e80fbdf43"})
        for name in made:
            self.assertEqual(int(os.stat(self.path("out", name)).st_mtime) // 31_556_952 + 1970, 2008)
        self.assertTrue(os.path.exists(self.path("out.xml")))
        self.assertEqual(self.flowstitch("2", "-r", self.capture("test2.pcap")), {
            "010.000.000.001.09999-010.000.000.002.36559--42": "b7d0b9ee8a7c1ea94b6b43b5a3e0da83",
            "010.000.000.002.36559-010.000.000.001.09999--42": "c4b95c552616bda3e21d063e8ee2e332"})

    def test_every_flow_file_of_every_capture(self):
        """expected.tsv was computed from tshark's fields, and agrees with every sum in tcpflow's test1.sh."""
        wanted = {}
        with open(self.capture("expected.tsv"), newline="") as table:
            for row in csv.DictReader(table, delimiter="\t"):
                flows = wanted.setdefault(row["pcap"], {})
                if row["note"] != "must NOT exist":
                    flows[row["flowfile"]] = row["md5"]
        for number, name in enumerate(sorted(wanted)):
            self.assertEqual(self.flowstitch(f"e{number}", "-r", self.capture(name)), wanted[name], name)

    def test_any_number_of_descriptors(self):
        for name in ("test1.pcap", "jpegs.cap", "test4.pcap"):
            wanted = self.flowstitch("all" + name, "-a", "-r", self.capture(name))
            for count in ("1", "2", "3", "4", "10", "100"):
                self.assertEqual(self.flowstitch(name + count, "-a", "-f", count, "-r", self.capture(name)), wanted)

    def test_two_parts(self):
        whole = self.flowstitch("whole", "-r", self.capture("test1.pcap"))
        one, two = self.capture("test1-part1.pcap"), self.capture("test1-part2.pcap")
        self.assertEqual(self.flowstitch("rr", "-r", one, "-r", two), whole)
        continued = self.flowstitch("rR", "-r", one, "-R", two)
        name = "074.125.019.104.00080-192.168.001.102.50955"
        self.assertEqual(continued[name], "61051e417d34e1354559e3a8901d19d3")
        self.assertEqual({n: continued[n] for n in continued}, {n: whole[n] for n in continued})

    def test_bodies(self):
        made = self.flowstitch("image2", "-e", "http", "-r", self.capture("image2.pcap"))
        bodies = {n.split("-HTTPBODY-")[1]: d for n, d in made.items() if "HTTPBODY" in n}
        self.assertEqual(bodies["001.html"], "83881cba4843f1061f6c19aa79c0d759")
        self.assertEqual(bodies["002.jpg"], "442f74691f6ff9ea59036570eba2e183")
        self.assertEqual(os.stat(next(self.path("image2", n) for n in made if n.endswith("003.html"))).st_size, 271)
        made = self.flowstitch("gzip", "-e", "http", "-r", self.capture("test-gzip.pcap"))
        body = next(n for n in made if "HTTPBODY" in n)
        self.assertTrue(body.endswith("-HTTPBODY-001.json"))
        with open(self.path("gzip", body)) as file:
            self.assertEqual(file.read().rstrip(), '{"responseInfo":{"data":[]},"message":"No Data found!!!","status":1000}')
        made = self.flowstitch("jpegs", "-e", "http", "-r", self.capture("jpegs.cap"))
        sizes = sorted(os.stat(self.path("jpegs", n)).st_size for n in made if "HTTPBODY" in n and "incomplete" not in n)
        for size in (160, 4323, 8281, 416, 1263, 2232, 8963, 10730, 191515):
            self.assertIn(size, sizes)

    def test_lines_in_any_order(self):
        lines = self.flowstitch("lines", "-r", self.capture("test5-lines.pcap"))
        self.assertEqual(self.flowstitch("random", "-r", self.capture("test5-lines-randomized.pcap")), lines)

    def test_pdfs(self):
        for number, name in enumerate(sorted(os.listdir(CAPTURES))):
            if not name.endswith((".pcap", ".cap")):
                continue
            self.flowstitch(f"pdf{number}", "-Fg", "-e", "netviz", "-r", self.capture(name))
            with open(self.path(f"pdf{number}", "report.pdf"), "rb") as page:
                self.assertEqual(page.read(5), b"%PDF-", name)


def scenario():
    """Connections on which tcpflow has no reason to be wrong."""
    body = gzip.compress(b"<p>page</p>" * 50, mtime=0)
    response = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body
    request = b"GET /page HTTP/1.1\r\nHost: example.org\r\nUser-Agent: a test of flowstitch\r\n\r\n"
    talks = [packets.Talk().handshake().client(request).server(response).close(),
             packets.Talk(("10.0.0.3", 4000), ("10.0.0.4", 25), vlan=42).handshake()
             .server(b"220 ready\r\n").client(b"QUIT\r\n").client(bytes(range(256)) * 12).close(),
             packets.Talk(("2001:db8::1", 5000), ("2001:db8::2", 8080)).handshake()
             .client(b"over IPv6\n").server(b"\x1b[0m and \xff back\n").close()]
    frames = []
    for number, talk in enumerate(talks):
        frames += [(t + number * 10**9, frame) for t, frame in talk.frames]
    return frames


# What is run; the bugs that explain a difference (None: there is none), and where it shows.
MATRIX = [
    ([], None, ""), (["-e", "md5"], None, ""), (["-e", "http"], None, ""), (["-e", "http", "-e", "md5"], None, ""),
    (["-e", "http", "-Z"], None, ""), (["-x", "http"], None, ""), (["-e", "all", "-x", "netviz"], None, ""),
    (["-Fc"], None, ""), (["-Ft"], None, ""), (["-FT"], None, ""), (["-Fk"], None, ""), (["-Fm"], None, ""),
    (["-Fg"], None, ""), (["-T", "%A:%a_%B:%b"], None, ""), (["-T", "%T%A%a%B%b"], None, ""),
    (["-T", "%t-%A%a%B%b"], None, ""), (["-T", "%E+%e+%A%a%B%b"], None, ""), (["-T", "%V%v%A%a%B%b"], None, ""),
    (["-T", "%#%A%a%B%b%C%c"], None, ""), (["-T", "dir/%A%a%B%b"], None, ""), (["-T", "%%%A%a%B%b"], None, ""),
    (["-I"], None, ""), (["-m", "100000"], None, ""), (["-f", "1"], None, ""), (["-q"], None, ""), (["-p"], None, ""),
    (["-S", "tdelta=3600"], None, ""), (["-S", "enable_report=NO"], None, ""), (["port", "25"], None, ""),
    (["-b", "10"], "3: the report has the length before -b", "report"),
    (["-b", "0"], "2: empty files", "files times report"),
    (["-b", "1G"], "1: a file of one byte", "files"),
    (["-FX"], "12: lengths of 0", "report"),
    (["-FM"], "11: no MD5 in the report", "report"),
    (["-FX", "-e", "md5"], "12: exit status 1", "status report"),
    (["-T", "%q"], "13: exit status 1, not 2", "status report"),
    (["-S", "nosuch=1"], "19: accepted", "status files times report"),
    (["-S", "tdelta=a=b"], "19: exit status 1", "status"),
    (["-E", "md5"], "9: no report either", "report"),
    (["-E", "http"], "9: nothing at all", "files report"),
    (["-e", "nosuch"], "13: exit status 1, not 2", "status"),
    (["-c"], "4: a report is written", "report"),
    (["-C"], "4: a report is written", "report"),
    (["-c", "-0"], "4: a report is written", "report"),
    (["-C", "-B"], "4: a report is written", "report"),
    (["-c", "-D"], "4: a report is written", "report"),
    (["-C", "-D"], "4: a report is written", "report"),
    (["-c", "-g"], "4: a report is written", "report"),
    (["-c", "-s"], "4: a report is written", "report"),
    (["-C", "-b", "5"], "4: a report is written", "report"),
    (["-C", "-J"], "4, 6: addresses of IPv6, and no time", "printed report"),
    (["-D"], "5: does nothing", "files times printed report"),
    (["-J"], "5: does nothing", "files times printed report"),
    (["-K"], "14: the link type is token ring's, and no flow is reported", "files report"),
    (["-P"], "13 and 16: help, exit status 0", "files times printed report"),
    (["--nosuch"], "13: help, exit status 0", "status printed"),
    (["-V"], "13: exit status 1", "status printed"),
    (["-L", "name"], "15: exit status 1", "status files times report"),
    (["prot", "tcp"], "13: exit status 1, not 2", "status report"),
]
REPORT_PARTS = ("startime", "endtime", "mac_daddr", "mac_saddr", "family", "src_ipn", "dst_ipn", "srcport", "dstport",
                "packets", "len")


@unittest.skipUnless(TCPFLOW, "tcpflow is not installed")
class SideBySide(PipelineTest):
    def outcome(self, command, where, arguments):
        """Everything that a user sees."""
        directory = self.path(where)
        os.makedirs(directory)
        done = subprocess.run([*command, "-o", "out", "-r", self.capture, *arguments], cwd=directory,
                              capture_output=True, timeout=60)
        out = os.path.join(directory, "out")
        made = files(out) if os.path.isdir(out) else {}
        times = {n: int(os.stat(os.path.join(out, n)).st_mtime) for n in made
                 if not re.search("HTTPBODY|findx|pcap", n)}
        return {"status": done.returncode, "files": made, "times": times, "printed": done.stdout,
                "report": self.report(os.path.join(out, "report.xml"))}

    def report(self, path):
        if not os.path.exists(path):
            return None
        found = []
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            return "not well-formed"
        for flow in root.findall("configuration/fileobject"):
            tcpflow = flow.find("tcpflow").attrib
            bodies = [(r.get("file_offset"), r.findtext("fileobject/filename"), r.findtext("fileobject/filesize"))
                      for r in flow.findall("byte_runs/byte_run")]
            found.append((flow.findtext("filename"), flow.findtext("filesize"), flow.findtext("hashdigest"),
                          *(tcpflow.get(k) for k in REPORT_PARTS), bodies))
        return sorted(found, key=str)

    def test_the_options(self):
        self.capture = self.path("in.pcap")
        with open(self.capture, "wb") as file:
            file.write(packets.pcap(scenario()))
        for number, (arguments, bug, parts) in enumerate(MATRIX):
            with self.subTest(arguments=arguments, bug=bug):
                theirs = self.outcome([TCPFLOW], f"theirs{number}", arguments)
                ours = self.outcome([program("flowstitch"), "--as-tcpflow"], f"ours{number}", arguments)
                for part in theirs:
                    if part in parts.split():
                        self.assertNotEqual(ours[part], theirs[part], "the bug is not there any more")
                    else:
                        self.assertEqual(ours[part], theirs[part], part)


if __name__ == "__main__":
    unittest.main()
