"""Reading and writing little-endian pcap files, for tests that deal packets out."""
import struct

MAGIC = 0xA1B23C4D


def read(path):
    """(header, [(record header, bytes)]) of a file that flowstitch-make-capture wrote."""
    with open(path, "rb") as file:
        data = file.read()
    assert struct.unpack_from("<I", data)[0] == MAGIC
    records, at = [], 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        records.append((data[at:at + 16], data[at + 16:at + 16 + length]))
        at += 16 + length
    return data[:24], records


def write(path, header, records):
    with open(path, "wb") as file:
        file.write(header)
        for head, data in records:
            file.write(head + data)
