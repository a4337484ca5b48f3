"""Prints every batch of packets on a tap: python3 print_packets.py tcp://127.0.0.1:9473"""
import sys

import zmq
from proto.packet_batch_pb2 import PacketBatch

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1])
socket.setsockopt(zmq.SUBSCRIBE, b"packets.")
while True:
    topic, message = socket.recv_multipart()
    batch = PacketBatch.FromString(message)
    at = 0
    for time_ns, captured, wire in zip(batch.capture_time_ns, batch.captured_length, batch.wire_length):
        frame = batch.frames[at:at + captured]
        at += captured
        print(batch.source, time_ns, wire, frame[:14].hex(), flush=True)
