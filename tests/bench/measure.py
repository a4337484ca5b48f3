"""What the benchmarks share: one run of a program, measured; the machine's name."""
import collections
import os
import platform
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = {
    "flowstitch": "deploy/launcher/flowstitch",
    "flowstitch-capture": "capture/flowstitch-capture",
    "flowstitch-reassembler": "reassembler/flowstitch-reassembler",
    "flowstitch-sink": "sinks/flowstitch-sink",
    "flowstitch-make-capture": "tools/flowstitch-make-capture",
    "libpcap_read": "tests/bench/libpcap_read",
    "files_floor": "tests/bench/files_floor",
}


def program(build, name):
    return os.path.join(build, PROGRAMS[name])


def machine():
    """The processor and how many cores of it."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


# Seconds of the clock and of processors, and the peak memory of the largest process in MB.
Usage = collections.namedtuple("Usage", "seconds processor memory")


def measured(command, directory):
    """What one run into an empty directory takes."""
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def timed(command, directory):
    """Seconds and memory of the same."""
    usage = measured(command, directory)
    return usage.seconds, usage.memory
