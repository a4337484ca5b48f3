"""Packets for tests, built byte by byte: Ethernet, VLAN, IPv4, IPv6, TCP, and capture files of them."""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START_NS = 1_600_000_000_000_000_000


def ethernet(ether_type, payload, vlan=None, back=False):
    macs = (b"\x02\x00\x00\x00\x00\x02", b"\x02\x00\x00\x00\x00\x01")
    tag = struct.pack(">HH", 0x8100, vlan) if vlan is not None else b""
    return b"".join(macs[::-1] if back else macs) + tag + struct.pack(">H", ether_type) + payload


def ip(source, destination, protocol, payload):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if source.version == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    else:
        header = struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64)
    return header + source.packed + destination.packed + payload


def tcp(source_port, destination_port, sequence, acknowledgement, flags, data=b""):
    return struct.pack(">HHIIBBHHH", source_port, destination_port, sequence % 2**32,
                       acknowledgement % 2**32, 0x50, flags, 65535, 0, 0) + data


class Talk:
    """A TCP connection: each call adds a frame to `frames`, as (time in ns, bytes)."""

    def __init__(self, client=("10.0.0.1", 1111), server=("10.0.0.2", 80), vlan=None, time_ns=START_NS, isn=1000,
                 step_ns=1_000_000):
        self.ends = (client, server)
        self.next = [isn, isn + 5000]
        self.vlan, self.time_ns, self.step_ns = vlan, time_ns, step_ns
        self.frames = []

    def segment(self, direction, sequence, acknowledgement, flags, data=b""):
        source, destination = self.ends[direction], self.ends[1 - direction]
        datagram = ip(source[0], destination[0], 6, tcp(source[1], destination[1], sequence, acknowledgement, flags, data))
        kind = 0x0800 if datagram[0] >> 4 == 4 else 0x86DD
        self.frames.append((self.time_ns, ethernet(kind, datagram, self.vlan, back=direction == 1)))
        self.time_ns += self.step_ns
        return self

    def handshake(self):
        self.segment(0, self.next[0], 0, SYN)
        self.segment(1, self.next[1], self.next[0] + 1, SYN | ACK)
        self.next = [n + 1 for n in self.next]
        return self.segment(0, self.next[0], self.next[1], ACK)

    def say(self, direction, data, size=1000):
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            self.segment(direction, self.next[direction], self.next[1 - direction], ACK | PSH, piece)
            self.next[direction] += len(piece)
        return self

    def client(self, data, **options):
        return self.say(0, data, **options)

    def server(self, data, **options):
        return self.say(1, data, **options)

    def close(self):
        for direction in (0, 1):
            self.segment(direction, self.next[direction], self.next[1 - direction], FIN | ACK)
            self.next[direction] += 1
        return self.segment(0, self.next[0], self.next[1], ACK)


def pcap(frames, link_type=1, magic=0xA1B2C3D4, order="<"):
    """A capture file's bytes; the magic decides between micro- and nanoseconds."""
    unit = 1 if magic == 0xA1B23C4D else 1000
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)]
    for time_ns, frame in frames:
        seconds, rest = divmod(time_ns, 1_000_000_000)
        parts.append(struct.pack(order + "IIII", seconds, rest // unit, len(frame), len(frame)) + frame)
    return b"".join(parts)


def pcapng(frames, link_type=1, secrets=None):
    """The same as pcapng, one interface, nanoseconds. `secrets`: key logs by the number of the frame they stand before."""
    secrets = secrets or {}
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
             block(1, struct.pack("<HHI", link_type, 0, 0) + struct.pack("<HHB3xHH", 9, 1, 9, 0, 0))]
    for number, (time_ns, frame) in enumerate(frames + [(0, None)]):
        if number in secrets:
            parts.append(block(10, struct.pack("<II", 0x544C534B, len(secrets[number])) + secrets[number]))
        if frame is None:
            break
        parts.append(block(6, struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame), len(frame))
                           + frame))
    return b"".join(parts)


def read_pcap(data):
    """(link type, [(time in ns, bytes)]) of a little-endian capture file."""
    magic, link_type = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    assert magic in (0xA1B2C3D4, 0xA1B23C4D), hex(magic)
    unit = 1 if magic == 0xA1B23C4D else 1000
    frames, at = [], 24
    while at < len(data):
        seconds, rest, length, _ = struct.unpack_from("<IIII", data, at)
        frames.append((seconds * 1_000_000_000 + rest * unit, data[at + 16:at + 16 + length]))
        at += 16 + length
    return link_type, frames
