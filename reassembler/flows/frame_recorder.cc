#include "reassembler/flows/frame_recorder.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "reassembler/frames/checksums.h"

namespace flowstitch {
namespace {

constexpr size_t kIpv4HeaderBytes = 20;
constexpr size_t kIpv6HeaderBytes = 40;
constexpr size_t kMaxDatagramBytes = 65535;
constexpr uint8_t kTimeToLive = 64;

bool Contains(ByteView outer, ByteView inner) {
  const std::less_equal<const uint8_t*> before;
  return !outer.empty() && before(outer.data(), inner.data()) &&
         before(inner.data() + inner.size(), outer.data() + outer.size());
}

// A datagram around `transport`, which is at most as long as a datagram may be.
void AppendDatagram(const Passage& passage, ByteView transport, std::vector<uint8_t>* out) {
  const Endpoint& source = passage.from_high ? passage.key.high : passage.key.low;
  const Endpoint& destination = passage.from_high ? passage.key.low : passage.key.high;
  const auto from = source.address.wire();
  const auto to = destination.address.wire();
  const size_t at = out->size();
  if (source.address.family == IpFamily::kIpv4) {
    out->resize(at + kIpv4HeaderBytes);
    uint8_t* header = out->data() + at;
    header[0] = 0x45;
    StoreBe16(header + 2, static_cast<uint16_t>(kIpv4HeaderBytes + transport.size()));
    header[8] = kTimeToLive;
    header[9] = passage.key.protocol;
    std::copy(from.begin(), from.end(), header + 12);
    std::copy(to.begin(), to.end(), header + 16);
    StoreBe16(header + 10, static_cast<uint16_t>(~OnesComplementSum({header, kIpv4HeaderBytes})));
  } else {
    out->resize(at + kIpv6HeaderBytes);
    uint8_t* header = out->data() + at;
    header[0] = 0x60;
    StoreBe16(header + 4, static_cast<uint16_t>(transport.size()));
    header[6] = passage.key.protocol;
    header[7] = kTimeToLive;
    std::copy(from.begin(), from.end(), header + 8);
    std::copy(to.begin(), to.end(), header + 24);
  }
  out->insert(out->end(), transport.begin(), transport.end());
}

}  // namespace

void FrameRecorder::Begin(const Frame& frame) {
  frame_ = frame;
  claimed_ = false;
}

void FrameRecorder::End() {
  if (claimed_ || !choice_.others) return;
  events_->OnFrame(std::nullopt, kClientToServer, frame_, {});
}

Frame FrameRecorder::FrameOf(const Passage& passage, ByteView payload, size_t* payload_offset) {
  Frame frame = frame_;
  *payload_offset = 0;
  if (Contains(frame.bytes, passage.transport) || !Contains(frame.bytes, passage.link->datagram) ||
      passage.transport.size() > kMaxDatagramBytes - kIpv4HeaderBytes) {
    if (Contains(frame.bytes, payload)) {
      *payload_offset = static_cast<size_t>(payload.data() - frame.bytes.data());
    }
    return frame;
  }
  const auto link =
      frame.bytes.first(static_cast<size_t>(passage.link->datagram.data() - frame.bytes.data()));
  rebuilt_.assign(link.begin(), link.end());
  AppendDatagram(passage, passage.transport, &rebuilt_);
  *payload_offset = rebuilt_.size() - passage.transport.size() +
                    static_cast<size_t>(payload.data() - passage.transport.data());
  frame.bytes = rebuilt_;
  frame.wire_length = static_cast<uint32_t>(rebuilt_.size());
  return frame;
}

void FrameRecorder::Claim(FlowId flow, Direction direction, const Passage& passage,
                          ByteView payload) {
  if (!passage.in_frame) return;  // held for a while: its frame is gone
  claimed_ = true;
  if (!choice_.of_flows) return;
  size_t offset = 0;
  const Frame frame = FrameOf(passage, payload, &offset);
  const bool there = offset > 0 && offset + payload.size() <= frame.bytes.size();
  events_->OnFrame(flow, direction, frame,
                   there ? frame.bytes.subspan(offset, payload.size()) : ByteView());
}

void FrameRecorder::Hold(const Passage& passage, ByteView payload, HeldFrames* held) {
  if (!passage.in_frame || held->size() >= kMaxHeldFrames) return;
  size_t offset = 0;
  HeldFrame one;
  one.frame = FrameOf(passage, payload, &offset);
  if (held_bytes_ + one.frame.bytes.size() > kMaxHeldBytes) return;
  claimed_ = true;
  one.bytes.assign(one.frame.bytes.begin(), one.frame.bytes.end());
  one.frame.bytes = {};
  one.from_high = passage.from_high;
  if (offset > 0) {
    one.payload_offset = offset;
    one.payload_length = payload.size();
  }
  held_bytes_ += one.bytes.size();
  held->push_back(std::move(one));
}

void FrameRecorder::GiveToFlow(FlowId flow, bool client_is_high, HeldFrames* held) {
  for (HeldFrame& one : std::exchange(*held, {})) {
    held_bytes_ -= one.bytes.size();
    one.frame.bytes = one.bytes;
    if (!choice_.of_flows) continue;
    events_->OnFrame(flow, one.from_high == client_is_high ? kClientToServer : kServerToClient,
                     one.frame, one.frame.bytes.subspan(one.payload_offset, one.payload_length));
  }
}

void FrameRecorder::GiveUp(HeldFrames* held) {
  for (HeldFrame& one : std::exchange(*held, {})) {
    held_bytes_ -= one.bytes.size();
    one.frame.bytes = one.bytes;
    if (!choice_.others) continue;
    events_->OnFrame(std::nullopt, kClientToServer, one.frame, {});
  }
}

}  // namespace flowstitch
