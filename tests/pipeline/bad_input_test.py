"""Bad input: one clear line that names the thing, the right exit status, and nothing else lost."""
import os
import socket
import subprocess
import unittest

import pcap
from harness import PipelineTest, files, run


class BadInput(PipelineTest):
    def expect(self, status, words, *arguments, name="flowstitch"):
        result = run(name, *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        errors = [line for line in result.stderr.splitlines() if "error" in line.lower()
                  or not line.startswith("flowstitch")]
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertLessEqual(len([e for e in errors if ": error: " in e]), 1, result.stderr)
        return result

    def test_captures_that_are_none(self):
        with open(self.path("text"), "w") as file:
            file.write("this is not a capture, it is a text\n")
        open(self.path("empty"), "w").close()
        for name, word in (("text", "is not a capture file"), ("empty", "is empty"), ("absent", "No such file")):
            self.expect(1, [self.path(name), word], "-q", "-r", self.path(name), "-o", self.path("o-" + name))

    def test_a_truncated_capture_gives_everything_before_the_damage(self):
        capture = self.make("t.pcap", "--flows", "8", "--bytes", "9000", "--concurrent", "1")
        whole = self.launch(capture, "whole")
        header, records = pcap.read(capture)
        end = 24 + sum(16 + len(data) for _, data in records[:-1])
        with open(capture, "rb") as file:
            data = file.read()
        with open(self.path("cut.pcap"), "wb") as file:
            file.write(data[:end + 30])
        result = self.expect(1, [self.path("cut.pcap"), f"offset {end}", "all frames before it are used"],
                             "-q", "-a", "-r", self.path("cut.pcap"), "-o", self.path("cut"))
        # Only the very last packet, an acknowledgement, is missing: all files are the same.
        self.assertEqual(files(self.path("cut")), whole, result.stderr)
        # And the other files of the same command are read.
        other = self.make("o.pcap", "--flows", "3", "--seed", "9")
        self.expect(1, [self.path("absent")], "-q", "-r", self.path("absent"), "-r", other, "-o", self.path("both"))
        self.assertEqual(len(files(self.path("both"))), 6)

    def test_names_of_files_may_hold_any_bytes(self):
        capture = self.make("t.pcap", "--flows", "2")
        odd = os.fsencode(self.directory) + b"/caf\xe9-\xff.pcap"
        os.rename(capture, odd)
        result = run("flowstitch", "-q", "-r", odd, "-o", self.path("out"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(files(self.path("out"))), 4)
        self.expect(1, ["No such file"], "-q", "-r", odd + b"x", "-o", self.path("none"))

    def test_a_link_type_that_is_not_known_is_counted_and_named_once(self):
        header, records = pcap.read(self.make("t.pcap", "--flows", "2"))
        pcap.write(self.path("odd.pcap"), header[:20] + (147).to_bytes(4, "little"), records)
        result = run("flowstitch", "-r", self.path("odd.pcap"), "-o", self.path("out"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count(f"{len(records)} frames of link type 147 were not read"), 1)
        self.assert_balanced("out")

    @unittest.skipIf(os.geteuid() != 0, "needs root to give up permissions")
    def test_permissions_that_are_missing(self):
        capture = self.make("t.pcap", "--flows", "2")
        os.chmod(self.directory, 0o755)
        os.chmod(capture, 0)
        os.mkdir(self.path("locked"), 0o555)
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o777)

        def as_nobody(*arguments):
            from harness import program
            return subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all",
                                   "--inh-caps=-all", program("flowstitch"), "-q", *arguments],
                                  capture_output=True, text=True, timeout=60)
        probe = as_nobody("-V")
        if probe.returncode != 0:
            self.skipTest("another user cannot run the program here: " + probe.stderr)
        unreadable = as_nobody("-r", capture, "-o", self.path("open"))
        self.assertEqual(unreadable.returncode, 1)
        self.assertIn(f"'{capture}': Permission denied", unreadable.stderr)
        os.chmod(capture, 0o644)
        unwritable = as_nobody("-r", capture, "-o", self.path("locked"))
        self.assertEqual(unwritable.returncode, 1)
        self.assertIn(self.path("locked"), unwritable.stderr)
        self.assertIn("choose another directory", unwritable.stderr)
        interface = as_nobody("-i", "lo", "-o", self.path("open"))
        self.assertEqual(interface.returncode, 1)
        self.assertIn("no permission to capture on interface 'lo'", interface.stderr)

    def test_interfaces_filters_and_options(self):
        capture = self.make("t.pcap", "--flows", "2")
        self.expect(1, ["there is no interface 'nosuch0'"], "-q", "-i", "nosuch0", "-o", self.path("i"))
        self.expect(2, ["bad filter expression 'tcp portt 80'"], "-r", capture, "-o", self.path("f"), "tcp", "portt", "80")
        self.assertFalse(os.path.exists(self.path("f")))
        self.expect(2, ["--no-such-option"], "-r", capture, "--no-such-option")
        self.expect(2, ["there is no writer 'nosuch'"], "-r", capture, "-e", "nosuch", "-o", self.path("e"))
        self.expect(2, ["unknown token '%q'"], "-r", capture, "-T", "%q", "-o", self.path("t"))
        self.expect(2, ["letter 'z'"], "-r", capture, "-F", "z", "-o", self.path("t"))
        self.expect(2, ["-b"], "-r", capture, "-b", "1Q", "-o", self.path("t"))
        self.expect(2, ["nothing to write"], "-o", self.path("t"), name="flowstitch-sink")
        self.expect(2, ["either capture files"], name="flowstitch-capture")

    def test_output_directories(self):
        capture = self.make("t.pcap", "--flows", "2")
        with open(self.path("file"), "w") as file:
            file.write("x")
        result = run("flowstitch", "-q", "-r", capture, "-o", self.path("file"))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(self.path("file"), result.stderr)
        result = run("flowstitch", "-q", "-r", capture, "-o", "/proc/nothing")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/proc/nothing", result.stderr)

    def test_endpoints(self):
        capture = self.make("t.pcap", "--flows", "2")
        self.expect(2, ["bad endpoint 'nowhere'", "tcp://HOST:PORT"], "-r", capture, "--reassembler", "nowhere",
                    name="flowstitch-capture")
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.addCleanup(taken.close)
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        self.expect(1, [address, "in use"], "--captures", address, "--sinks", "ipc://" + self.path("s"),
                    name="flowstitch-reassembler")
        self.expect(1, ["'/no/such'" if False else "ipc:///no/such/dir"], "--captures", "ipc:///no/such/dir/x",
                    "--sinks", "ipc://" + self.path("s"), name="flowstitch-reassembler")

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount a small file system")
    def test_a_full_disk_is_named_and_nothing_half_written_is_reported_as_whole(self):
        small = self.path("small")
        os.mkdir(small)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small],
                          capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        try:
            capture = self.make("t.pcap", "--flows", "10", "--bytes", "200000")
            for extra in ((), ("--processes",)):
                result = run("flowstitch", "-q", "-a", "-r", capture, "-o", small + "/out" + "".join(extra), *extra)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("No space left on device", result.stderr)
                self.assertIn(small, result.stderr)
                self.assertFalse(os.path.exists(small + "/out/report.xml"))
        finally:
            subprocess.run(["umount", small], check=True)


if __name__ == "__main__":
    unittest.main()
