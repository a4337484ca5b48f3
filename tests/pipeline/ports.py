"""Ports for the listeners of tests."""
import itertools
import random
import socket

_claims = []  # held until this process ends


def _candidates():
    """Ports at random, first those that no connection is given as its own: it would be in the listener's way, and one to
    a listener that is not up yet could even be connected to itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        first, last = map(int, f.read().split())
    ports = list(range(10_000, 65_536))
    random.shuffle(ports)
    return sorted(ports, key=lambda port: first <= port <= last)


def _claim(port):
    """Whether the port is free and no other test has it. A name in the abstract namespace is the claim, which ends with
    the process and is as wide as ports are: a network namespace."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0flowstitch-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_ports(count):
    """Ports of 127.0.0.1 that are this test's until it ends, bound by nobody yet."""
    claimed = list(itertools.islice(filter(_claim, _candidates()), count))
    if len(claimed) < count:
        raise OSError("no free ports")
    return claimed
