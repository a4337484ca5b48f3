"""What a passer-by's packets can make a process hold: attacks at n, 2n and 4n stay below what --memory says."""
import os
import subprocess
import unittest

import packets
from harness import BUILD, PipelineTest, program

MEMORY = 256 << 20
# Beside what --memory counts: the programs, batches under way, buffers of the writers.
BESIDE = 220 << 20
SERVER = "10.9.9.9"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def talk(client="10.0.0.1", port=2000):
    """A connection that is open, whose frames follow each other closely."""
    return packets.Talk(client=(client, port), server=(SERVER, 80), step_ns=100).handshake()


@unittest.skipIf("asan" in BUILD or "tsan" in BUILD, "sanitizers take memory of their own")
class Memory(PipelineTest):
    def assert_bounded(self, make, n, *arguments):
        """Runs over frames of n, 2n and 4n; gives the report of the largest."""
        for size in (n, 2 * n, 4 * n):
            capture, out = self.path(f"{size}.pcap"), self.path(f"out-{size}")
            with open(capture, "wb") as file:
                file.write(packets.pcap(make(size)))
            process = subprocess.Popen([program("flowstitch"), "-q", "-a", "-x", "netviz", "-r", capture, "-o", out,
                                        "--memory",
                                        str(MEMORY), *arguments], stderr=subprocess.PIPE)
            errors = process.stderr.read()
            process.stderr.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, errors)
            self.assertLess(usage.ru_maxrss << 10, MEMORY + BESIDE, f"n = {size}")
            os.unlink(capture)
        with open(os.path.join(out, "report.xml")) as report:
            return report.read()

    def test_requests_that_nobody_answers(self):
        self.assert_bounded(lambda n: talk().client(REQUEST * n, size=32000).frames, 100_000)

    def test_requests_behind_one_answer(self):
        report = self.assert_bounded(
            lambda n: talk().client(REQUEST).server(ANSWER).client(REQUEST * n, size=32000).frames, 100_000)
        self.assertIn("more requests than are remembered had no answer", report)

    def test_many_flows_with_requests_under_way(self):
        def make(n):
            frames = []
            for i in range(n):
                flow = talk(f"10.1.{i >> 8}.{i & 255}").server(ANSWER[:10]).client(REQUEST * 200, size=32000)
                frames += flow.frames
            return frames
        report = self.assert_bounded(make, 1000)
        self.assertIn("the memory for parsers is used up (--memory)", report)

    def test_bytes_behind_holes(self):
        def make(n):  # every second byte, behind one that never comes
            flow = talk()
            for i in range(1, n):
                flow.segment(0, flow.next[0] + 2 * i, flow.next[1], packets.ACK, b"x")
            return flow.frames
        self.assert_bounded(make, 100_000)

    def test_udp_conversations(self):
        def make(n):
            datagram = (1000).to_bytes(2, "big") * 2 + (9).to_bytes(2, "big") + b"\0\0x"
            return [(packets.START_NS + i, packets.ethernet(0x0800, packets.ip(
                f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", SERVER, 17, datagram))) for i in range(n)]
        self.assert_bounded(make, 25_000, "--udp")


if __name__ == "__main__":
    unittest.main()
