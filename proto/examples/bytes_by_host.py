"""Counts the stream bytes that each host sent, off a tap: python3 bytes_by_host.py tcp://127.0.0.1:9474 [TOPIC]

A topic such as streams.tcp.443. takes only what goes to that server port. Prints a line for each flow that closes."""
import collections
import ipaddress
import sys

import zmq
from proto.stream_batch_pb2 import SERVER_TO_CLIENT, StreamBatch

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1])
socket.setsockopt(zmq.SUBSCRIBE, (sys.argv[2] if len(sys.argv) > 2 else "streams.").encode())
hosts, ends, expected, missed = collections.Counter(), {}, {}, 0
while True:
    topic, message = socket.recv_multipart()
    batch = StreamBatch.FromString(message)
    missed += batch.topic_sequence - expected.get(topic, batch.topic_sequence)
    expected[topic] = batch.topic_sequence + 1
    for event in batch.events:
        kind = event.WhichOneof("event")
        what = getattr(event, kind)
        if kind == "opened":
            ends[what.flow] = [str(ipaddress.ip_address(a)) for a in (what.client_address, what.server_address)]
        elif kind == "bytes" and what.flow in ends:
            hosts[ends[what.flow][what.direction == SERVER_TO_CLIENT]] += what.length
        elif kind == "closed":
            ends.pop(what.flow, None)
            print(dict(hosts), f"missed batches: {missed}", flush=True)
