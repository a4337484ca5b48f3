"""What the pipeline tests share: the programs, captures to run them on, directories to compare."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request
import xml.etree.ElementTree as ElementTree

BUILD = os.environ["FLOWSTITCH_BUILD"]
SOURCE = os.environ["FLOWSTITCH_SOURCE"]
SHARED = os.path.join(SOURCE, "..", "shared")
PROGRAMS = {
    "flowstitch": "deploy/launcher/flowstitch",
    "flowstitch-capture": "capture/flowstitch-capture",
    "flowstitch-reassembler": "reassembler/flowstitch-reassembler",
    "flowstitch-sink": "sinks/flowstitch-sink",
    "flowstitch-keygen": "tools/flowstitch-keygen",
    "flowstitch-status": "tools/flowstitch-status",
    "flowstitch-tap": "tools/flowstitch-tap",
    "flowstitch-make-capture": "tools/flowstitch-make-capture",
}
DFXML = "{http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML}"
FLOWSTITCH = "{urn:flowstitch:report:1}"


def program(name):
    return os.path.join(BUILD, PROGRAMS[name])


def run(name, *arguments, timeout=60, **options):
    """Runs a program to its end; its output is kept as text."""
    # What a program writes without being told where must not land among the sources.
    options.setdefault("cwd", tempfile.gettempdir())
    return subprocess.run([program(name), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, text=True, errors="replace", **options)


def start(name, *arguments, stdin_pipe=False, **options):
    return subprocess.Popen([program(name), *arguments], stdin=subprocess.PIPE if stdin_pipe else subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            errors="replace", **options)


def files(directory, with_report=False):
    """Every file below a directory with its digest; reports have times and paths of their own."""
    found = {}
    for root, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(root, name)
            if name in ("report.xml", "report.pdf") and not with_report:
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = hashlib.sha256(file.read()).hexdigest()
    return found


def fetch(port, path="/metrics"):
    """What a process gives on its --metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def figure(port, name, labels=""):
    """One figure, by the beginning of its labels; None where it is not there (so far)."""
    try:
        text = fetch(port)
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(f"flowstitch_{name}{{{labels}"):
            return float(line.rsplit(" ", 1)[1])
    return None


def wait_until(condition, seconds=30):
    """Whether a condition came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def can_trace():
    """Whether strace is here and may do its work."""
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def count_files(directory):
    return len(files(directory)) if os.path.isdir(directory) else 0


def ledger(directory, report="report.xml"):
    """The reassembly's figures, those of the sources (of one that was restarted, all together)."""
    root = ElementTree.parse(os.path.join(directory, report)).getroot()
    book = root.find(FLOWSTITCH + "ledger")
    numbers = lambda element: {k: int(v) for k, v in element.attrib.items() if v.isdigit()}
    sources = {}
    for element in book.findall(FLOWSTITCH + "source"):
        totals = sources.setdefault(element.get("name"), {})
        for name, number in numbers(element).items():
            totals[name] = totals.get(name, 0) + number
    return numbers(book.find(FLOWSTITCH + "reassembly")), sources


def sink_ledger(directory, report="report.xml"):
    """The sink's own figures, from its report."""
    element = ElementTree.parse(os.path.join(directory, report)).getroot().find(FLOWSTITCH + "ledger").find(FLOWSTITCH + "sink")
    return {k: int(v) for k, v in element.attrib.items()}


class PipelineTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="flowstitch-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.started = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
        for process in self.started:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def start(self, name, *arguments, **options):
        process = start(name, *arguments, **options)
        self.started.append(process)
        return process

    def wait(self, process, timeout=60):
        """The exit status and what was said on standard error."""
        _, errors = process.communicate(timeout=timeout)
        return process.returncode, errors

    def make(self, name="capture.pcap", *arguments):
        path = self.path(name)
        result = run("flowstitch-make-capture", path, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    def launch(self, capture, output, *arguments):
        """What the launcher makes of a capture: the measure for everything else."""
        result = run("flowstitch", "-q", "-a", "-r", capture, "-o", self.path(output), *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return files(self.path(output))

    def assert_balanced(self, output):
        """The equations of base/ledger.h, computed here again from the report."""
        r, sources = ledger(self.path(output))
        self.assertEqual(r["frames_received"] + r["extra_datagrams"], sum(r[k] for k in (
            "duplicate_frames", "not_ip_frames", "unknown_link_type_frames", "malformed_frames", "not_tcp_datagrams",
            "too_deep_datagrams", "bad_checksum_datagrams", "fragments_absorbed", "segments", "udp_datagrams")))
        self.assertEqual(r["payload_bytes"], sum(r[k] for k in (
            "delivered_bytes", "retransmitted_bytes", "overlapping_bytes", "out_of_window_bytes",
            "before_start_bytes", "after_fin_bytes", "after_close_bytes", "reset_payload_bytes",
            "unconfirmed_bytes", "evicted_bytes", "late_bytes", "unopened_bytes", "waiting_bytes")))
        self.assertEqual(r["stream_bytes"], r["delivered_bytes"] + r["gap_bytes"])
        self.assertEqual(r["waiting_bytes"], 0)
        for source in sources.values():
            self.assertEqual(source["frames_read"], sum(source[k] for k in (
                "frames_sent", "kernel_dropped", "interface_dropped", "buffer_dropped", "spool_left")))
        self.assertEqual(sum(s["frames_received"] for s in sources.values()), r["frames_received"])
        return r, sources
