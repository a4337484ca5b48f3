"""Links over connections that delay, stall, break and reset at random: nothing is lost, nothing comes twice."""
import random
import selectors
import socket
import struct
import threading
import time
import unittest

from harness import PipelineTest, files, ledger
from ports import free_ports

TRAFFIC = ("--flows", "200", "--bytes", "60000", "--concurrent", "50", "--disorder", "0.05", "--loss", "0.01")


class Proxy(threading.Thread):
    """Passes TCP connections on to a port, badly."""

    def __init__(self, target, seed):
        super().__init__(daemon=True)
        self.target, self.random = target, random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stop, self.broken = False, 0

    def run(self):
        while not self.stop:
            self.listener.settimeout(0.2)
            try:
                near, _ = self.listener.accept()
            except OSError:
                continue
            threading.Thread(target=self.carry, args=(near, random.Random(self.random.random())), daemon=True).start()
        self.listener.close()

    def carry(self, near, dice):
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            near.close()
            return
        # So many bytes, then it breaks; some connections live long.
        left = dice.choice((300, 5_000, 200_000, 3_000_000, 10 ** 9))
        with selectors.DefaultSelector() as selector:
            for a, b in ((near, far), (far, near)):
                selector.register(a, selectors.EVENT_READ, b)
            ended = False
            while not self.stop and not ended and left > 0:
                for key, _ in selector.select(0.1):
                    try:
                        data = key.fileobj.recv(min(left, 65536))
                        key.data.sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        ended = True
                        break
                    left = max(0, left - len(data))
                    if dice.random() < 0.01:
                        time.sleep(dice.random() * 0.3)  # a delay
                    if dice.random() < 0.0005:
                        time.sleep(6)  # a stall, longer than a peer is waited for
        self.broken += 1
        for s in (near, far):
            if dice.random() < 0.5:  # a reset, with what is under way lost
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()


class Links(PipelineTest):
    def test_bad_connections_lose_nothing(self):
        capture = self.make("t.pcap", *TRAFFIC)
        wanted = self.launch(capture, "launcher")
        for seed in (1, 2, 3):
            ports = free_ports(2)
            proxies = [Proxy(port, seed * 10 + i) for i, port in enumerate(ports)]
            for proxy in proxies:
                proxy.start()
            output = f"out-{seed}"
            processes = [
                self.start("flowstitch-reassembler", "--captures", f"tcp://127.0.0.1:{ports[0]}", "--sinks",
                           f"tcp://127.0.0.1:{ports[1]}", "--sources", "1", "--wait-sinks", "1"),
                self.start("flowstitch-sink", "--reassembler", f"tcp://127.0.0.1:{proxies[1].port}", "-o", self.path(output),
                           "--files", "--http", "--dfxml"),
                self.start("flowstitch-capture", "-r", capture, "--name", "a", "--reassembler",
                           f"tcp://127.0.0.1:{proxies[0].port}"),
            ]
            for process in processes:
                status, errors = self.wait(process, timeout=200)
                self.assertEqual(status, 0, errors)
            for proxy in proxies:
                proxy.stop = True
            self.assertEqual(files(self.path(output)), wanted)
            self.assert_balanced(output)
            _, sources = ledger(self.path(output))
            self.assertEqual(sources["a"]["frames_received"], sources["a"]["frames_sent"])
            self.assertGreater(sum(proxy.broken for proxy in proxies), 2, "the connections were bad")


if __name__ == "__main__":
    unittest.main()
