"""The launcher by itself: its output, its flags, its two ways to run."""
import gzip
import os
import re
import resource
import signal
import struct
import subprocess
import unittest
import zlib

import pcap
from harness import PipelineTest, count_files, files, ledger, program, run, wait_until

TRAFFIC = ("--flows", "40", "--bytes", "60000", "--concurrent", "7", "--disorder", "0.1", "--ipv6")


def files_by_digest(found):
    """Whatever their names."""
    return sorted(found.values())


class Launcher(PipelineTest):
    def test_the_demonstration_has_everything_it_promises(self):
        made = self.launch(self.make(), "out")
        names = sorted(made)
        page = "<html><body>\n" + "".join(
            f"<p>line {i} of a generated page</p>\n" for i in range(400)) + "</body></html>\n"

        def text(name):
            with open(self.path("out", name), "rb") as file:
                return file.read()

        stem = "192.000.002.080.00080-010.000.000.00"
        self.assertEqual(text(stem + "1.40001-HTTPBODY-001.html"), page.encode())
        self.assertEqual(text(stem + "1.40002-HTTPBODY-001.txt"), page.encode())
        lost = text(stem + "2.40003-HTTPBODY-001-incomplete.txt")
        self.assertEqual(len(lost), len(page))
        # One segment of 1,000 bytes is missing: zeros in its place, everything else is right.
        differing = [i for i in range(len(page)) if lost[i] != page.encode()[i]]
        self.assertEqual(differing[-1] - differing[0] + 1, 1000)
        self.assertEqual(lost[differing[0]:differing[-1] + 1], bytes(1000))
        self.assertEqual(text("2001:db8::80.00080-2001:db8::1.40004-HTTPBODY-001.json"),
                         b'{"protocol": "IPv6"}\n')
        for vlan in ("10", "20"):
            self.assertIn(f"192.000.002.025.00025-010.000.000.003.400{vlan}--{vlan}", names)
        reassembly, _ = self.assert_balanced("out")
        self.assertEqual(reassembly["gap_bytes"], 1000)
        self.assertEqual(reassembly["flows_opened"], 6)

    def test_udp_conversations_are_files_too(self):
        packets, body = [], b""
        for number in range(4):
            back = number % 2
            text = b"datagram %d\n" % number
            ports = (53, 4000) if back else (4000, 53)
            udp = b"".join(p.to_bytes(2, "big") for p in (*ports, len(text) + 8, 0)) + text
            ends = (bytes((10, 0, 0, 2)), bytes((10, 0, 0, 1)))
            ip = bytes((0x45, 0, 0, 20 + len(udp), 0, 0, 0, 0, 64, 17, 0, 0)) + b"".join(ends if back else ends[::-1])
            packets.append((number, bytes(12) + b"\x08\x00" + ip + udp))
        with open(self.path("udp.pcap"), "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for number, frame in packets:
                file.write(struct.pack("<IIII", 1_600_000_000 + number, 0, len(frame), len(frame)) + frame)
        self.assertEqual(self.launch(self.path("udp.pcap"), "without"), {})
        made = self.launch(self.path("udp.pcap"), "with", "--udp")
        ask, answer = ("010.000.000.001.04000-010.000.000.002.00053-UDP", "010.000.000.002.00053-010.000.000.001.04000-UDP")
        self.assertEqual(sorted(made), [ask, answer])
        with open(self.path("with", ask), "rb") as file:
            self.assertEqual(file.read(), b"datagram 0\ndatagram 2\n")
        reassembly, _ = self.assert_balanced("with")
        self.assertEqual(reassembly["udp_datagrams"], 4)
        with open(self.path("with", "report.xml")) as file:
            self.assertIn('protocol="17"', file.read())

    def test_flags_of_reassembly_reach_it_in_both_ways_to_run(self):
        capture = self.make("t.pcap", *TRAFFIC)
        plain = self.launch(capture, "plain")
        for extra in ((), ("--processes",)):
            output = "limited" + "".join(extra)
            self.assertNotEqual(self.launch(capture, output, "--simulate", "stream-memory", *extra), plain)
            reassembly, _ = self.assert_balanced(output)
            self.assertGreater(reassembly["gaps"], 0)
            same = self.launch(capture, "same" + "".join(extra), "--overlap", "linux", "--fragment-overlap", "bsd",
                               "--checksum", "drop", "--flow-key", "vlan,tunnel,source", "--community-id-seed", "1",
                               *extra)
            self.assertEqual(same, plain)
            with open(self.path("same" + "".join(extra), "report.xml")) as file:
                seeded = re.findall(r'community_id="([^"]+)"', file.read())
            with open(self.path("plain", "report.xml")) as file:
                self.assertTrue(set(seeded).isdisjoint(re.findall(r'community_id="([^"]+)"', file.read())))
        for flag, value, word in (("--overlap", "latest", "old-linux"), ("--checksum", "maybe", "auto"),
                                  ("--flow-key", "vlan,port", "tunnel"), ("--simulate", "rain", "reassembly-memory")):
            result = run("flowstitch", "-r", capture, "-o", self.path("no"), flag, value)
            self.assertEqual(result.returncode, 2, flag)
            self.assertIn(word, result.stderr, flag)

    def test_generated_streams_come_out_as_they_went_in(self):
        capture = self.make("t.pcap", *TRAFFIC)
        made = self.launch(capture, "out")
        _, records = pcap.read(capture)
        # An independent reassembly of the servers' streams: payload by sequence number.
        streams, first = {}, {}
        for _, frame in records:
            ipv6 = frame[12:14] == b"\x86\xdd"
            ip = frame[14:]
            header = 40 if ipv6 else 20
            tcp = ip[header:]
            ports = int.from_bytes(tcp[:2], "big"), int.from_bytes(tcp[2:4], "big")
            if ports[0] != 80:
                continue
            key = (ip[8:40] if ipv6 else ip[12:20], ports)
            sequence = int.from_bytes(tcp[4:8], "big")
            if tcp[13] & 2:
                first[key] = sequence + 1
                continue
            streams.setdefault(key, []).append((sequence, tcp[20:]))
        self.assertEqual(len(streams), 40)
        wanted = set()
        import hashlib
        for key, segments in streams.items():
            ordered = sorted(((s - first[key]) & 0xffffffff, data) for s, data in segments)
            wanted.add(hashlib.sha256(b"".join(data for _, data in ordered)).hexdigest())
        got = {digest for name, digest in made.items() if re.search(r"\.00080-", name)}
        self.assertEqual(got, wanted)
        self.assert_balanced("out")

    def test_processes_make_the_same_files(self):
        capture = self.make("t.pcap", *TRAFFIC, "--loss", "0.02")
        self.assertEqual(self.launch(capture, "a"), self.launch(capture, "b", "--processes"))
        self.assertEqual(ledger(self.path("a"))[0], ledger(self.path("b"))[0])

    def test_the_report_does_not_depend_on_threads(self):
        capture = self.make("t.pcap", *TRAFFIC)

        def flows(output, workers):
            self.launch(capture, output, "--workers", workers)
            with open(self.path(output, "report.xml")) as file:
                text = file.read().replace(self.path(output), "DIR")
            return text[text.index("<fileobject>"):text.index("<rusage>")]

        one = flows("a", "1")
        self.assertEqual(one, flows("b", "4"))
        self.assertEqual(one, flows("c", "4"))

    def test_several_files_and_standard_input(self):
        capture = self.make("t.pcap", *TRAFFIC)
        whole = self.launch(capture, "whole")
        header, records = pcap.read(capture)
        half = len(records) // 2
        pcap.write(self.path("1.pcap"), header, records[:half])
        pcap.write(self.path("2.pcap"), header, records[half:])
        result = run("flowstitch", "-q", "-a", "-r", self.path("1.pcap"), "-r", self.path("2.pcap"),
                     "-o", self.path("two"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(files(self.path("two")), whole)
        with open(capture, "rb") as file:
            piped = subprocess.run([program("flowstitch"), "-q", "-a", "-r", "-", "-o", self.path("pipe")],
                                   stdin=file, timeout=60)
        self.assertEqual(piped.returncode, 0)
        self.assertEqual(files(self.path("pipe")), whole)

    def test_processes_without_room_for_shared_memory_go_on_without(self):
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "a")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 20, 16 << 20))
        result = run("flowstitch", "-q", "-a", "--processes", "-r", capture, "-o", self.path("b"), preexec_fn=limit)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("cannot make shared memory", result.stderr)
        self.assertEqual(files(self.path("b")), wanted)

    def test_names_that_begin_with_a_slash_stay_in_the_directory(self):
        """A directory for each VLAN, and frames without one."""
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = files_by_digest(self.launch(capture, "a"))
        self.assertEqual(files_by_digest(self.launch(capture, "b", "-T", "%V%v/%A.%a-%B.%b%c")), wanted)

    def test_an_output_directory_that_is_replaced_is_an_error_that_names_it(self):
        capture = self.make("t.pcap", "--flows", "40", "--bytes", "20000", "--concurrent", "1")
        with open(capture, "rb") as file:
            data = file.read()
        for name in ("one", "two"):
            os.mkdir(self.path(name))
        os.symlink("one", self.path("now"))
        process = self.start("flowstitch", "-q", "-X", self.path("report.xml"), "-r", "-", "-o", self.path("now"),
                             stdin_pipe=True)
        process.stdin.buffer.write(data[:len(data) // 2])
        process.stdin.flush()
        self.assertTrue(wait_until(lambda: count_files(self.path("one")) > 2))
        os.symlink("two", self.path("next"))
        os.rename(self.path("next"), self.path("now"))
        process.stdin.buffer.write(data[len(data) // 2:])
        process.stdin.close()
        process.stdin = None
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, errors)
        self.assertIn(f"'{self.path('now')}' was moved, removed or replaced", errors)
        self.assertEqual(count_files(self.path("two")), 0, "it is not the directory that was named")
        with open(self.path("report.xml")) as file:
            self.assertIn("was moved, removed or replaced", file.read())

    def test_a_slow_pipe_is_not_late(self):
        """A flow that is complete is written while the pipe stays open."""
        capture = self.make()
        with open(capture, "rb") as file:
            data = file.read()
        process = subprocess.Popen([program("flowstitch"), "-q", "-r", "-", "-o", self.path("out")],
                                   stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        process.stdin.write(data)
        process.stdin.flush()
        self.assertTrue(wait_until(lambda: count_files(self.path("out")) > 5))
        process.stdin.close()
        self.assertEqual(process.wait(timeout=30), 0)

    def test_flags_of_names_limits_and_writers(self):
        capture = self.make("t.pcap", "--flows", "3", "--bytes", "5000")

        def names(output, *arguments):
            result = run("flowstitch", "-q", "-r", capture, "-o", self.path(output), *arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            return set(files(self.path(output), with_report=True))

        plain = names("plain")
        self.assertEqual(len(plain), 7)
        self.assertIn("report.xml", plain)
        self.assertEqual(names("X", "-FX"), {"report.xml"})
        self.assertTrue(all(re.match(r"1700000000T\d", n) for n in names("t", "-Ft") - {"report.xml"}))
        self.assertTrue(all(n.startswith("000/") for n in names("k", "-Fk") - {"report.xml"}))
        self.assertEqual(names("one", "-T", "x"), {"report.xml", "x"} | {f"xc{i}" for i in range(1, 6)})
        names("b", "-b", "100")
        sizes = {os.path.getsize(self.path("b", n)) for n in files(self.path("b"))}
        self.assertLessEqual(max(sizes), 100)
        self.assertEqual(names("off", "-x", "tcpdemux"), {"report.xml"})
        self.assertEqual(names("elsewhere", "-X", self.path("r.xml")), plain - {"report.xml"})
        self.assertTrue(os.path.exists(self.path("r.xml")))
        with open(self.path("plain", "report.xml")) as file:
            self.assertNotIn("hashdigest", file.read())
        names("digests", "-e", "md5", "-e", "sha256")
        with open(self.path("digests", "report.xml")) as file:
            text = file.read()
        self.assertEqual((text.count('type="MD5"'), text.count('type="SHA256"'), text.count('type="SHA1"')),
                         (6, 6, 0))
        self.assertEqual(names("filter", "port", "1024"), {
            n for n in plain if "01024" in n or n == "report.xml"})

    def test_the_console(self):
        capture = self.make("t.pcap", "--flows", "1", "--bytes", "10", "--segment", "4")

        def printed(*arguments):
            result = subprocess.run([program("flowstitch"), "-r", capture, *arguments],
                                    capture_output=True, timeout=60, cwd=self.directory)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stdout

        lines = printed("-c").split(b"\n")
        self.assertTrue(lines[0].startswith(b"010.001.000.001.01024-010.002.000.002.00080: GET /object"))
        self.assertFalse(printed("-C").startswith(b"010"))
        self.assertIn(b"00000000: 4745 5420 2f6f", printed("-c", "-D"))
        self.assertIn(b"GET /object HTTP/1.0\r\n", printed("-C", "-B", "-0"))
        self.assertEqual(os.listdir(self.directory), ["t.pcap"])

    def test_ctrl_c_in_the_middle_completes_what_is_there(self):
        capture = self.make("t.pcap", "--flows", "50", "--bytes", "200000")
        for extra in ((), ("--processes",)):
            output = "out" + "".join(extra)
            process = subprocess.Popen([program("flowstitch"), "-q", "-a", "-r", "-", "-o", self.path(output),
                                        *extra], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            with open(capture, "rb") as file:
                process.stdin.write(file.read(3_000_000))
            process.stdin.flush()
            self.assertTrue(wait_until(lambda: os.path.isdir(self.path(output))))
            # The pipe stays open: the signal alone ends the run.
            process.send_signal(signal.SIGINT)
            status = process.wait(timeout=30)
            errors = process.stderr.read()
            process.stdin.close()
            process.stderr.close()
            self.assertEqual(status, 130, errors)  # its input was not read to its end
            self.assert_balanced(output)
            self.assertEqual([n for n in files(self.path(output)) if n.endswith(".part")], [])

    def test_help_version_and_summary(self):
        self.assertEqual(run("flowstitch", "-V").returncode, 0)
        shown = run("flowstitch", "-hh")
        self.assertEqual(shown.returncode, 0)
        for flag in "-r -i -o -a -e -x -E -F -T -X -b -c -C -D -B -s -0 -m -q -v -V -h -p -f".split():
            self.assertRegex(shown.stdout, rf"(^|[\s,]){flag}\b")
        result = run("flowstitch", "-r", self.make(), "-o", self.path("out"))
        self.assertRegex(result.stderr, r"streams: 6 flows, .* delivered, 1.0 kB missing in 1 gaps")


if __name__ == "__main__":
    unittest.main()
