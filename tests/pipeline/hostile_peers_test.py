"""Peers that speak the link and lie: about numbers, names, windows and sizes. They are refused with a reason and
counted, memory stays bounded, and an honest run beside them gives what it gives alone."""
import os
import shutil
import socket
import sys
import unittest

import packets
from harness import BUILD, PipelineTest, fetch, figure, files, run, wait_until
from ports import free_ports

try:
    import zmq
    import zmq.auth
    sys.path.insert(0, os.path.join(BUILD, "python"))
    from proto import link_pb2 as link
except ImportError as error:
    zmq = None

TRAFFIC = ("--flows", "60", "--bytes", "30000", "--concurrent", "20", "--loss", "0.01")
MOST = 2 ** 64 - 1
NAMES_OF_A_KEY = 256  # kMaxNamesPerKey
SLACK_MB = 1 << 10 if "asan" in BUILD or "tsan" in BUILD else 0


def greeting(kind):
    """What a ZeroMQ socket of that kind says first."""
    ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    return (b"\xff" + bytes(8) + b"\x7f" + bytes((3, 0)) + b"NULL".ljust(20, b"\0") + bytes(32) +
            b"\x04" + bytes([len(ready)]) + ready)


def peak_mb(process):
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


@unittest.skipIf(zmq is None, "needs python3-zmq and python3-protobuf")
class HostilePeers(PipelineTest):
    def setUp(self):
        super().setUp()
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 4096)
        self.addCleanup(self.context.destroy, 0)
        *ports, self.figures = free_ports(3)
        self.captures, self.sinks = (f"tcp://127.0.0.1:{port}" for port in ports)

    def reassembler(self, *arguments):
        self.center = self.start("flowstitch-reassembler", "--captures", self.captures, "--sinks", self.sinks,
                                 "--metrics",
                                 f"127.0.0.1:{self.figures}", *arguments)
        self.assertTrue(wait_until(lambda: figure(self.figures, "refused_peers_total") is not None))

    def dial(self, endpoint, key=None):
        dealer = self.context.socket(zmq.DEALER)
        self.addCleanup(dealer.close, 0)
        dealer.linger = 0
        dealer.sndhwm = 0
        if key is not None:
            dealer.curve_publickey, dealer.curve_secretkey = zmq.auth.load_certificate(self.path(key + ".key_secret"))
            dealer.curve_serverkey, _ = zmq.auth.load_certificate(self.path("center.key"))
        dealer.connect(endpoint)
        return dealer

    def hello(self, role, name, epoch=7, **fields):
        return link.LinkMessage(hello=dict(magic="flowstitch", version_min=1, version_max=1, role=role, name=name,
                                           epoch=epoch, **fields)).SerializeToString()

    def answer(self, dealer, milliseconds=5000):
        """What the next message is; None when there is none."""
        if not dealer.poll(milliseconds):
            return None
        message = link.LinkMessage.FromString(dealer.recv())
        return getattr(message, message.WhichOneof("body"))

    def refusal(self, dealer):
        """The reason that it gets, whatever it gets before."""
        while (body := self.answer(dealer)) is not None:
            if isinstance(body, link.Refusal):
                return body
        self.fail("it was not refused")

    def acknowledge(self, **numbers):
        return link.LinkMessage(acknowledgement=numbers).SerializeToString()

    def packets(self, sequence, frame_bytes=1400, frames=700):
        frame = packets.ethernet(0x0800, packets.ip("10.0.0.1", "10.0.0.2", 17, bytes(frame_bytes)))
        message = link.LinkMessage(sequence=sequence)
        message.packets.link_type = 1
        message.packets.capture_time_ns.extend([10 ** 18 + sequence] * frames)
        message.packets.captured_length.extend([len(frame)] * frames)
        message.packets.wire_length.extend([len(frame)] * frames)
        message.packets.watermark_ns = 10 ** 18 + sequence
        message.packets.frames = frame * frames
        return message.SerializeToString()

    def honest_run(self):
        """The whole pipeline beside whoever is there already; what it writes is what the launcher writes."""
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        sink = self.start("flowstitch-sink", "--reassembler", self.sinks, "-o", self.path("out"), "--files", "--http",
                          "--name", "honest")
        sensor = self.start("flowstitch-capture", "-r", capture, "--name", "honest", "--reassembler", self.captures)
        status, errors = self.wait(sensor)
        self.assertEqual(status, 0, errors)
        self.center.terminate()
        _, errors = self.wait(self.center)
        self.assertEqual(self.center.returncode, 0, errors)
        self.assertEqual(self.wait(sink)[0], 0)
        self.assertEqual(files(self.path("out")), wanted)
        return errors

    def test_a_key_has_room_for_so_many_names(self):
        """One that is for any name takes its share of them, and the others' keys find theirs."""
        os.mkdir(self.path("allowed"))
        for name, role, names in (("center", "reassembler", ()), ("fleet", "capture", ("--names", "*")),
                                  ("honest", "capture", ()),
                                  ("writer", "sink", ())):
            result = run("flowstitch-keygen", name, "--role", role, "-o", self.path(), *names)
            self.assertEqual(result.returncode, 0, result.stderr)
            shutil.copy(self.path(name + ".key"), self.path("allowed", name + ".key"))
        self.reassembler("--key", self.path("center.key_secret"), "--allow", self.path("allowed"))
        kept = []
        for i in range(NAMES_OF_A_KEY):
            kept.append(self.dial(self.captures, "fleet"))
            kept[-1].send(self.hello(link.CAPTURE, f"name-{i}", epoch=i + 1, live=True))
        for dealer in kept:
            self.assertIsInstance(self.answer(dealer, 30_000), link.Hello)
        more = self.dial(self.captures, "fleet")
        more.send(self.hello(link.CAPTURE, "one-more", epoch=9999, live=True))
        self.assertEqual(self.refusal(more).reason, link.Refusal.NO_ROOM)
        honest = self.dial(self.captures, "honest")
        honest.send(self.hello(link.CAPTURE, "honest", epoch=5, live=True))
        self.assertIsInstance(self.answer(honest), link.Hello)
        # Who has gone leaves its place to another name of the key.
        kept.pop().close(0)
        self.assertTrue(wait_until(lambda: isinstance(self.greeted(), link.Hello), 60))

    def greeted(self):
        """What a Hello of one-more is answered with now."""
        dealer = self.dial(self.captures, "fleet")
        dealer.send(self.hello(link.CAPTURE, "one-more", epoch=9999, live=True))
        answer = self.answer(dealer)
        if not isinstance(answer, link.Hello):
            dealer.close(0)
        return answer

    def test_impossible_numbers_are_refused_with_a_reason(self):
        self.reassembler()
        said = []
        for i, numbers in enumerate((dict(received_sequence=MOST, resend=True),
                                     dict(received_sequence=MOST - 1, resend=True),
                                     dict(received_sequence=5, resend=True), dict(acknowledged_sequence=1),
                                     dict(flows=1 << 63))):
            liar = self.dial(self.sinks)
            liar.send(self.hello(link.SINK, f"liar-{i}", window_bytes=1 << 26))
            self.assertIsInstance(self.answer(liar), link.Hello)
            liar.send(self.acknowledge(**numbers))
            said.append(self.refusal(liar))
        for i, numbers in enumerate((dict(first_sequence=MOST), dict(frames_before=1 << 63),
                                     dict(received_sequence=MOST))):
            liar = self.dial(self.captures)
            liar.send(self.hello(link.CAPTURE, f"liar-{i}", **numbers))
            said.append(self.refusal(liar))
        for reason in said:
            self.assertEqual(reason.reason, link.Refusal.CONTRADICTION)
            self.assertIn("contradicts the link protocol", reason.text)
        self.assertTrue(wait_until(lambda: figure(self.figures, "refused_peers_total") == len(said)))
        self.assertIn("refused sink 'liar-0'", self.honest_run())

    def test_a_source_that_ignores_its_window_is_refused(self):
        self.reassembler("--sources", "2")  # the second never comes: nothing is taken
        greedy = self.dial(self.captures)
        greedy.send(self.hello(link.CAPTURE, "greedy"))
        self.assertIsInstance(self.answer(greedy), link.Hello)
        for sequence in range(1, 600):
            greedy.send(self.packets(sequence))
        self.assertIn("more than its window", self.refusal(greedy).text)
        # Its window is 64 MiB; what is on its way in ZeroMQ comes on top.
        self.assertLess(peak_mb(self.center), 200 + SLACK_MB)

    def test_a_sink_that_never_acknowledges_is_named_and_memory_is_bounded(self):
        self.reassembler("--buffer", str(8 << 20))
        mute = self.dial(self.sinks)
        mute.send(self.hello(link.SINK, "mute", window_bytes=1 << 62))
        self.assertIsInstance(self.answer(mute), link.Hello)
        capture = self.make("large.pcap", "--flows", "200", "--bytes", "400000")
        self.start("flowstitch-capture", "-r", capture, "--name", "honest", "--reassembler", self.captures)
        labels = 'shard="0",sink="mute"'
        keep_alive = link.LinkMessage(acknowledgement=dict(window_bytes=1 << 62)).SerializeToString()

        def stalled():
            mute.send(keep_alive)
            return (figure(self.figures, "link_stalled_seconds", labels) or 0) > 6
        self.assertTrue(wait_until(stalled))
        self.assertGreater(figure(self.figures, "link_buffered_bytes", labels), 8 << 20)
        self.assertLess(peak_mb(self.center), 200 + SLACK_MB)
        self.center.kill()
        self.assertIn("sink 'mute' has finished with nothing for", self.wait(self.center)[1])

    def test_large_messages_are_refused_before_they_are_parsed(self):
        self.reassembler()

        def field(number, value):
            tag, length = number << 3 | 2, len(value)
            out = bytearray()
            for rest in (tag, length):
                while rest > 127:
                    out.append(rest & 127 | 128)
                    rest >>= 7
                out.append(rest)
            return bytes(out) + value
        empties = lambda number: field(number, b"") * (30 << 19)
        bombs = [field(14, empties(11)), field(15, empties(4)), field(7, field(4, empties(1))),
                 field(2, field(13, bytes(60 << 20)))]
        for i, bomb in enumerate(bombs):
            for known in (False, True):
                peer = self.dial(self.captures)
                if known:
                    peer.send(self.hello(link.CAPTURE, f"bomber-{i}"))
                    self.assertIsInstance(self.answer(peer), link.Hello)
                peer.send(bomb)
                if known:
                    self.refusal(peer)
                else:
                    self.assertIsInstance(self.answer(peer), link.WhoAreYou)  # it was not even read
        self.assertLess(peak_mb(self.center), 250 + SLACK_MB)
        self.honest_run()

    def test_names_are_limited_and_those_that_have_gone_are_forgotten(self):
        self.reassembler()
        peers = []
        for i in range(1024):
            peers.append(self.dial(self.captures))
            peers[-1].send(self.hello(link.CAPTURE, f"name-{i}", epoch=i + 1, live=True))
        for peer in peers:
            self.assertIsInstance(self.answer(peer), link.Hello)
        # While all are there, one more is told why not.
        alive = link.LinkMessage(heartbeat=dict(sent_sequence=0)).SerializeToString()
        for peer in peers:
            peer.send(alive)
        for peer in peers:
            self.answer(peer)
        late = self.dial(self.captures)
        late.send(self.hello(link.CAPTURE, "late", live=True))
        answer = self.answer(late)
        # The figures are of before: what follows goes by those that know of this answer.
        if isinstance(answer, link.Refusal):
            self.assertEqual(answer.reason, link.Refusal.NO_ROOM)
            counted = "refused_peers_total"
        else:  # this machine is so slow that one of them was silent for 5 s
            counted = "forgotten_peers_total"
        self.assertTrue(wait_until(lambda: (figure(self.figures, counted) or 0) > 0))
        for peer in peers:
            peer.close()
        late.close()
        # Silent for 5 s, they give way.
        def all_are_lost():
            states = [line[-1] for line in fetch(self.figures).splitlines()
                      if line.startswith('flowstitch_link_open{shard="0",source="name-')]
            return len(states) >= 1023 and set(states) == {"0"}
        self.assertTrue(wait_until(all_are_lost, seconds=60))
        self.assertIn("which has gone, is forgotten", self.honest_run())

    def test_one_connection_has_one_name(self):
        self.reassembler()
        peer = self.dial(self.captures)
        peer.send(self.hello(link.CAPTURE, "first"))
        self.assertIsInstance(self.answer(peer), link.Hello)
        peer.send(self.hello(link.CAPTURE, "second"))
        self.assertIn("as another process on the same connection", self.refusal(peer).text)
        self.honest_run()

    def test_a_name_and_epoch_cannot_be_taken_over(self):
        self.reassembler()
        holder = self.dial(self.captures)
        holder.send(self.hello(link.CAPTURE, "sensor", epoch=7, token=99))
        self.assertIsInstance(self.answer(holder), link.Hello)
        # The epoch stands in every batch of a tap.
        for token in (0, 98):
            thief = self.dial(self.captures)
            thief.send(self.hello(link.CAPTURE, "sensor", epoch=7, token=token))
            self.assertEqual(self.refusal(thief).reason, link.Refusal.NAME_IN_USE)
        heartbeat = link.LinkMessage(heartbeat=dict(sent_sequence=0)).SerializeToString()
        holder.send(heartbeat)
        self.assertIsInstance(self.answer(holder), link.Acknowledgement)
        # Its owner may come by another connection, and then has the name on that one alone.
        again = self.dial(self.captures)
        again.send(self.hello(link.CAPTURE, "sensor", epoch=7, token=99))
        self.assertIsInstance(self.answer(again), link.Hello)

    def test_connections_without_a_hello_are_closed_and_leave_room(self):
        self.reassembler()
        port = int(self.captures.rsplit(":", 1)[1])
        silent = []
        for _ in range(300):
            silent.append(socket.create_connection(("127.0.0.1", port)))
            silent[-1].sendall(greeting(b"DEALER"))
        labels = 'shard="0",endpoint="captures"'
        self.assertTrue(wait_until(lambda: (figure(self.figures, "connections", labels) or 0) >= 300))
        self.assertTrue(wait_until(lambda: figure(self.figures, "connections", labels) == 0))
        self.assertEqual(figure(self.figures, "closed_connections_total", labels), 300)
        for s in silent:
            s.close()
        self.honest_run()

    def test_subscriptions_to_a_tap_are_limited(self):
        tap = f"tcp://127.0.0.1:{free_ports(1)[0]}"
        self.reassembler("--tap", tap)

        def listen(topics):
            """ZMTP by hand (https://rfc.zeromq.org/spec/23/): ZeroMQ's own consumers would suffer from it."""
            consumer = socket.create_connection(("127.0.0.1", int(tap.rsplit(":", 1)[1])))
            self.addCleanup(consumer.close)
            consumer.sendall(greeting(b"SUB"))
            said = b""
            while b"XPUB" not in said:
                said += consumer.recv(1000)
            try:
                for topic in topics:
                    size = len(topic) + 1
                    head = b"\0" + bytes([size]) if size < 256 else b"\x02" + size.to_bytes(8, "big")
                    consumer.sendall(head + b"\x01" + topic)
            except OSError:
                pass  # it was shown the door
            return consumer
        honest = self.context.socket(zmq.SUB)
        self.addCleanup(honest.close, 0)
        honest.subscribe(b"streams.")
        honest.connect(tap)
        listening = lambda: figure(self.figures, "tap_subscriptions", 'shard="0"')
        self.assertTrue(wait_until(lambda: listening() == 1))
        greedy = [listen(b"streams.%d." % i + b"x" * 150 for i in range(100_000)), listen([b"z" * 500]),
                  listen([b"z" * (60 << 20)])]
        refused = lambda: figure(self.figures, "tap_refused_consumers_total", 'shard="0"')
        self.assertTrue(wait_until(lambda: refused() >= 1))
        self.assertTrue(wait_until(lambda: listening() == 1))
        self.assertLess(peak_mb(self.center), 150 + SLACK_MB)
        self.assertEqual(len(greedy), 3)
        self.honest_run()
        heard = 0
        while honest.poll(500):
            honest.recv_multipart()
            heard += 1
        self.assertGreater(heard, 0)


if __name__ == "__main__":
    unittest.main()
