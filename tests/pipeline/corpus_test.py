"""The shared captures, where they are: tcpflow's own files byte for byte, and the scores of the rest."""
import csv
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import unittest

from harness import SHARED, PipelineTest, files, program, run

TCPFLOW = os.path.join(SHARED, "corpus", "tcpflow")
SCORE = os.path.join(SHARED, "corpus", "score")
SCHEMA = os.path.join(SHARED, "dfxml", "dfxml.xsd")


@unittest.skipUnless(os.path.isdir(TCPFLOW), "the shared captures are not here")
class Corpus(PipelineTest):
    def test_tcpflows_captures_give_exactly_the_expected_files(self):
        expected = {}
        with open(os.path.join(TCPFLOW, "expected.tsv")) as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if "NOT exist" not in row["note"]:
                    expected.setdefault(row["pcap"], {})[row["flowfile"]] = row["md5"]
        captures = sorted(glob.glob(TCPFLOW + "/*.pcap") + glob.glob(TCPFLOW + "/*.cap"))
        self.assertGreater(len(captures), 20)
        for capture in captures:
            name = os.path.basename(capture)
            for extra in ((), ("--processes",)):
                output = self.path(name + "".join(extra))
                result = run("flowstitch", "-q", "-a", "-r", capture, "-o", output, *extra)
                self.assertEqual(result.returncode, 0, name + result.stderr)
                got = {}
                for file in files(output):
                    if "-HTTPBODY-" in file:
                        continue
                    with open(os.path.join(output, file), "rb") as content:
                        got[file] = hashlib.md5(content.read()).hexdigest()
                self.assertEqual(got, expected.get(name, {}), name)
                self.assert_balanced(name + "".join(extra))
                if shutil.which("xmllint"):
                    valid = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMA,
                                            os.path.join(output, "report.xml")], capture_output=True, text=True)
                    self.assertEqual(valid.returncode, 0, name + valid.stderr)

    def test_the_score_does_not_fall(self):
        """What is reached so far; a change may only raise it."""
        flows, bodies = self.score(program("flowstitch"), "-e", "http")
        self.assertEqual(flows, 1.0)
        self.assertGreaterEqual(bodies, 0.95)

    def test_the_score_is_the_same_from_several_sources(self):
        dealer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "several_sources.py")
        for count in ("2", "3", "4"):
            flows, _ = self.score(sys.executable, "-B", dealer, count, "-e", "http")
            self.assertEqual(flows, 1.0, count)

    def score(self, *command):
        result = subprocess.run([SCORE, *command], capture_output=True, text=True, timeout=550)
        totals = [line for line in result.stdout.splitlines() if line.startswith("TOTAL")]
        print("\n" + "\n".join(totals))
        self.assertNotIn("crashed or hung", result.stdout)
        return [float(line.split("score=")[1].split()[0]) for line in totals]


if __name__ == "__main__":
    unittest.main()
