"""Real programs that talk to each other on loopback, and what they said, as a capture."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import packets
from harness import PipelineTest, wait_until

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6


def why_not():
    """Why nothing can be captured on loopback here, or None."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)).close()
    except PermissionError:
        return "capturing on loopback needs root"
    except OSError as error:
        return f"capturing on loopback is not possible here: {error}"
    return None


def missing(*programs):
    found = [p for p in programs if shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    return f"needs {', '.join(found)}" if found else None


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end_group(leader):
    """Ends a server and its workers, which would go on without it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


class Recorder(threading.Thread):
    """Every TCP frame on loopback to or from one of the ports, each once, with its time."""

    def __init__(self, *ports):
        super().__init__(daemon=True)
        self.ports = set(ports)
        self.frames = []
        self.open = {}  # connection: the ends that have not finished
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.socket.bind(("lo", ETH_P_ALL))
        self.socket.settimeout(0.2)
        self.stopping = False
        self.marker, self.marked = os.urandom(16), False

    def run(self):
        while not self.stopping:
            try:
                frame, address = self.socket.recvfrom(262144)
            except TimeoutError:
                continue
            # Loopback shows each frame going out and coming in.
            if address[2] != PACKET_OUTGOING or frame[12:14] != b"\x08\x00":
                continue
            if frame[23] == 6:
                self.take(frame)
            elif self.marker in frame:
                self.marked = True

    def take(self, frame):
        at = 14 + (frame[14] & 15) * 4
        source, destination = struct.unpack_from(">HH", frame, at)
        if not {source, destination} & self.ports:
            return
        flags = frame[at + 13]
        ends = frozenset((source, destination))
        if flags & packets.SYN and not flags & packets.ACK:
            self.open[ends] = {source, destination}
        if ends not in self.open:
            return  # begun before
        self.frames.append((time.time_ns(), frame))
        if flags & packets.RST:
            self.open[ends].clear()
        elif flags & packets.FIN:
            self.open[ends].discard(source)

    def quiet(self):
        return not any(self.open.values())

    def finish(self):
        """Waits for every connection's end, and gives the frames."""
        # What was sent before the marker has been seen when the marker has.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(self.marker, ("127.0.0.1", 9))
        closed = wait_until(lambda: self.marked and self.quiet(), 20)
        self.stopping = True
        self.join()
        dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        self.socket.close()
        if not closed or dropped:
            raise AssertionError(f"the recording is not complete: open {self.open}, {dropped} frames dropped")
        return self.frames


class PeersTest(PipelineTest):
    """A test with recorded peers. Servers that it starts end with it."""

    def server(self, arguments, port, **options):
        """Starts a server, and waits until it listens."""
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        log = open(self.path("server.log"), "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(arguments, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=log, stderr=log,
                                   env=environment, start_new_session=True, **options)
        self.started.append(process)
        self.addCleanup(end_group, process.pid)
        if not wait_until(lambda: listens(port) or process.poll() is not None) or process.poll() is not None:
            with open(self.path("server.log")) as file:
                self.fail(f"{arguments[0]} does not listen: {file.read()[-2000:]}")
        return process

    def nginx(self, servers, ports, http=""):
        """nginx with these server blocks; its files are in www/."""
        os.makedirs(self.path("www"), exist_ok=True)
        modules = "".join(f"load_module {path};\n" for path in (
            "/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so",) if os.path.exists(path))
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            os.makedirs(self.path("temp", name), exist_ok=True)
        with open(self.path("nginx.conf"), "w") as file:
            file.write(f"""{modules}daemon off; user root; worker_processes 1; pid {self.path("nginx.pid")};
error_log {self.path("nginx.log")};
events {{}}
http {{ access_log off; types {{ text/html html; text/plain txt; application/json json; image/png png; }}
default_type application/octet-stream; client_max_body_size 0; client_body_temp_path {self.path("temp/body")};
proxy_temp_path {self.path("temp/proxy")}; fastcgi_temp_path {self.path("temp/fastcgi")};
uwsgi_temp_path {self.path("temp/uwsgi")}; scgi_temp_path {self.path("temp/scgi")};
root {self.path("www")}; {http}
{servers} }}
""")
        return self.server(["nginx", "-c", self.path("nginx.conf"), "-e", self.path("nginx.log")], ports[0])

    def put(self, name, data):
        """A file for nginx to serve."""
        os.makedirs(os.path.dirname(self.path("www", name)), exist_ok=True)
        with open(self.path("www", name), "wb") as file:
            file.write(data)
        return data

    @contextlib.contextmanager
    def recording(self, name, *ports):
        """Writes what was said on the ports meanwhile to a capture file."""
        recorder = Recorder(*ports)
        recorder.start()
        yield recorder
        with open(self.path(name), "wb") as file:
            file.write(packets.pcap(recorder.finish(), magic=0xA1B23C4D))

    def client(self, *arguments, status=0, **options):
        options.setdefault("timeout", 60)
        done = subprocess.run(arguments, stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True, **options)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def curl(self, *arguments, **options):
        return self.client("curl", "-s", "-S", "--max-time", "30", "--noproxy", "", *arguments, **options)


class Scripted(threading.Thread):
    """A server that says exactly what it was told: for each connection a function gets the socket."""

    def __init__(self, *talks):
        super().__init__(daemon=True)
        self.talks = talks
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        for talk in self.talks:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(20)
                talk(connection)
                # What the client still says is read, so that it gets no reset before it has read all.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
        self.listener.close()


def read_head(connection):
    """A request's head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def answers(*texts):
    """A talk that answers each request (without a body) with the next text."""
    def talk(connection):
        for text in texts:
            read_head(connection)
            connection.sendall(text)
    return talk
