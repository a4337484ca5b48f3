"""tests/bench/compare --against BUILD: this build beside another one of flowstitch, in alternation."""
import os
import shutil
import statistics
import subprocess
import tempfile
from math import comb

from measure import machine, measured, program

# name, bytes a flow, flows at a time, share of --size, what flows carry, modes
CELLS = (("flows of 5 MB", 5_000_000, 20, 1, "none", (("files only", []), ("-e md5", ["-e", "md5"]))),
         ("flows of 100 kB", 100_000, 1000, 1, "none", (("files only", []), ("-e md5", ["-e", "md5"]))),
         ("flows of 2 kB", 2_000, 5000, 0.1, "none", (("files only", []),)),
         ("HTTP bodies of 5 MB", 5_000_000, 20, 1, "plain", (("-a", ["-a"]),)),
         ("HTTP bodies of 100 kB", 100_000, 1000, 0.5, "plain", (("-a", ["-a"]), ("--json", ["--json", "/dev/null"]))),
         ("HTTP bodies of 2 kB", 2_000, 5000, 0.1, "plain", (("-a", ["-a"]),)))
# What is still taken for the same.
MOST = 1.03


def interval(ratios):
    """Where the median of all runs lies in 95 of 100 cases: two of the sorted ratios (the sign test's)."""
    n = len(ratios)
    outside = 0.0
    skip = 0
    while skip < (n - 1) // 2 and 2 * (outside + comb(n, skip) / 2**n) <= 0.05:
        outside += comb(n, skip) / 2**n
        skip += 1
    skip = max(skip - 1, 0)
    ordered = sorted(ratios)
    return ordered[skip], ordered[n - 1 - skip]


def cell(options, capture, work, mode):
    """Medians of both builds' processor time and memory, and the ratios of the pairs."""
    directories = [os.path.join(work, name) for name in ("before", "after")]
    runs = []
    for pair in range(options.pairs):
        both = [None, None]
        # Whichever comes first has what the other finds in the caches.
        for which in ((0, 1), (1, 0))[pair % 2]:
            build = (options.against, options.build)[which]
            both[which] = measured([program(build, "flowstitch"), "-q", *mode, "-r", capture, "-o", directories[which]],
                                   directories[which])
        runs.append(both)
    for directory in directories:
        shutil.rmtree(directory)
    middle = [(statistics.median(run[i].processor for run in runs), statistics.median(run[i].memory for run in runs))
              for i in (0, 1)]
    return middle, [after.processor / before.processor for before, after in runs]


def run(options):
    """Prints the table; True when a cell is slower by more than what is taken for the same."""
    print(f"{machine()}; processor time, medians of {options.pairs} pairs in alternation, outputs on tmpfs\n")
    print("| capture | mode | before s | after s | after by before | its interval | MB before | MB after |")
    print("|---|---|---|---|---|---|---|---|")
    slower = False
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        capture = os.path.join(work, "c.pcap")
        for name, flow_bytes, concurrent, share, carried, modes in CELLS:
            flows = max(1, int(options.size * 1_000_000 * share) // flow_bytes)
            make = program(options.build, "flowstitch-make-capture")
            subprocess.run([make, capture, "--flows", str(flows), "--bytes", str(flow_bytes), "--concurrent",
                            str(concurrent), "--http", carried], check=True)
            for mode, arguments in modes:
                ((before, memory_before), (after, memory_after)), ratios = cell(options, capture, work, arguments)
                low, high = interval(ratios)
                too_slow = statistics.median(ratios) > MOST and low > MOST
                slower = slower or too_slow
                print(f"| {flows:,} {name} | {mode} | {before:.2f} | {after:.2f} | {statistics.median(ratios):.3f}"
                      f"{' SLOWER' if too_slow else ''} | {low:.3f} to {high:.3f} | {memory_before:.0f} |"
                      f" {memory_after:.0f} |", flush=True)
    return slower
