#!/usr/bin/env python3
"""several_sources.py N [SINK FLAG…] -r CAPTURE -o DIR: the capture, dealt out at random to N
flowstitch-capture processes, through one reassembler and one sink. In place of the launcher where a
score is taken, to see that the number of sensors changes nothing."""
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

from harness import program

PCAPNG_FOR_ALL = (0x0A0D0D0A, 1)  # section header, interface description


def pieces(data):
    """[(bytes, for all)] of a pcap or pcapng file: what must stand in every part, and what in one.
    From the first damage on, all the rest is one piece."""
    if len(data) >= 24 and data[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"):
        order = "<" if data[0] in (0xD4, 0x4D) else ">"
        result, at = [(data[:24], True)], 24
        while at < len(data):
            size = 16 + struct.unpack_from(order + "I", data, at + 8)[0] if at + 16 <= len(data) else len(data)
            result.append((data[at:at + size], False))
            at += size
        return result
    result, at, order = [], 0, "<"
    while at + 12 <= len(data):
        kind = struct.unpack_from(order + "I", data, at)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        size = struct.unpack_from(order + "I", data, at + 4)[0]
        if size < 12 or at + size > len(data):
            break
        result.append((data[at:at + size], kind in PCAPNG_FOR_ALL))
        at += size
    if at < len(data):
        result.append((data[at:], False))
    return result


def main():
    count, arguments = int(sys.argv[1]), sys.argv[2:]
    at = arguments.index("-r")
    capture, output = arguments[at + 1], arguments[arguments.index("-o") + 1]
    flags = [f for i, f in enumerate(arguments[:at]) if f not in ("-e",)]
    with open(capture, "rb") as file:
        data = file.read()
    dealer = random.Random(zlib.crc32(data) + count)
    hands = [bytearray() for _ in range(count)]
    for piece, for_all in pieces(data):
        for hand in hands if for_all else [dealer.choice(hands)]:
            hand += piece
    with tempfile.TemporaryDirectory(prefix="flowstitch-") as directory:
        captures, sinks = (f"ipc://{directory}/{name}" for name in ("captures", "sinks"))
        running = [
            subprocess.Popen([program("flowstitch-reassembler"), "--captures", captures, "--sinks", sinks,
                              "--sources", str(count), "--wait-sinks", "1"]),
            subprocess.Popen([program("flowstitch-sink"), "--reassembler", sinks, "-o", output, "--files",
                              *(["--http"] if "http" in flags else [])]),
        ]
        order = list(range(count))
        dealer.shuffle(order)
        for i in order:
            path = f"{directory}/{i}.pcap"
            with open(path, "wb") as file:
                file.write(hands[i])
            running.append(subprocess.Popen([program("flowstitch-capture"), "-r", path, "--name", f"sensor-{i}",
                                             "--reassembler", captures]))
        status = max([process.wait(timeout=60) for process in running])
    sys.exit(status)


if __name__ == "__main__":
    main()
