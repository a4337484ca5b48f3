"""What the benchmarks share: one run of a program, measured."""
import os
import shutil
import subprocess
import sys
import time


def timed(command, directory):
    """Wall seconds and peak memory in MB of one run into an empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024
