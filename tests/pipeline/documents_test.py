"""Man pages and shell completions say what --help says, and what reads them accepts them."""
import os
import re
import shutil
import subprocess
import unittest

from harness import BUILD, PROGRAMS, run

DOCUMENTS = os.path.join(BUILD, "documents")


def options_of_help(name):
    """Every option that --help lists."""
    text = run(name, "--help").stdout
    found = set()
    for line in text.splitlines():
        match = re.match(r"  (-[^\s,]+(?:, -[^\s,]+)*)", line)
        if match:
            found.update(match.group(1).split(", "))
    assert len(found) > 5, text
    return found


def read(name):
    with open(os.path.join(DOCUMENTS, name)) as file:
        return file.read()


# What stands in flowstitch-sink only: its links, what only other programs say, and tcpflow's settings.
SINK_ONLY = {"--reassembler", "--name", "--read-memory", "--shard", "--window", "--no-journal", "--command-line",
             "--summary", "--places", "--utf8", "--console-http", "--netviz-addresses", "--netviz-table",
             "--file-alert-fd", "--file-command", "--body-alert-fd", "--body-command"}


class Documents(unittest.TestCase):
    def test_help_is_grouped_wrapped_and_of_one_form(self):
        for name in PROGRAMS:
            for columns in (60, 80, 132):
                text = run(name, "--help", env=dict(os.environ, COLUMNS=str(columns))).stdout
                last = re.search(r"^(Other|Options):\n", text, re.M).end()
                entries = text[:last] + text[last:].split("\n\n")[0]  # the tables behind are as wide as they are
                too_long = [line for line in entries.splitlines() if len(line) > columns and " " in line.strip()
                            and not line.startswith(("  -", "Example", "Usage"))]
                self.assertEqual(too_long, [], name)
                self.assertNotRegex(text, r"BYTES[^\[]*\[\d{6,}\]|\(default|\{false\}", name)
        written = ("Output", "HTTP and TLS", "Console", "Many hosts", "Limits")
        for name, groups in (("flowstitch", ("Input", "Selection", *written)), ("flowstitch-sink", written)):
            text = run(name, "--help").stdout
            places = [text.index(f"\n{group}:\n") for group in groups]
            self.assertEqual(places, sorted(places), name)
        self.assertIn("[64M]", run("flowstitch-sink", "--help").stdout)

    def test_the_short_help_is_short_and_says_where_more_is(self):
        short, whole = run("flowstitch", "-h"), run("flowstitch", "-hh")
        self.assertEqual((short.returncode, whole.returncode), (0, 0))
        self.assertLess(len(short.stdout.splitlines()), 40)
        self.assertIn("flowstitch -hh lists all options", short.stdout)
        self.assertEqual(whole.stdout, run("flowstitch", "--help").stdout)
        self.assertEqual(whole.stdout, run("flowstitch", "-r", "x", "--nosuch", "-hh").stdout)
        # As an option's value it is none.
        self.assertNotIn("lists all options", run("flowstitch", "-r", "-h").stdout)

    def test_the_launcher_has_the_sinks_words(self):
        sink = {o for o in options_of_help("flowstitch-sink") if o.startswith("--")}
        self.assertEqual(sink - options_of_help("flowstitch") - SINK_ONLY, set())

    def test_man_pages_have_every_option_and_no_other(self):
        for name in PROGRAMS:
            page = read(name + ".1")
            options = page[page.index(".SH OPTIONS"):].split(".SH ", 2)[1]
            plain = options.replace("\\-", "-").replace("\\&", "")
            named = set()
            for line in plain.splitlines():
                if line.startswith("\\fB-"):
                    named.update(re.findall(r"\\fB(-.*?)\\fR", line))
            self.assertEqual(named, options_of_help(name), name)
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
                self.assertIn(f".SH {section}\n", page)

    def test_man_pages_are_what_man_expects(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        for name in PROGRAMS:
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", os.path.join(DOCUMENTS, name + ".1")],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
            self.assertIn("--help", shown)

    def complete(self, name, *words):
        """What bash would offer behind these words."""
        script = (f'source "{DOCUMENTS}/{name}.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  f'_{name.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"')
        done = subprocess.run(["bash", "-c", script, "bash", name, *words], capture_output=True, text=True,
                              cwd=DOCUMENTS)
        self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        return done.stdout.split()

    def test_bash_offers_options_and_values(self):
        for name in PROGRAMS:
            self.assertEqual(set(self.complete(name, "-")), options_of_help(name))
        self.assertEqual(self.complete("flowstitch", "--console-order", "p"), ["packet"])
        self.assertIn("flowstitch.1", self.complete("flowstitch", "-r", "flowstitch."))
        self.assertIn("root", self.complete("flowstitch", "-U", "ro"))

    def test_zsh_reads_its_completions(self):
        for name in PROGRAMS:
            text = read("_" + name)
            self.assertTrue(text.startswith(f"#compdef {name}\n"))
            named = set(re.findall(r"^  '\*?(-[^\[]*)\[", text, re.M))
            self.assertEqual(named, options_of_help(name))
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed: its syntax was not checked")
        for name in PROGRAMS:
            done = subprocess.run(["zsh", "-n", os.path.join(DOCUMENTS, "_" + name)], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
