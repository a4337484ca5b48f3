"""One capture dealt out to several sensors, as they would have seen it: some of the frames twice, with the other fields that a
packet has elsewhere on its way."""
import pcap


def elsewhere(record, dealer):
    """The frame of a record as another sensor sees it: other MACs, TTL and type of service, sometimes a VLAN, sometimes checksums
    that an interface has yet to fill in."""
    head, data = record
    ip = bytearray(data[14:])
    if ip[0] >> 4 == 4:
        ip[1], ip[8] = dealer.randrange(256), dealer.randrange(1, 255)
        ip[10:12] = bytes(dealer.randrange(256) for _ in range(2))
        transport = (ip[0] & 15) * 4
    else:
        ip[7] = dealer.randrange(1, 255)
        transport = 40
    if dealer.random() < 0.5:
        ip[transport + 16:transport + 18] = bytes(dealer.randrange(256) for _ in range(2))
    link = bytes(dealer.randrange(256) for _ in range(12)) + data[12:14]
    if dealer.random() < 0.5:
        link = link[:12] + b"\x81\x00\x00\x07" + link[12:]
    frame = link + bytes(ip)
    size = len(frame).to_bytes(4, "little")
    # Later by a while: a flow's VLAN, which is in its name, is that of the first copy.
    late = (int.from_bytes(head[4:8], "little") + dealer.randrange(1, 4000)).to_bytes(4, "little")
    return head[:4] + late + size + size, frame


def ends(record):
    """(sender, receiver) of a frame of flowstitch-make-capture: address and port."""
    ip = record[1][14:]
    if ip[0] >> 4 == 4:
        return ip[12:16] + ip[20:22], ip[16:20] + ip[22:24]
    return ip[8:24] + ip[40:42], ip[24:40] + ip[42:44]


def chooser(by, parts, dealer):
    """Which sensor sees a record first: each packet, each direction, or each flow has one of its own."""
    seen = {}

    def choose(record):
        if by == "packet":
            return dealer.randrange(parts)
        key = ends(record) if by == "direction" else frozenset(ends(record))
        if key not in seen:
            seen[key] = dealer.randrange(parts)
        return seen[key]
    return choose


def cut(record, length):
    """A record as a sensor with that snapshot length keeps it."""
    head, data = record
    return head[:8] + min(length, len(data)).to_bytes(4, "little") + head[12:], data[:length]


def deal(capture, paths, dealer, repeated, by="packet", lengths=None):
    """Deals to as many files as there are paths; a share of the frames to others too. `lengths`: each
    sensor's snapshot length. (frames, copies)"""
    header, records = pcap.read(capture)
    hands = [[] for _ in paths]
    choose = chooser(by, len(paths), dealer)
    copies = 0
    for record in records:
        first = choose(record)
        hands[first].append(record)
        for other in range(len(paths)):
            if other != first and dealer.random() < repeated:
                hands[other].append(elsewhere(record, dealer))
                copies += 1
    for path, hand, length in zip(paths, hands, lengths or [65535] * len(paths)):
        pcap.write(path, header, [cut(record, length) for record in hand])
    return len(records), copies
