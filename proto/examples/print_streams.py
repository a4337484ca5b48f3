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
        what = getattr(event, kind)
        data = batch.payload[at:at + what.length] if kind in ("bytes", "frame") else b""
        at += len(data)
        print(what.flow, what.offset if kind == "bytes" else kind, data[:40] or "", flush=True)
