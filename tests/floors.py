#!/usr/bin/env python3
"""The floors of ARCHITECTURE.md: each folder is a library, and includes and links only what stands beside it here.

A folder may always include itself; tests/ and tools/ may include everything.
"""
import os
import re
import sys

SOURCE = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# The folders that each one may include.
FLOORS = {
    # 1: values, and the wire
    "base": "",
    "proto": "",
    "base/memory": "base",
    "base/frames": "base",
    "base/process": "base base/memory",
    # 2: the link, and beside it the pure cores
    "transport/link": "base base/memory proto",
    "transport": "base base/memory base/process proto transport/link",
    "capture/files": "base base/memory",
    "reassembler/sources": "base base/frames",
    "reassembler/frames": "base base/frames reassembler/sources",
    "reassembler/flows": "base base/frames reassembler/sources reassembler/frames",
    "sinks/streams": "base",
    "sinks/content/http": "base sinks/streams",
    "sinks/content/tls": "base sinks/streams",
    "sinks/content/openings": "base sinks/streams sinks/content/tls",
    "sinks/records": "base sinks/streams sinks/content/*",
    "sinks/records/alerts": "base sinks/streams sinks/records",
    "sinks/records/dfxml": "base sinks/streams sinks/records sinks/content/tls",
    "sinks/records/ranges": "base sinks/streams sinks/records",
    "sinks/records/json": "base sinks/streams sinks/records sinks/content/tls proto",
    "sinks/writers/*": "base sinks/streams sinks/content/* sinks/records",
    # 3: the stages
    "capture": "base base/* proto transport transport/link capture/files",
    "reassembler": "base base/* proto transport transport/link reassembler/*",
    "sinks": "base base/* proto transport transport/link sinks/*",
    # 4: the programs
    "deploy/launcher": "base base/* capture reassembler sinks transport",
}
# What the folders of values and of pure cores do not know, besides what is not beside them above.
IMPURE = re.compile(r"zmq|protobuf|spdlog|<thread>|CLI/")
MAY_BE_IMPURE = ("base/process", "transport", "proto", "deploy", "sinks/records/json")
STAGES = ("capture", "reassembler", "sinks")

INCLUDE = re.compile(r'^\s*#include\s+(["<][^">]+[">])', re.M)


def matches(folder, pattern):
    """Whether a pattern of the table names the folder; * stands for what is below."""
    return folder == pattern or (pattern.endswith("/*") and folder.startswith(pattern[:-1]))


def row(folder):
    return next((FLOORS[f] for f in (folder, *(f for f in FLOORS if f.endswith("/*"))) if f in FLOORS and
                 matches(folder, f)), None)


def may_use(folder, used):
    return folder == used or any(matches(used, pattern) for pattern in row(folder).split())


def pure(folder):
    return folder not in STAGES and not folder.startswith(MAY_BE_IMPURE)


def wrong_includes(folder, path, text):
    for quoted in INCLUDE.findall(text):
        include = quoted[1:-1]
        used = os.path.dirname(include)
        ours = quoted[0] == '"' and os.path.isdir(os.path.join(SOURCE, include.split("/")[0]))
        if ours and not may_use(folder, used):
            yield f"{path} includes {include}: {folder}/ may not use {used}/"
        elif not ours and pure(folder) and IMPURE.search(quoted):
            yield f"{path} includes {include}: {folder}/ is a pure core"


def wrong_links(folder, text):
    for uses in re.findall(r"flowstitch_folder\(\s*USES([^)]*?)(?:PUBLIC|PRIVATE|\))", text):
        for used in uses.split():
            if not used.startswith("$") and not may_use(folder, used):
                yield f"{folder}/CMakeLists.txt: it may not use {used}/"


def main():
    faults = []
    files = 0
    for top in ("base", "transport", "deploy/launcher") + STAGES:
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            folder = os.path.relpath(folder, SOURCE)
            sources = [name for name in names if name.endswith((".h", ".cc"))]
            if sources and row(folder) is None:
                faults.append(f"{folder}/ is not in the table")
                continue
            for name in sources:
                files += 1
                with open(os.path.join(SOURCE, folder, name)) as file:
                    faults += wrong_includes(folder, f"{folder}/{name}", file.read())
            if sources and "CMakeLists.txt" in names:
                with open(os.path.join(SOURCE, folder, "CMakeLists.txt")) as file:
                    faults += wrong_links(folder, file.read())
    if files < 50:
        faults.append(f"only {files} files were found below {SOURCE}")
    print("\n".join(faults) or f"floors: {files} files, all includes and links are in the table")
    return 1 if faults else 0


sys.exit(main())
