#!/usr/bin/env python3
"""The floors of ARCHITECTURE.md: includes and links point down only.

4  deploy/launcher                              tests and tools may use any floor
3  capture/  reassembler/  sinks/               the stage and main files: never each other
2  transport/, and beside it the pure cores     of capture/, reassembler/ and sinks/: base/ and their field's library
1  base/  proto/                                neither includes the other
"""
import os
import re
import sys

SOURCE = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAGES = ("capture", "reassembler", "sinks")
# Files that know both the wire and a core. Everything else in a stage's folder is a core.
STAGE_FILES = {
    "capture": {"main", "capture_stage", "capture_options", "batcher", "shard_choice", "live_source",
                "frame_filter", "filter_hint", "progress", "capture_inputs", "capture_sandbox",
                "shard_output", "shard_set"},
    "reassembler": {"main", "reassembler_stage", "reassembler_options", "reassembler_sandbox", "source_books",
                    "source_intake", "source_merger", "stream_batcher",
                    "tap_topics"},
    "sinks": {"main", "sink_stage", "sink_options", "sink_sandbox", "sink_worker", "worker_setup",
              "sink_worker_flows", "batch_dispatcher", "summary", "end_totals", "reassembler_feeds",
              "sink_journal", "sink_checks", "shared_outputs"},
}
# What a core must not know.
WIRE = re.compile(r"zmq|protobuf|^proto/|^transport/|spdlog|<thread>|CLI/")
# Writers whose field's library is one of these.
FIELD_LIBRARIES = {"sinks/json/": re.compile(r"protobuf|^proto/")}
INCLUDE = re.compile(r'^\s*#include\s+["<]([^">]+)[">]', re.M)


def is_core(path):
    folder = path.split("/")[0]
    stem = os.path.splitext(os.path.basename(path))[0]
    return folder in STAGES and not (path.count("/") == 1 and stem in STAGE_FILES[folder])


def wrong(path, include):
    """Why this include points up or sideways, or None."""
    folder, target = path.split("/")[0], include.split("/")[0]
    own = target in STAGES + ("base", "proto", "transport", "deploy", "tests", "tools")
    if own and target in ("tests", "tools", "deploy") and folder not in ("tests", "tools", target):
        return "only tests and tools may use it"
    if folder == "base" and own and target != "base":
        return "base uses nothing of ours"
    if folder == "transport" and target in STAGES:
        return "transport knows no stage"
    if is_core(path):
        own_library = any(path.startswith(f) and r.search(include) for f, r in FIELD_LIBRARIES.items())
        if WIRE.search(include) and not own_library:
            return "a pure core knows no wire, thread or command line"
        if target in STAGES and not is_core(include):
            return "a core knows no stage"
        if target in STAGES and target != folder:
            return "a core knows no other stage's core"
    elif folder in STAGES and target in STAGES and target != folder and not is_core(include):
        return "stages do not know each other"
    return None


def main():
    faults = []
    count = 0
    for folder in ("base", "transport", "deploy") + STAGES:
        for root, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in names:
                if not name.endswith((".h", ".cc")):
                    continue
                path = os.path.relpath(os.path.join(root, name), SOURCE)
                count += 1
                with open(os.path.join(SOURCE, path)) as file:
                    for include in INCLUDE.findall(file.read()):
                        reason = wrong(path, include)
                        if reason:
                            faults.append(f"{path} includes {include}: {reason}")
    # Links: a library of a lower floor names none of a higher one.
    order = {"flowstitch_base": 1, "flowstitch_proto": 1, "flowstitch_link": 2, "flowstitch_transport": 2,
             "flowstitch_frames": 2, "flowstitch_tcp": 2, "flowstitch_writers": 2, "flowstitch_capture_files": 2,
             "flowstitch_capture": 3, "flowstitch_reassembler": 3, "flowstitch_sinks": 3}
    for folder in ("base", "proto", "transport") + STAGES:
        with open(os.path.join(SOURCE, folder, "CMakeLists.txt")) as file:
            for target, links in re.findall(r"target_link_libraries\((\w+)([^)]*)\)", file.read()):
                for link in re.findall(r"\bflowstitch_\w+", links):
                    high = order.get(link, 0) > order.get(target, 3)
                    sideways = order.get(link) == order.get(target) == 3
                    if high or sideways:
                        faults.append(f"{folder}/CMakeLists.txt: {target} links {link}")
    if count < 50:
        faults.append(f"only {count} files were found below {SOURCE}")
    print("\n".join(faults) or f"floors: {count} files, all includes and links point down")
    return 1 if faults else 0


sys.exit(main())
