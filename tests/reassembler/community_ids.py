#!/usr/bin/env python3
"""Writes community_ids.inc: Community IDs computed from the specification's text
(https://github.com/corelight/community-id-spec), apart from the code under test."""
import base64
import hashlib
import ipaddress
import random
import struct


def community_id(source, source_port, destination, destination_port, protocol, seed):
    a, b = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    if not (a < b or (a == b and source_port < destination_port)):
        a, b, source_port, destination_port = b, a, destination_port, source_port
    data = struct.pack("!H", seed) + a + b + bytes([protocol, 0]) + struct.pack("!HH", source_port, destination_port)
    return "1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()


def main():
    rng = random.Random(6)
    for number in range(24):
        if number % 2:
            address = lambda: str(ipaddress.IPv6Address(rng.getrandbits(128)))
        else:
            address = lambda: str(ipaddress.IPv4Address(rng.getrandbits(32)))
        a, b = address(), address()
        if number % 6 == 4:
            b = a
        ports = rng.randrange(65536), rng.randrange(65536)
        protocol, seed = rng.choice((6, 17)), rng.choice((0, 0, 1, 65535))
        print(f'EXPECT_EQ(CommunityId(MakeFlowKey(End("{a}", {ports[0]}), End("{b}", {ports[1]})).key, {protocol}, '
              f'{seed}),\n          "{community_id(a, ports[0], b, ports[1], protocol, seed)}");')


if __name__ == "__main__":
    main()
