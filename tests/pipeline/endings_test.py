"""How a run ends that was interrupted, whose reader has gone, or of which one output fails: it says so, everywhere."""
import os
import re
import resource
import signal
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from harness import BUILD, FLOWSTITCH, PipelineTest, can_trace, files, program, run, wait_until

TRAFFIC = ("--flows", "40", "--bytes", "20000", "--concurrent", "10")


class Endings(PipelineTest):
    def error_in_report(self, output):
        root = ElementTree.parse(os.path.join(output, "report.xml")).getroot()
        element = root.find(f".//{FLOWSTITCH}error")
        return None if element is None else element.text

    def interrupted(self, number, *arguments):
        """A run over a file that has no end, stopped when it has written something; its status and what it said."""
        capture = self.make("t.pcap", *TRAFFIC)
        with open(capture, "rb") as file:
            data = file.read()
        out = self.path(f"out-{number}-{len(arguments)}")
        process = self.start("flowstitch", "-a", "-x", "netviz", "-r", "-", "-o", out, *arguments, stdin_pipe=True)
        process.stdin.buffer.write(data[:len(data) // 2])
        process.stdin.flush()
        self.assertTrue(wait_until(lambda: os.path.isdir(out) and len(files(out)) > 3))
        process.send_signal(number)
        # The pipe stays open: the file has no end.
        self.assertTrue(wait_until(lambda: process.poll() is not None))
        return process.returncode, process.stderr.read(), out

    def test_an_interrupted_reading_says_so_everywhere(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            returned, errors, out = self.interrupted(number)
            self.assertEqual(returned, status, errors)
            words = f"{number.name} came before '-' was read to its end"
            self.assertIn(words, errors)
            self.assertIn(words, self.error_in_report(out))

    def test_the_same_as_processes(self):
        returned, errors, out = self.interrupted(signal.SIGINT, "--processes")
        self.assertEqual(returned, 130, errors)
        self.assertIn("SIGINT came before", self.error_in_report(out))

    def test_under_tcpflows_name_the_status_is_tcpflows(self):
        returned, errors, out = self.interrupted(signal.SIGINT, "--as-tcpflow")
        self.assertEqual(returned, 0, errors)

    def test_a_capture_of_its_own_and_the_sink_behind_it(self):
        capture = self.make("t.pcap", *TRAFFIC)
        inlet, outlet = "ipc://" + self.path("c"), "ipc://" + self.path("s")
        reassembler = self.start("flowstitch-reassembler", "--captures", inlet, "--sinks", outlet, "--sources", "1")
        sink = self.start("flowstitch-sink", "--reassembler", outlet, "-o", self.path("out"), "--files", "--dfxml",
                          "--summary")
        sensor = self.start("flowstitch-capture", "-r", "-", "--name", "a", "--reassembler", inlet, stdin_pipe=True)
        with open(capture, "rb") as file:
            sensor.stdin.buffer.write(file.read()[:200_000])
        sensor.stdin.flush()
        self.assertTrue(wait_until(lambda: os.path.isdir(self.path("out")) and len(files(self.path("out"))) > 3))
        sensor.terminate()
        self.assertTrue(wait_until(lambda: sensor.poll() is not None))
        self.assertEqual(sensor.returncode, 143, sensor.stderr.read())
        self.assertEqual(self.wait(reassembler)[0], 0)
        status, errors = self.wait(sink)
        self.assertEqual(status, 0, errors)
        self.assertIn("cut short: SIGTERM came before", errors)
        self.assertIn("SIGTERM came before", self.error_in_report(self.path("out")))

    def test_a_run_that_reads_everything_says_nothing(self):
        capture = self.make("t.pcap", *TRAFFIC)
        result = run("flowstitch", "-q", "-a", "-x", "netviz", "-r", capture, "-o", self.path("out"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIsNone(self.error_in_report(self.path("out")))

    def test_a_reader_of_standard_output_may_go(self):
        capture = self.make("large.pcap", "--flows", "50", "--bytes", "200000")
        for arguments in (("-c",), ("--json", "-", "-o", self.path("j"))):
            process = subprocess.Popen([program("flowstitch"), "-q", "-r", capture, *arguments],
                                       stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
            self.started.append(process)
            process.stdout.read(10)
            process.stdout.close()
            self.assertTrue(wait_until(lambda: process.poll() is not None))
            # As a shell says of one that SIGPIPE ends, or all was written before.
            self.assertIn(process.returncode, (0, 141))
            self.assertEqual(process.stderr.read(), "")

    @unittest.skipIf(os.geteuid() == 0 and not os.path.exists("/dev/full"), "needs /dev/full")
    def test_one_output_that_fails_ends_with_a_report(self):
        capture = self.make("t.pcap", *TRAFFIC)
        result = run("flowstitch", "-q", "-a", "-x", "netviz", "-r", capture, "-o", self.path("out"), "--json",
                     "/dev/full")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/dev/full", result.stderr)
        self.assertIn("/dev/full", self.error_in_report(self.path("out")))

    def test_limits_of_the_process_are_errors_that_name_the_file(self):
        """A file that may not grow, or descriptors that are too few: an error and a report, and no signal."""
        capture = self.make("t.pcap", "--flows", "3", "--bytes", "200000")
        limited = lambda kind, limit, output: subprocess.run(
            [program("flowstitch"), "-q", "-r", capture, "-o", output], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)))
        result = limited(resource.RLIMIT_FSIZE, 100_000, self.path("out"))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"cannot write '[^']*/out/010\.[^']*': File too large")
        self.assertIn("File too large", self.error_in_report(self.path("out")))
        for few in (6, 10, 16):
            result = limited(resource.RLIMIT_NOFILE, few, self.path("few"))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("descriptors", result.stderr)

    def test_what_somebody_put_in_an_outputs_place_is_not_written_through(self):
        capture = self.make("t.pcap", *TRAFFIC)
        with open(self.path("victim"), "w") as file:
            file.write("precious")
        os.mkdir(self.path("elsewhere"))
        traps = (("report.xml.part", lambda at: os.link(self.path("victim"), at), (), 0),
                 ("report.xml.part", lambda at: os.symlink(self.path("victim"), at), (), 0),
                 ("report.xml", os.mkfifo, (), 1),
                 ("j", os.mkfifo, ("--json", self.path("out2", "j")), None),
                 ("000", lambda at: os.symlink(self.path("elsewhere"), at), ("-Fk",), 1))
        for i, (name, lay, arguments, status) in enumerate(traps):
            with self.subTest(name):
                out = self.path(f"out{i}")
                os.mkdir(out)
                lay(os.path.join(out, name))
                arguments = [each.replace(self.path("out2"), out) for each in arguments]
                result = run("flowstitch", "-q", "-r", capture, "-o", out, *arguments, timeout=20)
                self.assertEqual(result.returncode, 1 if status is None else status, result.stderr)
                if result.returncode:
                    self.assertIn(os.path.join(out, name), result.stderr)
                with open(self.path("victim")) as file:
                    self.assertEqual(file.read(), "precious")
                self.assertEqual(os.listdir(self.path("elsewhere")), [])

    def test_nor_in_the_working_directory(self):
        capture = self.make("t.pcap", *TRAFFIC)
        for name in ("here", "elsewhere"):
            os.mkdir(self.path(name))
        os.symlink(self.path("elsewhere"), self.path("here", "000"))
        result = run("flowstitch", "-q", "-Fk", "-r", capture, cwd=self.path("here"))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(os.listdir(self.path("elsewhere")), [])

    def calls(self, durable):
        """What a run asks of the disk, in order: (call, path or None)."""
        out, log = self.path("out-" + durable), self.path("calls-" + durable)
        subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=fdatasync,syncfs,/rename",
                        program("flowstitch"), "-q", "-a",
                        "-x", "netviz", "-r", self.capture, "-o", out, "--durable", durable], check=True, timeout=120,
                       stdin=subprocess.DEVNULL)
        with open(log) as file:
            return [line for line in file if "fdatasync(" in line or "syncfs(" in line or "rename" in line], files(out)

    @unittest.skipIf("san" in os.path.basename(BUILD) or not can_trace(),
                     "needs strace, of a build without a sanitizer")
    def test_the_disk_is_asked_as_durable_says(self):
        self.capture = self.make("t.pcap")
        off, wanted = self.calls("off")
        self.assertFalse([line for line in off if "sync" in line])
        for durable in ("segment", "commit"):
            lines, written = self.calls(durable)
            self.assertEqual(written, wanted)
            synced = {re.search(r"<(.*?)>", line).group(1) for line in lines if "fdatasync(" in line}
            for name in written:
                # Bodies are asked for under the name that they have then.
                body = re.sub(r"(HTTPBODY-\d+).*", r"\1.part", name)
                self.assertTrue({self.path("out-" + durable, name), self.path("out-" + durable, body)} & synced, name)
            self.assertIn("syncfs(", "".join(lines))
            # The report has its name after it was asked for.
            report = [line for line in lines if "report.xml" in line]
            self.assertIn("fdatasync(", report[0])
            self.assertIn("rename", report[1])


if __name__ == "__main__":
    unittest.main()
