"""A consumer that loses nothing: it speaks the link as a sink does, and acknowledges what it has finished with.

python3 lossless_sink.py ENDPOINT [NAME]    prints a line for each flow that closes, with a digest of its two streams, and
the totals at the end. Started again under the same name it goes on with the first batch that it had not acknowledged."""
import hashlib
import secrets
import sys
import time

import zmq
from proto.link_pb2 import SINK, LinkMessage

WINDOW = 64 << 20
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1])
epoch, peer_epoch, received, open_link, ended = secrets.randbits(64) or 1, 0, 0, False, 0.0
flows, total, said = {}, 0, 0.0


def say(**body):
    global said
    said = time.monotonic()
    socket.send(LinkMessage(**body).SerializeToString())


def hello():
    say(hello=dict(magic="flowstitch", version_min=1, version_max=1, role=SINK, epoch=epoch, window_bytes=WINDOW,
                   name=sys.argv[2] if len(sys.argv) > 2 else "python", resume_epoch=peer_epoch, received_sequence=received))


def acknowledge(resend=False):
    say(acknowledgement=dict(received_sequence=received, acknowledged_sequence=received, window_bytes=WINDOW, resend=resend))


def take(batch):
    """What is to be done with a batch; it is finished with when this returns."""
    global total
    at = 0
    for event in batch.events:
        what = getattr(event, kind := event.WhichOneof("event"))
        length = what.length if kind in ("bytes", "frame") else 0
        data, at = batch.payload[at:at + length], at + length
        if kind == "opened":
            flows[what.flow] = [hashlib.sha256(), hashlib.sha256()]
        elif kind == "bytes" and what.flow in flows:
            flows[what.flow][what.direction].update(data)
            total += length
        elif kind == "closed" and what.flow in flows:
            print(what.flow, *(d.hexdigest() for d in flows.pop(what.flow)), flush=True)


while not ended or time.monotonic() < ended + 5:
    if time.monotonic() - said > (1.0 if open_link else 0.5):
        acknowledge() if open_link else hello()
    if not socket.poll(100):
        continue
    message = LinkMessage.FromString(socket.recv())
    body = message.WhichOneof("body")
    if body == "refusal":
        sys.exit("refused: " + message.refusal.text)
    if body == "hello":
        if message.hello.epoch != peer_epoch:  # another process: its numbers begin anew
            peer_epoch, received = message.hello.epoch, message.hello.first_sequence - 1
        open_link = True
        acknowledge()
    elif body == "who_are_you":
        hello()
    elif message.sequence == received + 1:
        if body == "streams":
            take(message.streams)
        received = message.sequence
        acknowledge()
        if body == "end":
            print("end", total, flush=True)
            ended = time.monotonic()
    elif body == "farewell":
        break
    elif message.sequence > received or (body == "heartbeat" and message.heartbeat.sent_sequence > received):
        acknowledge(resend=True)
