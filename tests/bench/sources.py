#!/usr/bin/env python3
"""tests/bench/sources [--size MB] [--sources N,N,...] [--build DIR]

Simulated sensors into one reassembler on loopback: the same traffic, divided among 1 to 64 captures. Frames a second, memory
of the reassembler, and how far apart the captures end (fairness). The streams go to a sink that writes flow files on tmpfs."""
import argparse
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from measure import ROOT, machine


def deal(path, directory, count):
    """The flows of a capture to `count` files, each flow whole; the number of frames."""
    hands = [open(os.path.join(directory, f"{i}.pcap"), "wb") for i in range(count)]
    frames = 0
    with open(path, "rb") as file:
        header = file.read(24)
        for hand in hands:
            hand.write(header)
        while len(head := file.read(16)) == 16:
            frame = file.read(struct.unpack_from("<I", head, 8)[0])
            ports = struct.unpack_from(">HH", frame, 34 if frame[14] >> 4 == 4 else 54)
            hands[sum(ports) % count].write(head + frame)
            frames += 1
    for hand in hands:
        hand.close()
    return frames


def count_frames(file):
    """The frames of a pcap file as flowstitch-make-capture writes it."""
    # Piece by piece: what this process keeps in memory counts for the programs that it starts.
    file.seek(24)
    frames = 0
    while len(head := file.read(16)) == 16:
        file.seek(struct.unpack_from("<I", head, 8)[0], os.SEEK_CUR)
        frames += 1
    return frames


def measure(build, capture, count, work):
    with tempfile.TemporaryDirectory(dir=work) as directory:
        frames = deal(capture, directory, count)
        captures, sinks = (f"ipc://{directory}/{name}" for name in ("c", "s"))
        program = lambda folder, name: os.path.join(build, folder, name)
        start = time.monotonic()
        center = subprocess.Popen([program("reassembler", "flowstitch-reassembler"), "--captures", captures, "--sinks", sinks,
                                   "--sources", str(count), "--wait-sinks", "1"])
        sink = subprocess.Popen([program("sinks", "flowstitch-sink"), "--reassembler", sinks, "-o", f"{directory}/out", "--files"])
        sensors = {subprocess.Popen([program("capture", "flowstitch-capture"), "-r", f"{directory}/{i}.pcap", "--name", f"s{i}",
                                     "--reassembler", captures]).pid: 0.0 for i in range(count)}
        usage, left = None, len(sensors) + 2
        while left:
            pid, status, rusage = os.wait4(-1, 0)
            left -= 1
            if os.waitstatus_to_exitcode(status) != 0:
                sys.exit("sources: a process failed")
            if pid in sensors:
                sensors[pid] = time.monotonic() - start
            elif pid == center.pid:
                usage = rusage
        seconds = time.monotonic() - start
        for process in (center, sink):
            process.returncode = 0
        ends = sorted(sensors.values())
        return frames, seconds, usage.ru_maxrss / 1024, ends[0] / ends[-1], statistics.median(ends)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--size", type=int, default=400, help="MB of traffic in all")
    parser.add_argument("--sources", default="1,4,16,64")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    options = parser.parse_args()
    print(f"{machine()}, {options.size} MB of traffic in flows of 100 kB\n")
    print("| sources | seconds | frames/s | MB of the reassembler | first end by last end |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        capture = os.path.join(work, "all.pcap")
        subprocess.run([os.path.join(options.build, "tools/flowstitch-make-capture"), capture, "--flows",
                        str(options.size * 10), "--bytes", "100000", "--concurrent", "1000"], check=True)
        for count in map(int, options.sources.split(",")):
            frames, seconds, memory, fairness, _ = measure(options.build, capture, count, work)
            print(f"| {count} | {seconds:.2f} | {frames / seconds:,.0f} | {memory:.0f} | {fairness:.2f} |", flush=True)


if __name__ == "__main__":
    main()
