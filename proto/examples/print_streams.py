"""Prints what happens to the streams on a tap: python3 print_streams.py tcp://127.0.0.1:9474"""
import sys

import zmq
from proto.stream_batch_pb2 import StreamBatch

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1])
socket.setsockopt(zmq.SUBSCRIBE, b"streams.")
while True:
    topic, message = socket.recv_multipart()
    batch = StreamBatch.FromString(message)
    at = 0
    for event in batch.events:
        kind = event.WhichOneof("event")
        if kind == "bytes":
            print(event.bytes.flow, event.bytes.offset, batch.payload[at:at + event.bytes.length][:40], flush=True)
            at += event.bytes.length
        elif kind == "frame":
            at += event.frame.length
        else:
            print(getattr(event, kind).flow, kind, flush=True)
