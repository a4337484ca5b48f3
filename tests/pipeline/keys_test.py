"""CURVE keys on the links and taps: who is let in, as what, and that strangers change nothing."""
import os
import shutil
import stat
import unittest

import pcap
from harness import PipelineTest, figure, files, run, wait_until
from ports import free_ports

try:
    import zmq
    import zmq.auth
except ImportError:
    zmq = None

TRAFFIC = ("--flows", "40", "--bytes", "20000", "--concurrent", "10", "--disorder", "0.05", "--loss", "0.01")


class Keys(PipelineTest):
    def setUp(self):
        super().setUp()
        for directory in ("secret", "allowed"):
            os.mkdir(self.path(directory))

    def key(self, name, roles, allow=True):
        """Makes a key; its public half goes to the allowed ones."""
        result = run("flowstitch-keygen", name, "--role", roles, "-o", self.path("secret"))
        self.assertEqual(result.returncode, 0, result.stderr)
        if allow:
            shutil.copy(self.path("secret", name + ".key"), self.path("allowed", name + ".key"))

    def dial(self, name):
        """How one who connects shows who it is, and whom it wants."""
        return ("--key", self.path("secret", name + ".key_secret"), "--peer-key", self.path("secret", "center.key"))

    def reassembler(self, *arguments):
        *ports, self.figures = free_ports(4)
        self.captures, self.sinks, self.tap = (f"tcp://127.0.0.1:{port}" for port in ports)
        return self.start("flowstitch-reassembler", "--captures", self.captures, "--sinks", self.sinks, "--tap", self.tap,
                          "--key", self.path("secret", "center.key_secret"), "--allow", self.path("allowed"),
                          "--wait-sinks", "1", "--metrics", f"127.0.0.1:{self.figures}", *arguments)

    def refused(self):
        return figure(self.figures, "refused_connections_total") or 0

    def sink(self, output, *security):
        return self.start("flowstitch-sink", "--reassembler", self.sinks, "-o", self.path(output), "--files", "--http",
                          *security)

    def capture(self, path, name, *security):
        return self.start("flowstitch-capture", "-r", path, "--name", name, "--reassembler", self.captures, *security)

    def everyone(self):
        self.key("center", "reassembler")
        self.key("sensor", "capture")
        self.key("writer", "sink")
        self.key("listener", "tap")

    def test_with_keys_the_files_are_the_same(self):
        self.everyone()
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        processes = [self.reassembler("--sources", "1"), self.sink("out", *self.dial("writer")),
                     self.capture(capture, "sensor", *self.dial("sensor"))]
        for process in processes:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_strangers_are_refused_and_change_nothing(self):
        self.everyone()
        self.key("stranger", "capture,sink", allow=False)
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        reassembler = self.reassembler("--sources", "1")
        intruders = [
            self.capture(capture, "unknown", *self.dial("stranger")),  # its key is not allowed
            self.capture(capture, "a-sink", *self.dial("writer")),     # a sink's key
            self.capture(capture, "bare"),                             # no key
            self.sink("stolen-1", *self.dial("stranger")),
            self.sink("stolen-2", *self.dial("sensor")),               # a sensor's key
            self.sink("stolen-3"),
        ]
        # Four have a key of the wrong kind; those without one do not get so far.
        self.assertTrue(wait_until(lambda: self.refused() >= 4))
        sink = self.sink("out", *self.dial("writer"))
        sensor = self.capture(capture, "sensor", *self.dial("sensor"))
        for process in (sensor, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        status, errors = self.wait(reassembler)
        self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)
        self.assertRegex(errors, r"refused a connection from 127\.0\.0\.1: its key \S+ is not among the allowed ones")
        self.assertRegex(errors, "the key of 'writer' may not act as capture")
        self.assertRegex(errors, "the key of 'sensor' may not act as sink")
        for intruder in intruders:
            self.assertIsNone(intruder.poll())
            intruder.kill()
        for i in (1, 2, 3):
            self.assertEqual(files(self.path(f"stolen-{i}")), {})

    def test_the_allowed_keys_may_change_while_it_runs(self):
        self.everyone()
        self.key("late", "capture", allow=False)
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        reassembler = self.reassembler("--sources", "1")
        sink = self.sink("out", *self.dial("writer"))
        sensor = self.capture(capture, "late", *self.dial("late"))
        self.assertTrue(wait_until(lambda: self.refused() >= 2))  # and tries again
        self.assertIsNone(sensor.poll())
        shutil.copy(self.path("secret", "late.key"), self.path("allowed", "late.key"))
        for process in (sensor, reassembler, sink):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_a_key_that_is_taken_away_says_nothing_more(self):
        self.everyone()
        capture = self.make("t.pcap", *TRAFFIC)
        reassembler = self.reassembler()
        sink = self.sink("out", *self.dial("writer"))
        sensor_figures = free_ports(1)[0]
        pipe = self.start("flowstitch-capture", "-r", "-", "--reassembler", self.captures, "--metrics",
                          f"127.0.0.1:{sensor_figures}", *self.dial("sensor"), stdin_pipe=True)
        with open(capture, "rb") as file:
            data = file.read()
        half = len(data) // 2
        pipe.stdin.buffer.write(data[:half])
        pipe.stdin.flush()
        self.assertTrue(wait_until(lambda: len(files(self.path("out"))) > 0))
        os.unlink(self.path("allowed", "sensor.key"))
        # It is not listened to any more, and so is silent.
        self.assertTrue(wait_until(lambda: figure(self.figures, "link_open", 'shard="0",source="sensor"') == 0))
        before = files(self.path("out"))
        pipe.stdin.buffer.write(data[half:])
        pipe.stdin.close()
        pipe.stdin = None
        frames = len(pcap.read(capture)[1])
        self.assertTrue(wait_until(lambda: figure(sensor_figures, "source_frames_sent_total") == frames))
        self.assertLess(figure(self.figures, "source_frames_received_total"), frames)
        self.assertEqual(files(self.path("out")), before)
        self.assertIsNone(pipe.poll())
        # It is given back: nothing was lost.
        shutil.copy(self.path("secret", "sensor.key"), self.path("allowed", "sensor.key"))
        self.assertEqual(self.wait(pipe)[0], 0)
        reassembler.terminate()
        self.assertEqual(self.wait(reassembler)[0], 0)
        self.assertEqual(self.wait(sink)[0], 0)
        self.assertEqual(files(self.path("out")), self.launch(capture, "launcher"))

    @unittest.skipIf(zmq is None, "python3-zmq is not installed")
    def test_a_tap_needs_a_key_for_taps(self):
        self.everyone()
        capture = self.make("t.pcap", *TRAFFIC)
        self.reassembler("--sources", "1")
        context = zmq.Context()
        self.addCleanup(context.term)
        heard = {}
        listeners = {}
        for name in ("listener", "sensor"):
            # ZeroMQ's own reader of certificates reads ours.
            public, secret = zmq.auth.load_certificate(self.path("secret", name + ".key_secret"))
            listener = context.socket(zmq.SUB)
            self.addCleanup(listener.close, 0)
            listener.curve_publickey, listener.curve_secretkey = public, secret
            listener.curve_serverkey, _ = zmq.auth.load_certificate(self.path("secret", "center.key"))
            listener.subscribe(b"")
            listener.connect(self.tap)
            listeners[name], heard[name] = listener, 0
        # One is heard of, the other is refused.
        self.assertTrue(wait_until(lambda: figure(self.figures, "tap_subscriptions") == 1 and self.refused() >= 1))
        sink = self.sink("out", *self.dial("writer"))
        self.capture(capture, "sensor", *self.dial("sensor"))
        self.assertEqual(self.wait(sink)[0], 0)
        for name, listener in listeners.items():
            while listener.poll(500 if name == "listener" else 0):
                listener.recv_multipart()
                heard[name] += 1
        self.assertGreater(heard["listener"], 0)
        self.assertEqual(heard["sensor"], 0)

    def test_beyond_loopback_keys_are_needed(self):
        capture = self.make("t.pcap")
        refused = [
            ("flowstitch-reassembler", "--captures", "tcp://0.0.0.0:*"),
            ("flowstitch-reassembler", "--captures", "tcp://*:*"),
            ("flowstitch-reassembler", "--captures", "tcp://127.0.0.1:*", "--sinks", "tcp://[::]:*"),
            ("flowstitch-reassembler", "--captures", "tcp://127.0.0.1:*", "--sinks", "none", "--tap", "tcp://*:*"),
            ("flowstitch-sink", "--reassembler", "tcp://192.0.2.1:9472", "-o", self.path("o"), "--files"),
            ("flowstitch-sink", "--reassembler", "tcp://127.example.net:9472", "-o", self.path("o"), "--files"),
            ("flowstitch-capture", "-r", capture, "--reassembler", "tcp://192.0.2.1:9471"),
            ("flowstitch", "-q", "-r", capture, "-o", self.path("o"), "--stream-tap", "tcp://*:*"),
        ]
        for command in refused:
            result = run(*command)
            self.assertIn(result.returncode, (1, 2), command)
            self.assertIn("can be reached from other machines", result.stderr)
        result = run("flowstitch", "-q", "-r", capture, "-o", self.path("o"), "--insecure", "--stream-tap", "tcp://*:*")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_key_is_for_its_name_only(self):
        self.everyone()
        result = run("flowstitch-keygen", "fleet", "--role", "capture", "--names", "node-*,spare", "-o",
                     self.path("secret"))
        self.assertEqual(result.returncode, 0, result.stderr)
        shutil.copy(self.path("secret", "fleet.key"), self.path("allowed", "fleet.key"))
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        reassembler = self.reassembler("--sources", "3")
        # Under another's name, or any other, nobody is let in, and is told why.
        for name, key in (("writer", "sensor"), ("node-1", "sensor"), ("sensor", "fleet"), ("node", "fleet")):
            status, errors = self.wait(self.capture(capture, name, *self.dial(key)))
            self.assertEqual(status, 1)
            self.assertIn(f"the key of '{name}' is not for this name", errors)
        sink = self.sink("out", *self.dial("writer"))
        sensors = [self.capture(capture, name, *self.dial(key))
                   for name, key in (("sensor", "sensor"), ("node-1", "fleet"), ("spare", "fleet"))]
        for process in (*sensors, sink, reassembler):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)

    def test_keys_as_kubernetes_mounts_them_are_accepted(self):
        self.everyone()
        os.mkdir(self.path("secret", "..data"))
        for name in ("center.key_secret", "sensor.key_secret", "writer.key_secret"):
            os.rename(self.path("secret", name), self.path("secret", "..data", name))
            os.chmod(self.path("secret", "..data", name), 0o440)
            os.symlink(os.path.join("..data", name), self.path("secret", name))
        capture = self.make("t.pcap", *TRAFFIC)
        processes = [self.reassembler("--sources", "1"), self.sink("out", *self.dial("writer")),
                     self.capture(capture, "sensor", *self.dial("sensor"))]
        for process in processes:
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)

    def test_what_is_no_file_in_the_allowed_directory_stops_nothing(self):
        self.everyone()
        os.symlink("/dev/zero", self.path("allowed", "zero.key"))
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        reassembler = self.reassembler("--sources", "1")
        sensor = self.start("flowstitch-capture", "-r", "-", "--reassembler", self.captures, *self.dial("sensor"),
                            stdin_pipe=True)
        labels = 'shard="0",source="sensor"'
        self.assertTrue(wait_until(lambda: figure(self.figures, "link_open", labels) == 1))
        os.mkfifo(self.path("allowed", "fifo.key"))
        self.key("late", "sink")  # read in spite of it
        sink = self.start("flowstitch-sink", "--reassembler", self.sinks, "-o", self.path("out"), "--files", "--http",
                          *self.dial("late"))
        with open(capture, "rb") as file:
            sensor.stdin.buffer.write(file.read())
        sensor.stdin.close()
        sensor.stdin = None
        for process in (sensor, sink, reassembler):
            status, errors = self.wait(process)
            self.assertEqual(status, 0, errors)
        self.assertEqual(files(self.path("out")), wanted)
        self.assertIn("fifo.key': is not a regular file; it is left out", errors)

    def test_bad_keys_are_named(self):
        self.key("center", "reassembler")
        secret = self.path("secret", "center.key_secret")
        self.assertEqual(stat.S_IMODE(os.stat(secret).st_mode), 0o600)
        result = run("flowstitch-keygen", "center", "--role", "sink", "-o", self.path("secret"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("File exists", result.stderr)
        for name, role in (("a/b", "sink"), ("..", "sink"), ("a", "king")):
            self.assertEqual(run("flowstitch-keygen", name, "--role", role, "-o", self.path("secret")).returncode, 2)
        with open(self.path("bad.key_secret"), "w") as file:
            file.write("curve\n    public-key = \"short\"\n")
        os.chmod(self.path("bad.key_secret"), 0o600)
        with open(self.path("open.key_secret"), "w") as file:
            with open(secret) as other:
                file.write(other.read())
        os.chmod(self.path("open.key_secret"), 0o644)
        captures = ("--captures", "tcp://127.0.0.1:*", "--sinks", "tcp://127.0.0.1:*")
        for arguments, words in (
                (("--key", self.path("absent")), "absent"),
                (("--key", self.path("bad.key_secret")), "40 Z85 characters"),
                (("--key", self.path("secret", "center.key")), "public half"),
                (("--key", self.path("open.key_secret")), "chmod 600"),
                (("--allow", self.path("allowed")), "need a --key"),
                (("--key", secret), "--allow DIR"),
                (("--key", secret, "--allow", self.path("absent")), "cannot read the allowed keys"),
        ):
            result = run("flowstitch-reassembler", *captures, *arguments)
            self.assertIn(result.returncode, (1, 2), arguments)
            self.assertIn(words, result.stderr)


if __name__ == "__main__":
    unittest.main()
