"""What running processes may still do: no capability, no program, no file but theirs.

The kernel says so, in /proc/PID/status."""
import os
import pwd
import re
import socket
import subprocess
import unittest

import packets
from harness import PipelineTest, files, program, run, wait_until
from ports import free_ports


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def has_seccomp():
    return "Seccomp" in status_of(os.getpid())


CLIENT = "010.000.000.001.01000-010.000.000.002.00080"


class Privileges(PipelineTest):
    def setUp(self):
        super().setUp()
        self.capture = self.path("c.pcap")
        with open(self.capture, "wb") as file:
            file.write(packets.pcap(packets.Talk(client=("10.0.0.1", 1000)).handshake().client(b"data").frames))

    def assert_confined(self, process):
        self.assertTrue(wait_until(lambda: status_of(process.pid)["Seccomp"] == "2"), process.args)
        status = status_of(process.pid)
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{thread}/status") as file:
                self.assertRegex(file.read(), r"Seccomp:\s2\n")

    @unittest.skipUnless(has_seccomp(), "this kernel has no seccomp")
    def test_every_process_is_confined(self):
        ends = ("--captures", "ipc://" + self.path("captures"), "--sinks", "ipc://" + self.path("sinks"))
        for process in (
                self.start("flowstitch-reassembler", *ends),
                self.start("flowstitch-sink", "--reassembler", "ipc://" + self.path("sinks"), "-o", self.path("out"),
                           "--files"),
                self.start("flowstitch-capture", "-r", "-", "--reassembler", "ipc://" + self.path("captures"),
                           stdin_pipe=True),
                self.start("flowstitch-tap", "ipc://" + self.path("tap")),
                self.start("flowstitch", "-a", "-r", "-", "-o", self.path("out"), stdin_pipe=True)):
            self.assert_confined(process)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_reads_and_writes_what_is_others(self):
        """With the two capabilities that it takes, and only where it takes them."""
        other = self.path("other")
        os.mkdir(other)
        os.rename(self.capture, os.path.join(other, "c.pcap"))
        os.chown(os.path.join(other, "c.pcap"), 12345, 12345)
        os.chmod(os.path.join(other, "c.pcap"), 0o600)
        os.chown(other, 12345, 12345)
        os.chmod(other, 0o700)
        done = run("flowstitch", "-q", "-a", "-r", os.path.join(other, "c.pcap"), "-o", os.path.join(other, "out"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(CLIENT, files(os.path.join(other, "out")))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_under_sudo_files_are_of_whoever_asked(self):
        os.chmod(self.directory, 0o755)
        nobody = pwd.getpwnam("nobody").pw_uid
        environment = {**os.environ, "SUDO_UID": str(nobody), "ASAN_OPTIONS": "detect_leaks=0"}
        os.chmod(self.capture, 0o600)
        cases = (((), nobody), (("--processes",), nobody), (("-U", "root"), 0), (("--as-tcpflow",), 0),
                 (("--as-tcpflow", "--processes"), 0))
        for i, (extra, owner) in enumerate(cases):
            with self.subTest(extra):
                out = self.path(f"out{i}")
                done = subprocess.run([program("flowstitch"), "-q", "-r", self.capture, "-o", out, *extra],
                                      env=environment,
                                      capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(CLIENT, os.listdir(out))
                for name in os.listdir(out):
                    self.assertEqual(os.stat(os.path.join(out, name)).st_uid, owner, name)

    def test_a_socket_that_a_killed_reassembler_left_is_in_nobodys_way(self):
        captures, sinks = self.path("captures"), self.path("sinks")
        ends = ("--captures", "ipc://" + captures, "--sinks", "ipc://" + sinks)
        killed = self.start("flowstitch-reassembler", *ends)
        self.assertTrue(wait_until(lambda: os.path.exists(sinks)))
        killed.kill()
        killed.wait()
        self.assertTrue(os.path.exists(captures), "a socket is left")
        reassembler = self.start("flowstitch-reassembler", *ends, "--sources", "1", "--wait-sinks", "1")
        sink = self.start("flowstitch-sink", "--reassembler", "ipc://" + sinks, "-o", self.path("out"), "--files")
        capture = self.start("flowstitch-capture", "-r", self.capture, "--reassembler", "ipc://" + captures)
        for process in (capture, reassembler, sink):
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, errors)
        self.assertIn(CLIENT, files(self.path("out")))
        # One at which somebody listens is not taken from him.
        with socket.socket(socket.AF_UNIX) as other:
            os.unlink(captures) if os.path.exists(captures) else None
            other.bind(captures)
            other.listen()
            refused = run("flowstitch-reassembler", *ends)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(captures, refused.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to look into another process")
    def test_a_secret_key_is_wiped_once_sockets_are_open(self):
        os.mkdir(self.path("allowed"))
        for name, role in (("center", "reassembler"), ("sensor", "capture")):
            done = run("flowstitch-keygen", name, "--role", role, "-o", self.path())
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("center.key_secret")) as file:
            secret = re.search(r'secret-key = "(.*)"', file.read())[1].encode()
        port = free_ports(1)[0]
        process = self.start("flowstitch-reassembler", "--captures", f"tcp://127.0.0.1:{port}", "--sinks", "none",
                             "--tap",
                             "ipc://" + self.path("tap"), "--key", self.path("center.key_secret"),
                             "--allow", self.path("allowed"))
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("tap"))))

        def copies():
            found = 0
            with open(f"/proc/{process.pid}/maps") as maps, open(f"/proc/{process.pid}/mem", "rb", 0) as memory:
                for line in maps:
                    span, rights = line.split()[:2]
                    begin, end = (int(each, 16) for each in span.split("-"))
                    if "w" not in rights or end - begin > 300 << 20:
                        continue
                    try:
                        memory.seek(begin)
                        found += memory.read(end - begin).count(secret)
                    except OSError:
                        pass  # guard pages
            return found
        self.assertTrue(wait_until(lambda: copies() == 0, 5), copies())

    def test_commands_run_though_the_sink_may_run_none(self):
        script = self.path("note")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\necho \"$1\" >> {self.path('noted')}\n")
        os.chmod(script, 0o755)
        for extra in ((), ("--processes",)):
            out = self.path("out" + "".join(extra))
            done = run("flowstitch", "-q", "-r", self.capture, "-o", out, "-S", f"tcp_cmd={script}", *extra)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path("noted")) as file:
                self.assertIn(os.path.join(out, CLIENT), file.read())


if __name__ == "__main__":
    unittest.main()
