"""Every option of tcpflow's command line, on packets built here. What tcpflow 1.6.1 gets wrong is a test of what is
right; `bug` and a number name tcpflow's bugs as sinks/README.md lists them."""
import bz2
import gzip
import json
import lzma
import os
import pwd
import shutil
import signal
import stat
import struct
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
import zipfile

import packets
import pcap
from harness import DFXML, FLOWSTITCH, PipelineTest, files, program, run, wait_until

CLIENT = "010.000.000.001.01111-010.000.000.002.00080"
SERVER = "010.000.000.002.00080-010.000.000.001.01111"
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
PLAIN = b"<p>hello</p>"
RESPONSE = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
            % len(gzip.compress(PLAIN, mtime=0)) + gzip.compress(PLAIN, mtime=0))


def simple():
    return packets.Talk().handshake().client(REQUEST).server(RESPONSE).close()


class Options(PipelineTest):
    def write(self, frames, name="in.pcap", **form):
        with open(self.path(name), "wb") as file:
            file.write(packets.pcap(frames, **form))
        return self.path(name)

    def run_on(self, frames, *arguments, output="out", status=0, **options):
        """Runs on packets; gives what was printed, and the error lines."""
        capture = frames if isinstance(frames, str) else self.write(frames)
        done = run("flowstitch", "-q", "-r", capture, "-o", self.path(output), *arguments, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def names(self, output="out"):
        return sorted(files(self.path(output)))

    def content(self, name, output="out"):
        with open(self.path(output, name), "rb") as file:
            return file.read()

    def report(self, output="out", name="report.xml"):
        return ElementTree.parse(self.path(output, name)).getroot()

    # Files and their names.
    def test_b_takes_sizes_and_the_report_tells_the_file(self):  # bugs 1, 2 and 3
        talk = packets.Talk().handshake().client(b"x" * 3000).close()
        for text, wanted in (("10", 10), ("2k", 2048), ("1G", 3000), ("-1", 3000)):
            self.run_on(talk.frames, "-b", text, output="b" + text)
            self.assertEqual(len(self.content(CLIENT, "b" + text)), wanted)
            sizes = [int(e.text) for e in self.report("b" + text).iter(DFXML + "filesize")]
            self.assertIn(wanted, sizes)
        self.run_on(talk.frames, "-b", "0", output="none")
        self.assertEqual(self.names("none"), [])
        for wrong in ("x", "1Q", "-2", "99999999999999999999"):
            self.assertIn(wrong, self.run_on(talk.frames, "-b", wrong, output="wrong", status=2).stderr)

    def test_a_port_used_again_gets_a_counter(self):  # bug 10: -Fc runs for ever there
        frames = []
        for number in range(40):
            talk = packets.Talk(time_ns=packets.START_NS + number * 10**9, isn=1000 + number * 100_000)
            frames += talk.handshake().client(b"%d" % number).close().frames
        for letters in ((), ("-Fc",)):
            self.run_on(frames, *letters, output="c" + "".join(letters), timeout=30)
            wanted = [CLIENT] + [f"{CLIENT}c{n}" for n in range(1, 40)]
            self.assertEqual(self.names("c" + "".join(letters)), sorted(wanted))
            self.assertEqual(self.content(CLIENT + "c39", "c" + "".join(letters)), b"39")
        # A second run into the same directory adds, and replaces nothing.
        self.run_on(frames[:7], output="c")
        self.assertEqual(self.content(CLIENT + "c40", "c"), b"0")

    def test_templates_and_letters(self):
        talk = packets.Talk(vlan=42 | 5 << 13).handshake().client(b"x").close()
        wanted = {
            "%A|%a|%B|%b": "010.000.000.001|01111|010.000.000.002|00080",
            "%E_%e": "02:00:00:00:00:01_02:00:00:00:00:02",
            "v%V%v": "v--42",
            "%T": "2020-09-13T12:26:40Z", "%t": "1600000000",
            "%6T": "2020-09-13T12:26:40.000000Z", "%3t": "1600000000.000",
            "%C%c%#": "0", "%N%K%M%G": "000000000000", "%S": "0" * 20, "%%": "%",
        }
        for number, (template, name) in enumerate(wanted.items()):
            self.run_on(talk.frames, "-T", template, output=f"t{number}")
            self.assertEqual(self.names(f"t{number}"), [name])
        for number, (letters, name) in enumerate((
                ("t", "1600000000T" + CLIENT + "--42"), ("T", "2020-09-13T12:26:40Z" + CLIENT + "--42"),
                ("k", "000/" + CLIENT + "--42"), ("m", "000000-000999/000000/" + CLIENT + "--42"),
                ("g", "000000000-000999999/000000000-000000999/000000000/" + CLIENT + "--42"),
                ("ckt", "1600000000T000/" + CLIENT + "--42"))):
            self.run_on(talk.frames, "-F", letters, output=f"f{number}")
            self.assertEqual(self.names(f"f{number}"), [name])
        self.assertIn("%q", self.run_on(talk.frames, "-T", "%q", status=2).stderr)
        self.assertIn("'y'", self.run_on(talk.frames, "-F", "y", status=2).stderr)

    def test_fm_has_digests_and_fx_only_a_report(self):  # bugs 11 and 12
        self.run_on(simple().frames, "-FM")
        digests = self.report().findall(f".//{DFXML}hashdigest")
        self.assertEqual(len(digests), 2)
        self.run_on(simple().frames, "-FX", "-e", "md5", output="x")
        self.assertEqual(self.names("x"), [])
        sizes = [int(e.text) for e in self.report("x").iter(DFXML + "filesize")]
        self.assertEqual(sizes, [len(REQUEST), len(RESPONSE)])
        self.assertEqual(len(self.report("x").findall(f".//{DFXML}hashdigest")), 2)

    def test_writers_are_switched(self):  # bug 9: -E md5 gives nothing there
        frames = simple().frames
        self.run_on(frames, "-E", "md5", output="md5")
        self.assertEqual(self.names("md5"), [])
        self.assertEqual(len(self.report("md5").findall(f".//{DFXML}hashdigest")), 2)
        self.run_on(frames, "-E", "http", output="http")
        self.assertEqual(self.names("http"), [SERVER + "-HTTPBODY-001.html"])
        self.run_on(frames, "-a", "-x", "http", "-x", "netviz", output="x")
        self.assertEqual(self.names("x"), [CLIENT, SERVER])
        self.run_on(frames, "-e", "all", output="all")
        self.assertTrue(self.content("report.pdf", "all").startswith(b"%PDF-"))
        done = self.run_on(frames, "-e", "nosuch", output="no", status=2)
        self.assertIn("nosuch", done.stderr)
        done = run("flowstitch", "-A", "H", "-r", self.path("in.pcap"), "-o", self.path("A"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("-a switches everything on", done.stderr)

    def test_z_leaves_codings_on(self):
        self.run_on(simple().frames, "-e", "http", "-Z")
        self.assertEqual(self.content(SERVER + "-HTTPBODY-001.html"), gzip.compress(PLAIN, mtime=0))
        self.run_on(simple().frames, "-e", "http", output="plain")
        self.assertEqual(self.content(SERVER + "-HTTPBODY-001.html", "plain"), PLAIN)

    def test_an_index_in_the_stream_s_order(self):  # 1.5: arrival order there
        talk = packets.Talk().handshake()
        base = talk.next[0]
        for offset, data in ((0, b"aaa"), (6, b"ccc"), (3, b"bbb")):
            talk.segment(0, base + offset, talk.next[1], packets.ACK, data)
        talk.next[0] += 9
        self.run_on(talk.close().frames, "-I")
        self.assertEqual(self.content(CLIENT + ".findx"),
                         b"0|1600000000.003000|3\n3|1600000000.005000|3\n6|1600000000.004000|3\n")
        self.run_on(talk.frames, "-I", "-b", "4", output="b")
        self.assertEqual(self.content(CLIENT + ".findx", "b"), b"0|1600000000.003000|3\n3|1600000000.005000|1\n")

    def test_a_capture_a_stream(self):  # bug 14: the link type is token ring's there
        talk = simple()
        self.run_on(talk.frames, "-K")
        self.assertEqual(self.names(), [CLIENT + ".pcap", SERVER + ".pcap"])
        both = []
        for name in self.names():
            link_type, frames = packets.read_pcap(self.content(name))
            self.assertEqual(link_type, 1)
            both += frames
        self.assertEqual(sorted(both), sorted(talk.frames), "every frame is in one of the two, from SYN to last ACK")
        again = packets.Talk(time_ns=talk.time_ns + 10**9, isn=900_000).handshake().client(b"two").close()
        self.run_on(talk.frames + again.frames, "-K", output="reused")
        self.assertIn(CLIENT + "c1.pcap", self.names("reused"))
        self.assertEqual(packets.read_pcap(self.content(CLIENT + "c1.pcap", "reused"))[1][0], again.frames[0])

    def test_a_rebuilt_datagram_stands_whole_in_its_capture(self):
        segment = packets.tcp(1111, 80, 1001, 6001, packets.ACK, b"f" * 3000)
        whole = packets.ip("10.0.0.1", "10.0.0.2", 6, segment)
        frames = []
        for at in range(0, len(segment), 1480):
            piece = segment[at:at + 1480]
            more = 0x2000 if at + 1480 < len(segment) else 0
            header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(piece), 7, more | at // 8, 64, 6, 0) + whole[12:20]
            frames.append((packets.START_NS + at, packets.ethernet(0x0800, header + piece)))
        self.run_on(frames, "-K", "-w", self.path("rest.pcap"))
        (_, frame), = packets.read_pcap(self.content(CLIENT + ".pcap"))[1]
        self.assertEqual(frame[14 + 20:], segment)
        # It is a datagram that reads back, with a right header.
        self.run_on([(packets.START_NS, frame)], output="back")
        self.assertEqual(self.content(CLIENT, "back"), b"f" * 3000)

    def test_frames_of_no_flow(self):  # bug 22: aborts on pcapng and nanoseconds there
        talk = simple()
        udp = packets.ethernet(0x0800, packets.ip("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 5, 53, 9, 0) + b"x"))
        arp = packets.ethernet(0x0806, bytes(28))
        syn = packets.Talk(client=("10.0.0.9", 9)).segment(0, 5, 0, packets.SYN).frames[0]
        others = [(packets.START_NS + 7, udp), (packets.START_NS + 8, arp), syn]
        everything = sorted(talk.frames + others)
        forms = {"micro": packets.pcap(everything), "nano": packets.pcap(everything, magic=0xA1B23C4D),
                 "big": packets.pcap(everything, order=">"), "ng": packets.pcapng(everything)}
        for name, data in forms.items():
            with open(self.path(name), "wb") as file:
                file.write(data)
            self.run_on(self.path(name), "-w", self.path(name + ".pcap"), output="w" + name)
            with open(self.path(name + ".pcap"), "rb") as file:
                link_type, frames = packets.read_pcap(file.read())
            unit = 1 if name in ("nano", "ng") else 1000
            self.assertEqual(link_type, 1)
            self.assertEqual(sorted(frames), sorted((t // unit * unit, f) for t, f in others))
        # Two files at once, which ends tcpflow; and another link type, which gets a file beside.
        raw = self.write([(packets.START_NS, packets.ip("10.0.0.1", "10.0.0.2", 17, bytes(9)))], "raw.pcap", link_type=101)
        self.run_on(self.path("micro"), "-r", raw, "-w", self.path("two.pcap"), output="two")
        with open(self.path("two.101.pcap"), "rb") as file:
            self.assertEqual(packets.read_pcap(file.read())[0], 101)

    def test_both_directions_in_one_file(self):
        talk = packets.Talk().handshake().client(b"one ").server(b"two ").client(b"three ").close()
        self.run_on(talk.frames, "--conversation", "-e", "md5")
        self.assertEqual(self.names(), [CLIENT + "-CONVERSATION", CLIENT + "-CONVERSATION.findx"])
        self.assertEqual(self.content(CLIENT + "-CONVERSATION"), b"one two three ")
        self.assertEqual([line.split("|")[2:] for line in self.content(CLIENT + "-CONVERSATION.findx").decode().split()],
                         [["4", "client"], ["4", "server"], ["6", "client"]])
        # Beside the usual files when those are asked for.
        self.run_on(talk.frames, "--conversation", "-e", "files", output="both")
        self.assertEqual(self.content(CLIENT, "both"), b"one three ")

    # Inputs.
    def test_compressed_inputs_without_a_shell(self):  # bug 17: the name goes to a shell there
        data = packets.pcap(simple().frames)
        made = {"in.gz": gzip.compress(data[:300]) + gzip.compress(data[300:]), "in.bz2": bz2.compress(data),
                "in.xz": lzma.compress(data), "in.lzma": lzma.compress(data, lzma.FORMAT_ALONE),
                "a'; touch PWNED; '.gz": gzip.compress(data), "no-ending": gzip.compress(data)}
        for name, content in made.items():
            with open(self.path(name), "wb") as file:
                file.write(content)
        with zipfile.ZipFile(self.path("in.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("in.pcap", data)
        with open(self.path("plain"), "wb") as file:
            file.write(data)
        for tool in ("zstd", "lz4"):
            if shutil.which(tool):
                with open(self.path("in." + tool), "wb") as out:
                    subprocess.run([tool, "-q", "-c", self.path("plain")], stdout=out, check=True)
                made["in." + tool] = None
        for name in [*made, "in.zip"]:
            self.run_on(self.path(name), output="of " + name, cwd=self.directory)
            self.assertEqual(self.names("of " + name), [CLIENT, SERVER], name)
            self.assertEqual(self.content(SERVER, "of " + name), RESPONSE)
        self.assertFalse(os.path.exists(self.path("PWNED")))
        with open(self.path("in.gz"), "rb") as file:
            piped = subprocess.run([program("flowstitch"), "-q", "-r", "-", "-o", self.path("pipe")], stdin=file)
        self.assertEqual(piped.returncode, 0)
        self.assertEqual(self.names("pipe"), [CLIENT, SERVER])

    def test_what_is_before_the_cut_of_a_compressed_file_is_used(self):
        talk = packets.Talk().handshake().client(bytes(range(256)) * 400)
        data = gzip.compress(packets.pcap(talk.frames))
        with open(self.path("cut.gz"), "wb") as file:
            file.write(data[:len(data) * 2 // 3])
        done = self.run_on(self.path("cut.gz"), status=1)
        self.assertIn("cut.gz", done.stderr)
        self.assertGreater(len(self.content(CLIENT)), 256)
        cut = lzma.compress(packets.pcap(talk.frames * 200), preset=0)
        with open(self.path("cut.xz"), "wb") as file:
            file.write(cut[:len(cut) * 9 // 10])
        self.run_on(self.path("cut.xz"), output="xz", status=1)
        self.assertEqual(len(self.content(CLIENT, "xz")), 102_400)
        if shutil.which("zstd"):
            zstd = subprocess.run(["zstd", "-c"], input=packets.pcap(talk.frames), stdout=subprocess.PIPE, check=True).stdout
            with open(self.path("skip.zst"), "wb") as file:  # as pzstd writes it
                file.write(struct.pack("<II", 0x184D2A50, 5) + b"12345" + zstd)
            self.run_on(self.path("skip.zst"), output="skip")
            self.assertEqual(len(self.content(CLIENT, "skip")), 102_400)
        with open(self.path("bad.xz"), "wb") as file:
            file.write(b"\xfd7zXZ\0" + os.urandom(100))
        self.assertIn("bad.xz", self.run_on(self.path("bad.xz"), status=1, output="bad").stderr)

    def test_several_files_l_and_continued_files(self):  # bug 18
        talk = packets.Talk().handshake().client(b"first ").client(b"second").close()
        half = len(talk.frames) // 2 + 1
        other = packets.Talk(client=("10.0.0.7", 7)).handshake().client(b"new").close()
        first = self.write(talk.frames[:half], "one.pcap")
        second = self.write(talk.frames[half:] + other.frames, "two.pcap")
        done = run("flowstitch", "-q", "-o", self.path("l"), "-l", first, second)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.names("l"), [CLIENT, "010.000.000.007.00007-010.000.000.002.00080"])
        self.run_on(first, "-R", second, output="R")
        self.assertEqual(self.names("R"), [CLIENT], "what was not open is not opened")
        self.assertEqual(self.content(CLIENT, "R"), b"first second")
        done = run("flowstitch", "-q", "-R", second, "-o", self.path("only"))
        self.assertEqual((done.returncode, self.names("only")), (0, []))
        self.assert_balanced("only")

    # The console.
    def printed(self, frames, *arguments):
        done = subprocess.run([program("flowstitch"), "-r", self.write(frames), *arguments], capture_output=True,
                              cwd=self.directory, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(self.path("report.xml")), "bug 4")
        return done.stdout

    def test_console_forms(self):
        talk = packets.Talk().handshake().client(b"a\tb\n").server(b"\x01\xffc").close()
        header, back = CLIENT.encode() + b": ", SERVER.encode() + b": "
        self.assertEqual(self.printed(talk.frames, "-c"), header + b"a.b\n\n" + back + b"..c\n")
        self.assertEqual(self.printed(talk.frames, "-C", "-s"), b"a.b\n\n..c\n")
        self.assertEqual(self.printed(talk.frames, "-C", "-0"), b"a.b\n..c")
        self.assertEqual(self.printed(talk.frames, "-B", "-C", "-0"), b"a\tb\n\x01\xffc")
        self.assertEqual(self.printed(talk.frames, "-g", "-C"), b"\x1b[0;34ma.b\n\x1b[0m\n\x1b[0;31m..c\x1b[0m\n")
        self.assertEqual(self.printed(talk.frames, "-C", "-b", "1", "-0"), b"a.")
        self.assertEqual(self.printed(talk.frames, "-C", "-L", f"fs-{os.getpid()}"), b"a.b\n\n..c\n")  # bug 15
        os.unlink(f"/dev/shm/sem.fs-{os.getpid()}")

    def test_a_dump_alone_is_a_console(self):  # bug 5
        dump = self.printed(packets.Talk().handshake().client(b"GET /").close().frames, "-D")
        self.assertEqual(dump.splitlines()[1].split(), [b"00000000:", b"4745", b"5420", b"2f", b"GET", b"/"])
        self.assertRegex(dump.splitlines()[0],
                         CLIENT.encode() + rb": \d{4}-\d\d-\d\dT[\d:.]+Z, client to server, offset 0$")
        old = self.printed(packets.Talk().handshake().client(b"GET /").close().frames, "-c", "-D", "--as-tcpflow")
        self.assertEqual(old.splitlines()[1].split()[0], b"0000:")
        later = self.printed(packets.Talk().handshake().client(bytes(40) + b"x" * 1000).close().frames, "-C", "-D")
        self.assertEqual([line[:8] for line in later.splitlines()[:2]], [b"00000000", b"00000020"])

    def test_json_lines_on_the_console(self):  # bug 6
        for ends in (("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")):
            talk = packets.Talk((ends[0], 1111), (ends[1], 80)).handshake().client(b"abc").server(b"\xff").close()
            for extra in ((), ("-o", "somewhere"), ("-T", "%N%c")):
                lines = [json.loads(line) for line in self.printed(talk.frames, "-J", *extra).splitlines()]
                self.assertEqual([(l["src_host"], l["src_port"], l["dst_host"], l["dst_port"], bytes(l["payload"]))
                                  for l in lines],
                                 [(ends[0], 1111, ends[1], 80, b"abc"), (ends[1], 80, ends[0], 1111, b"\xff")])
                self.assertEqual(lines[0]["time_ns"], str(packets.START_NS + 3_000_000))
                self.assertEqual((lines[0]["offset"], lines[0]["direction"]), ("0", "client_to_server"))
        for form, value in (("hex", "616263"), ("base64", "YWJj")):
            lines = [json.loads(line) for line in self.printed(talk.frames, "-J", "--payload", form).splitlines()]
            self.assertEqual(lines[0]["payload_" + form], value)

    def test_console_orders(self):
        talk = packets.Talk().handshake()
        base = talk.next[0]
        for offset, data in ((5, b"late!"), (0, b"early"), (0, b"early")):
            talk.segment(0, base + offset, talk.next[1], packets.ACK, data)
        talk.next[0] += 10
        talk.close()
        self.assertEqual(self.printed(talk.frames, "-C", "-0"), b"earlylate!")
        self.assertEqual(self.printed(talk.frames, "-C", "-0", "--console-order", "packet"), b"late!earlyearly")

    def test_console_with_http(self):
        text = self.printed(simple().frames, "-C", "-0", "-e", "http")
        self.assertIn(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", text)
        self.assertTrue(text.endswith(b"\r\n\r\n" + PLAIN), text)
        chunked = packets.Talk().handshake().client(REQUEST).server(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").close()
        self.assertTrue(self.printed(chunked.frames, "-C", "-0", "-e", "http").endswith(b"\r\n\r\nabcde"))
        # What looks like HTTP and is none, or no longer: not a byte is lost.
        commands = packets.Talk(server=("10.0.0.2", 21)).handshake().server(b"220 hello\r\n").client(b"USER anonymous\r\n").client(
            b"PASS secret\r\n").close()
        half = packets.Talk().handshake().client(b"GET /half HTTP/1.1\r\nHost: a\r\nPart").close()
        upgraded = packets.Talk().handshake().client(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").server(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi").client(
            b"\x81\x82masked").close()
        tunnel = packets.Talk().handshake().client(b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n").server(
            b"HTTP/1.1 200 OK\r\n\r\n").client(b"TUN1").server(b"TUN2").client(b"TUN3").close()
        for talk in (commands, half, upgraded, tunnel):
            plain = self.printed(talk.frames, "-C", "-0", "-B")
            self.assertEqual(sorted(self.printed(talk.frames, "-C", "-0", "-B", "-e", "http")), sorted(plain))
        other = packets.Talk().handshake().client(b"\x00\x01binary").close()
        self.assertEqual(self.printed(other.frames, "-C", "-0", "-B", "-e", "http"), b"\x00\x01binary")

    # Settings, alerts, commands.
    def test_settings(self):  # bug 19
        frames = simple().frames
        self.run_on(frames, "-S", "tdelta=1.5", "-T", "%3t%c", output="tdelta")
        self.assertIn("1600000001.500", self.names("tdelta"))
        self.run_on(frames, "-S", "enable_report=NO", output="none")
        self.assertFalse(os.path.exists(self.path("none", "report.xml")))
        for accepted in ("check_fcs=NO", "packet-buffer-timeout=20", "netviz_histogram_size=50", "tcp_alert_fd=-1"):
            self.run_on(frames, "-S", accepted, output="accepted")
        for wrong in ("nosuch=1", "tdelta", "tdelta=x", "enable_report=maybe", "tcp_timeout=-1", "tcp_alert_fd=777"):
            done = self.run_on(frames, "-S", wrong, output="wrong", status=2)
            self.assertIn(wrong.split("=")[0].split("_fd")[0].replace("tcp_alert", "alerts"), done.stderr)
        quiet = packets.Talk().handshake().client(b"a")
        quiet.time_ns += 20 * 10**9
        quiet.client(b"b").close()
        self.run_on(quiet.frames, "-S", "tcp_timeout=10", output="timeout")
        self.assertEqual(self.names("timeout"), [CLIENT, CLIENT + "c1"])
        done = self.run_on(frames, "-e", "netviz", "-S", "netviz_histogram_dump=1", output="dump")
        self.assertIn("10.0.0.2\t", done.stdout)
        done = self.run_on(self.path("missing"), "-S", "debug-prefix=mine", output="prefix", status=1)
        self.assertTrue(done.stderr.startswith("mine: "), done.stderr)

    def test_alerts_and_commands(self):
        script = self.path("hook")
        with open(script, "w") as file:
            file.write("#!/bin/sh\nsleep 0.2\nprintf '%s|' \"$@\" >> '" + self.path("ran") + "'\n")
        os.chmod(script, stat.S_IRWXU)
        reading, writing = os.pipe()
        done = subprocess.run(
            [program("flowstitch"), "-q", "-a", "-r", self.write(simple().frames), "-o", self.path("out dir"),
             "-S", f"tcp_alert_fd={writing}", "-S", f"http_cmd={script} 'two words' a=b"],
            pass_fds=[writing], capture_output=True, text=True, timeout=60)
        os.close(writing)
        self.assertEqual(done.returncode, 0, done.stderr)
        with os.fdopen(reading) as pipe:
            lines = pipe.read().splitlines()
        wanted = [f"{what}\t{self.path('out dir', name)}" for what in ("open", "close") for name in (CLIENT, SERVER)]
        self.assertEqual(sorted(lines), sorted(wanted))
        with open(self.path("ran")) as file:  # awaited: it is there when the program has ended
            self.assertEqual(file.read(), f"two words|a=b|{self.path('out dir', SERVER + '-HTTPBODY-001.html')}|")
        # A hook gets nothing of ours: no standard input, no descriptor; and a slow one holds up no other.
        with open(script, "w") as file:
            file.write("#!/bin/sh\ncat >/dev/null; ls /proc/self/fd | wc -l >> '" + self.path("fds") + "'\n"
                       "mkdir '" + self.path("first") + "' 2>/dev/null && sleep 3\nexit 0\n")
        frames = []
        for port in range(60):
            frames += packets.Talk(client=("10.0.0.1", 2000 + port)).handshake().client(b"x").close().frames
        started = subprocess.run([program("flowstitch"), "-q", "-r", "-", "-o", self.path("slow"), "-S", f"tcp_cmd={script}"],
                                 input=packets.pcap(frames), capture_output=True, timeout=60)
        self.assertEqual((started.returncode, started.stderr), (0, b""))
        with open(self.path("fds")) as file:
            counts = file.read().split()
        self.assertEqual((len(counts), set(counts)), (60, {"4"}))  # 0, 1, 2, and the directory that ls reads
        done = self.run_on(simple().frames, "-S", "tcp_cmd=/no/such/program", output="no", status=1)
        self.assertIn("/no/such/program", done.stderr)
        done = self.run_on(simple().frames, "-S", "tcp_cmd='open quote", output="no", status=2)
        self.assertIn("quote", done.stderr)

    def test_a_command_that_does_not_end_is_given_up_after_two_signals(self):
        script = self.path("hook")
        with open(script, "w") as file:
            file.write("#!/bin/sh\necho $$ >> '" + self.path("runs") + "'\nexec sleep 600\n")
        os.chmod(script, stat.S_IRWXU)
        process = subprocess.Popen([program("flowstitch"), "-q", "-a", "-r", self.write(simple().frames), "-o", self.path("out"),
                                    "-S", f"tcp_cmd={script}"], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)

        def commands():
            with open(self.path("runs"), "a+") as file:
                file.seek(0)
                return file.read().split("\n")[:-1]

        # The capture has ended long since: the report is there.
        self.assertTrue(wait_until(lambda: len(commands()) == 2 and os.path.exists(self.path("out", "report.xml"))))
        for command in commands():
            self.addCleanup(os.kill, int(command), signal.SIGKILL)  # they are the program's no more
        # More than two: some may become one on their way.
        self.assertTrue(wait_until(lambda: process.poll() is not None or process.send_signal(signal.SIGINT)))
        self.assertEqual(self.names(), [CLIENT, SERVER, SERVER + "-HTTPBODY-001.html"])

    # Reports.
    def test_reports_on_standard_output_and_in_tcpflow_s_form(self):
        done = self.run_on(simple().frames, "-X", "-", "-a")
        root = ElementTree.fromstring(done.stdout)
        self.assertEqual(len(root.findall(DFXML + "fileobject")), 3)
        self.run_on(simple().frames, "--report-form", "tcpflow", "-a", output="t")
        root = self.report("t")
        self.assertEqual(root.tag, "dfxml")
        flows = root.findall("configuration/fileobject")
        self.assertEqual([f.find("filename").text for f in flows], [self.path("t", n) for n in (CLIENT, SERVER)])
        flow = flows[0].find("tcpflow").attrib
        self.assertEqual({k: flow[k] for k in ("startime", "endtime", "mac_daddr", "mac_saddr", "family", "src_ipn",
                                               "dst_ipn", "srcport", "dstport", "packets", "len")},
                         {"startime": "2020-09-13T12:26:40Z", "endtime": "2020-09-13T12:26:40.005000Z",
                          "mac_daddr": "02:00:00:00:00:02", "mac_saddr": "02:00:00:00:00:01", "family": "2",
                          "src_ipn": "10.0.0.1", "dst_ipn": "10.0.0.2", "srcport": "1111", "dstport": "80",
                          "packets": "4", "len": str(4 * 54 + len(REQUEST))})  # the last ACK came after the end
        body = flows[1].find("byte_runs/byte_run/fileobject")
        self.assertEqual(body.find("filesize").text, str(len(PLAIN)))
        self.assertEqual(root.find("total_flows").text, "1")

    def test_a_report_rolls(self):
        process = subprocess.Popen([program("flowstitch"), "-q", "-r", "-", "-o", self.path("out"), "--report-roll", "1"],
                                   stdin=subprocess.PIPE)
        self.started.append(process)
        data = packets.pcap([])
        for number in range(3):
            talk = packets.Talk(client=("10.0.0.1", 1000 + number), time_ns=packets.START_NS + number * 10**9)
            data += packets.pcap(talk.handshake().client(b"x").close().frames)[24:]
            process.stdin.write(data)
            process.stdin.flush()
            data = b""
            wanted = self.path("out", f"report-{number + 1:04d}.xml")
            self.assertTrue(number == 2 or self.wait_for(wanted), wanted)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=30), 0)
        reports = sorted(n for n in os.listdir(self.path("out")) if n.startswith("report"))
        flows = [len(self.report(name=n).findall(DFXML + "fileobject")) for n in reports]
        self.assertEqual(sum(flows), 6, reports)
        self.assertIsNotNone(self.report(name=reports[-1]).find(FLOWSTITCH + "ledger"))

    def wait_for(self, path):
        return wait_until(lambda: os.path.exists(path))

    def test_what_a_killed_program_leaves_is_well_formed(self):
        process = subprocess.Popen([program("flowstitch"), "-q", "-r", "-", "-o", self.path("out")], stdin=subprocess.PIPE)
        self.started.append(process)
        process.stdin.write(packets.pcap(simple().frames))
        process.stdin.flush()
        part = self.path("out", "report.xml.part")

        def has_flows():
            if not os.path.exists(part):
                return False
            with open(part, "rb") as file:
                return b"<fileobject>" in file.read()
        self.assertTrue(wait_until(has_flows))
        process.kill()
        process.wait()
        process.stdin.close()
        self.assertEqual(len(ElementTree.parse(part).getroot().findall(DFXML + "fileobject")), 2)
        self.assertFalse(os.path.exists(self.path("out", "report.xml")))

    def test_json_lines(self):
        talk = simple()
        lossy = packets.Talk(client=("10.0.0.5", 5)).handshake().client(b"abc")
        lossy.next[0] += 10
        lossy.client(b"xyz").close()
        liar = packets.Talk(client=("10.0.0.6", 6)).handshake()
        for data in (b"abcd", b"abXd"):
            liar.segment(0, liar.next[0], liar.next[1], packets.ACK, data)
        self.run_on(talk.frames + lossy.frames + liar.frames, "-a", "--json", self.path("lines"))
        with open(self.path("lines")) as file:
            records = [json.loads(line) for line in file]
        kinds = sorted(next(iter(r)) for r in records)
        self.assertEqual(kinds, ["body", "conflict", "flow", "flow", "flow", "gap", "http"])
        by_kind = {next(iter(r)): next(iter(r.values())) for r in records}
        self.assertEqual(by_kind["http"]["request"]["target"], "/")
        self.assertEqual(by_kind["http"]["response"]["status"], 200)
        self.assertEqual(by_kind["body"]["path"], self.path("out", SERVER + "-HTTPBODY-001.html"))
        self.assertEqual(by_kind["http"]["response"]["body_path"], by_kind["body"]["path"])
        self.assertEqual([by_kind["conflict"][k] for k in ("offset", "length", "kept", "dropped")], ["2", "1", "Y2Q=", "WGQ="])
        self.assertEqual((by_kind["gap"]["offset"], by_kind["gap"]["length"]), ("3", "10"))
        flow = next(r["flow"] for r in records if "flow" in r and r["flow"]["opened"]["client_port"] == 1111)
        self.assertEqual(flow["opened"]["client_address"], "CgAAAQ==")
        self.assertEqual(flow["opened"]["first_time_ns"], str(packets.START_NS))
        self.assertEqual(flow["closed"]["reason"], "FINISHED")
        self.assertEqual([f["path"] for f in flow["files"]], [self.path("out", n) for n in (CLIENT, SERVER)])
        done = self.run_on(talk.frames, "--json", "-", output="o")
        self.assertEqual([next(iter(json.loads(l))) for l in done.stdout.splitlines()], ["http", "flow"])

    def test_wireless_networks_and_a_page(self):
        def beacon(mac, ssid):
            return (b"\x80\x00\x00\x00" + b"\xff" * 6 + mac + mac + b"\x00\x00" + bytes(12)
                    + bytes((0, len(ssid))) + ssid + b"\x01\x01\x82")
        home, cafe = b"\x02\x11\x22\x33\x44\x55", b"\x02\x11\x22\x33\x44\x66"
        frames = [(packets.START_NS + n, beacon(*pair)) for n, pair in enumerate(
            ((home, b"home"), (cafe, b"caf\xc3\xa9 <&>"), (home, b"home"), (home, b"")))]
        frames.append((packets.START_NS + 9, beacon(home, b"home")[:37] + b"\xff"))  # an element beyond the end
        capture = self.write(frames, link_type=105)
        self.run_on(capture, "-e", "wifiviz", "--report-form", "tcpflow")
        ssids = [(e.get("mac"), e.get("ssid"), e.get("count")) for e in self.report().findall("summary/ssids/ssid")]
        self.assertEqual(ssids, [("02:11:22:33:44:55", "", "1"), ("02:11:22:33:44:55", "home", "2"),
                                 ("02:11:22:33:44:66", "caf\u00e9 <&>", "1")])
        self.run_on(simple().frames, "-e", "netviz", output="page")
        page = self.content("report.pdf", "page")
        self.assertTrue(page.startswith(b"%PDF-") and b"%%EOF" in page[-8:])

    def test_processes_take_the_same_options(self):
        talk, lossy = simple(), packets.Talk(client=("10.0.0.5", 5)).handshake().client(b"abc")
        lossy.next[0] += 10
        frames = talk.frames + lossy.client(b"xyz").close().frames
        part = self.write(frames[:4], "part.pcap")
        for number, options in enumerate((
                ["-K"], ["-I", "-b", "10"], ["--conversation"], ["-w", "rest.pcap"], ["--json", "lines"], ["-J"], ["-C", "-g", "-0"],
                ["-c", "-B", "-e", "http"], ["-C", "--console-order", "packet"], ["-D"], ["-a", "-Z"], ["-R", part], ["-X", "-"],
                ["--report-form", "tcpflow", "-e", "md5"], ["-S", "tdelta=1.25", "-T", "%9t-%A%a"], ["-S", "tcp_cmd=true"], ["-m", "3"], ["--max-seek", "3"],
                ["-L", f"fsp-{os.getpid()}", "-C"])):
            results = []
            for extra in ([], ["--processes"]):
                directory = self.path(f"p{number}" + "".join(extra))
                os.mkdir(directory)
                done = subprocess.run([program("flowstitch"), "-q", "-r", self.write(frames), "-o", "out", *options, *extra],
                                      cwd=directory, capture_output=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, b""), options + extra)
                printed = b"" if options == ["-X", "-"] else done.stdout
                made = files(directory)
                if "lines" in made:
                    with open(os.path.join(directory, "lines")) as file:
                        made["lines"] = sorted(next(iter(json.loads(line))) for line in file)
                results.append((printed, made, len(done.stdout) > 0))
            self.assertEqual(results[0], results[1], options)
        os.unlink(f"/dev/shm/sem.fsp-{os.getpid()}")

    # The program itself.
    def test_help_version_and_bad_options(self):  # bug 13
        done = run("flowstitch", "-V")
        self.assertEqual((done.returncode, done.stdout.split()[0]), (0, "flowstitch"))
        for flag, word in (("-h", "--console"), ("-hh", "--console-order"), ("--help", "--console-order")):
            done = run("flowstitch", flag)
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stdout)
        done = run("flowstitch", "-H")
        self.assertEqual(done.returncode, 0)
        for word in ("tcpdemux", "netviz", "wifiviz", "tdelta", "http_alert_fd"):
            self.assertIn(word, done.stdout)
        for wrong in (["--nosuch"], ["-d", "x"], ["-f", "-1"], ["-X"], ["-z", "/tmp", "-r", "x"],
                      ["-U", "nobody-of-this-name", "-r", "x"], ["-c", "--json", "-", "-r", "x"]):
            done = run("flowstitch", *wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertTrue(done.stderr.strip(), wrong)
        # bug 16: -P; -q, -v, -d, -p and -m are taken.
        self.run_on(simple().frames, "-P", "-p", "-m", "1000000", "-v", "-d", "10", "-f", "3")

    def test_the_last_of_several_counts(self):
        self.run_on(simple().frames, "-o", self.path("second"), "-Fk", "-FT", "-b", "1", "-b", "3", output="first")
        self.assertIn("2020-09-13T12:26:40Z000/" + CLIENT, self.names("second"))
        self.assertEqual(len(self.content("2020-09-13T12:26:40Z000/" + CLIENT, "second")), 3)
        self.assertFalse(os.path.exists(self.path("first")))
        done = self.run_on(simple().frames, "-m", "0", "-X", "/dev/null", output="null")
        self.assertEqual(sorted(os.listdir(self.path("null"))), [CLIENT, SERVER])
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode), done.stderr)

    def test_a_second_run_replaces_nothing(self):
        for output in ("one", "two"):
            self.run_on(simple().frames, "-I", "-FX", "--report-roll", "9", output="twice")
        self.assertEqual(sorted(n for n in os.listdir(self.path("twice")) if "report" in n),
                         ["report-0001.xml", "report-0002.xml"])
        self.assertIn(CLIENT + "c1.findx", self.names("twice"))

    def test_a_filter(self):
        other = packets.Talk(server=("10.0.0.2", 8080)).handshake().client(b"other").close()
        self.run_on(simple().frames + other.frames, "tcp", "port", "8080")
        self.assertEqual(self.names(), ["010.000.000.001.01111-010.000.000.002.08080"])
        self.assertIn("syntax", self.run_on(simple().frames, "prot", "tcp", output="x", status=2).stderr)

    def test_under_tcpflow_s_name(self):
        os.symlink(program("flowstitch"), self.path("tcpflow"))
        done = subprocess.run([self.path("tcpflow"), "-r", self.write(simple().frames), "-o", self.path("out")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, f"reportfilename: {self.path('out', 'report.xml')}\n")
        self.assertEqual(self.report().tag, "dfxml")
        self.assertEqual(self.names(), [CLIENT, SERVER])

    # Inputs and outputs.
    def test_no_output_opens_an_input(self):
        capture = self.write(simple().frames)
        with open(capture, "rb") as file:
            whole = file.read()
        link, second, part = (self.path(name) for name in ("link", "second", "report.xml.part"))
        os.symlink(capture, link)
        os.link(capture, second)
        os.mkdir(self.path("dir"))
        os.link(capture, self.path("dir", "report.xml"))
        os.link(capture, part)
        key_log = self.path("keys")
        with open(key_log, "w") as file:
            file.write("CLIENT_RANDOM aa bb\n")
        for arguments in (["-w", capture], ["-X", capture], ["--json", capture], ["--json", link], ["-w", second],
                          ["-X", link],
                          ["-o", self.path("dir")], ["-X", self.path("report.xml")],
                          ["--keylog", key_log, "--json", key_log]):
            for processes in ([], ["--processes"]):
                with self.subTest(arguments):
                    done = run("flowstitch", "-q", "-r", capture, "-o", self.path("o"), *arguments, *processes)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn("which is read", done.stderr)
                    self.assertFalse(os.path.exists(self.path("o")), "nothing was begun")
        with open(capture, "rb") as file:
            done = subprocess.run([program("flowstitch"), "-q", "-r", "-", "-o", self.path("o"), "--json", capture],
                                  stdin=file,
                                  capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("standard input", done.stderr)
        with open(capture, "rb") as file:
            self.assertEqual(file.read(), whole)
        with open(key_log) as file:
            self.assertEqual(file.read(), "CLIENT_RANDOM aa bb\n")

    def test_other_frames_go_to_standard_output(self):
        datagram = packets.ethernet(0x0800, packets.ip("10.0.0.1", "10.0.0.2", 17, bytes(50)))
        frames = simple().frames + [(packets.START_NS + i, datagram) for i in range(500)]
        capture = self.write(frames)
        command = [program("flowstitch"), "-r", capture, "-o", self.path("o"), "-w", "-"]
        done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("others.pcap"), "wb") as file:
            file.write(done.stdout)
        _, records = pcap.read(self.path("others.pcap"))
        self.assertEqual([data for _, data in records], [datagram] * 500)
        # Somebody who reads the beginning only is no error.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        self.assertEqual((process.wait(timeout=60), errors), (141, b""))
        done = run("flowstitch", "-q", "-r", capture, "-w", "-", "--json", "-")
        self.assertEqual(done.returncode, 2)
        self.assertIn("would mix", done.stderr)

    # What people type.
    def test_what_was_mistyped_is_named_with_what_was_meant(self):
        capture = self.write(simple().frames)
        other = self.write(packets.Talk(client=("10.0.0.9", 999)).handshake().client(b"x").frames, "other.pcap")
        for arguments, said in ((["--porcesses", "-r", capture],
                                 "there is no option '--porcesses'; did you mean '--processes'?"),
                                (["--report-rol=3", "-r", capture],
                                 "there is no option '--report-rol'; did you mean '--report-roll'?"),
                                (["--qqqqqqqq"], "there is no option '--qqqqqqqq'"),
                                ([capture], f"'{capture}' is a file: read it with -r"),
                                (["-r", capture, other, "port"], f"'{other}' is a file: read it with -r")):
            done = run("flowstitch", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr.startswith("flowstitch: error: "), done.stderr)
            self.assertIn(said, done.stderr)
        self.assertNotIn("did you mean", run("flowstitch", "--qqqqqqqq").stderr)

    def test_files_behind_r_are_inputs(self):
        capture = self.write(simple().frames)
        other = self.write(packets.Talk(client=("10.0.0.9", 999)).handshake().client(b"x").frames, "other.pcap")
        self.run_on(capture, other)
        self.assertEqual(self.names(), sorted([CLIENT, SERVER, "010.000.000.009.00999-010.000.000.002.00080"]))
        # tcpflow takes them for a filter.
        done = run("flowstitch", "--as-tcpflow", "-r", capture, other, "-o", self.path("as"))
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_filter_that_matches_nothing_says_so(self):
        tagged = packets.Talk(vlan=7).handshake().client(b"data").frames
        done = self.run_on(tagged, "port 80", output="tagged")
        self.assertRegex(done.stderr, r"warning: the filter 'port 80' matched none of 4 frames; 4 have VLAN tags")
        done = self.run_on(tagged, "vlan", "and", "port", "80", output="within")
        self.assertNotIn("matched none", done.stderr)
        done = self.run_on(simple().frames, "port 81", output="other")
        self.assertRegex(done.stderr, r"the filter 'port 81' matched none of \d+ frames\n")

    def test_the_summary_says_what_was_looked_for(self):
        capture = self.write(simple().frames)
        said = lambda *arguments: run("flowstitch", "-o", self.path("s"), *arguments).stderr
        self.assertIn(f"source {capture}: ", said("-r", capture))
        self.assertNotIn("HTTP", said("-r", capture))
        self.assertNotIn("flow files", said("-r", capture, "-E", "http"))
        self.assertIn("1 HTTP bodies", said("-r", capture, "-E", "http"))
        self.assertIn(f"source {capture} and 1 more: ", said("-r", capture, "-r", capture))
        missing = said("-r", self.path("missing"))
        self.assertEqual(len(missing.splitlines()), 1, missing)
        with open(capture, "rb") as file:
            done = subprocess.run([program("flowstitch"), "-r", "-", "-o", self.path("s")], stdin=file,
                                  capture_output=True,
                                  text=True, timeout=60)
        self.assertIn("source standard input: ", done.stderr)

    def test_who_waits_says_for_whom(self):
        captures, sinks = ("ipc://" + self.path(name) for name in ("c", "s"))
        capture = self.write(simple().frames)
        for name, arguments, said in (
                ("flowstitch-capture", ("-r", capture, "--reassembler", captures),
                 f"waiting for the reassembler at '{captures}'"),
                ("flowstitch-sink", ("--files", "-o", self.path("w"), "--reassembler", sinks),
                 f"waiting for the reassembler at '{sinks}'"),
                ("flowstitch-reassembler", ("--captures", captures, "--sinks", sinks, "--sources", "2"),
                 f"waiting for captures at '{captures}': 0 of 2 are there")):
            process = self.start(name, *arguments)
            self.assertIn(said, process.stderr.readline())
            process.kill()
            process.wait()

    # Privileges.
    @unittest.skipUnless(os.geteuid() == 0, "needs root, to give it up")
    def test_privileges_are_given_up(self):  # bugs 20 and 21
        # A sanitizer cannot look for leaks in a process that may not look at itself any more.
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
        self.addCleanup(os.environ.pop, "ASAN_OPTIONS")
        os.chmod(self.directory, 0o755)
        nobody = pwd.getpwnam("nobody")
        capture = self.write(simple().frames)
        os.chmod(capture, 0o600)  # root may read it, nobody may not
        for extra in ((), ("--processes",)):
            output = "by" + "".join(extra)
            self.run_on(capture, "-a", "-U", "nobody", *extra, output=output)
            for name in os.listdir(self.path(output)):
                self.assertEqual(os.stat(self.path(output, name)).st_uid, nobody.pw_uid, name)
            self.assertIn(CLIENT, self.names(output))
        os.mkdir(self.path("jail"))
        done = run("flowstitch", "-q", "-a", "-r", capture, "-U", "nobody", "-z", self.path("jail"), "-o", "made/inside")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(CLIENT, self.names("jail/made/inside"))
        self.assertEqual(os.stat(self.path("jail/made/inside", CLIENT)).st_uid, nobody.pw_uid)
        # Nothing is made, or given away, outside of the jail or through a link that is not root's.
        os.mkdir(self.path("outside"))
        os.mkdir(self.path("theirs"))
        for name, target in (("jail/out", self.path("outside")), ("theirs/link", self.path("outside"))):
            os.symlink(target, self.path(name))
            os.lchown(self.path(name), nobody.pw_uid, nobody.pw_gid)
        for arguments in (("-z", self.path("jail"), "-o", "out/b"), ("-z", self.path("jail"), "-o", "../outside/c"),
                          ("-o", self.path("theirs/link/d"))):
            run("flowstitch", "-q", "-r", capture, "-U", "nobody", *arguments)
            self.assertEqual(os.listdir(self.path("outside")), [], arguments)
        self.assertEqual(os.stat(self.path("outside")).st_uid, 0)
        done = run("flowstitch", "-q", "-r", capture, "-U", "nobody", "-o", self.path("root-only"))
        self.assertEqual(done.returncode, 0, "a directory that is made is given to the user")
        os.mkdir(self.path("kept"))
        done = run("flowstitch", "-q", "-r", capture, "-U", "nobody", "-o", self.path("kept"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.path("kept"), done.stderr)


if __name__ == "__main__":
    unittest.main()
