// Bytes as a script of segments between two hosts: whatever comes, streams stay in order, and the
// ledger balances.
#include <algorithm>

#include "reassembler/flows/reassembler.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/event_recorder.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

// Checks order without keeping the bytes: a hole may be a gigabyte long.
class Checker : public StreamEvents {
 public:
  void OnFlowOpened(const FlowInfo& flow) override {
    Must(next_.emplace(flow.id, flow.start_offset).second, "a flow opens once");
    start_[flow.id] = flow.start_offset;
  }
  void OnBytes(FlowId flow, Direction d, uint64_t offset, ByteView bytes,
               const BytesInfo&) override {
    Take(flow, d, offset, bytes.size());
  }
  void OnGap(FlowId flow, Direction d, uint64_t offset, uint64_t length, GapReason,
             TimeNs) override {
    Must(length > 0, "a gap has a length");
    Take(flow, d, offset, length);
  }
  void OnConflict(FlowId flow, Direction, const Conflict& c, TimeNs) override {
    Must(next_.contains(flow) && c.length > 0 && !c.kept.empty(), "a conflict says what it is");
  }
  void OnFlowClosed(FlowId flow, const FlowEnd& end) override {
    for (size_t d : {0u, 1u}) {
      Must(end.summaries[d].bytes == next_.at(flow)[d] - start_.at(flow)[d],
           "the summary knows the length");
    }
    Must(next_.erase(flow) == 1, "a flow closes once");
    start_.erase(flow);
  }
  bool empty() const { return next_.empty(); }

 private:
  void Take(FlowId flow, Direction d, uint64_t offset, uint64_t length) {
    uint64_t& next = next_.at(flow)[d];
    Must(offset == next, "events come in order");
    next += length;
  }
  std::map<FlowId, std::array<uint64_t, 2>> next_, start_;
};

constexpr size_t kStepBytes = 8;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ReassemblyOptions options;
  TcpLimits& limits = options.tcp;
  // The first byte chooses what kind of host it is.
  if (size > 0) limits.overlap = static_cast<OverlapPolicy>(data[0] % 7);
  limits.conflict_window_bytes = 8192;
  limits.siblings = 2;
  limits.idle_timeout_ns = 600 * kNsPerSecond;
  limits.stream_waiting_bytes = 4096;
  limits.all_waiting_bytes = 8192;
  limits.flows = 3;
  limits.half_open_flows = 3;
  limits.tombstones = 3;
  Checker checker;
  Reassembler reassembler(options, &checker);
  TimeNs time = 0;
  const std::string payload(256, 'p');
  for (; size >= kStepBytes; data += kStepBytes, size -= kStepBytes) {
    SegmentSpec spec;
    const bool back = data[0] & 1;
    const Endpoint a = End("10.0.0.1", static_cast<uint16_t>(1 + (data[0] >> 1) % 5));
    const Endpoint b = End("10.0.0.2", 80);
    spec.source = back ? b : a;
    spec.destination = back ? a : b;
    spec.flags = data[1] & 0x3f;
    // Near the beginning, near the wrap, or anywhere.
    spec.sequence = (data[2] & 0x80 ? 0xfffffff0u : 1000u) + data[3] +
                    (data[2] & 0x40 ? uint32_t{data[4]} << 20 : 0u);
    spec.acknowledgement = 1000u + data[5] + (data[2] & 0x20 ? uint32_t{data[4]} << 16 : 0u);
    std::string text = payload.substr(0, data[6]);
    if (!text.empty()) text[data[7] % text.size()] = static_cast<char>(data[4]);
    spec.payload = text;
    if (data[2] & 1) spec.options = {34, 2};
    if (data[2] & 16) {
      // Timestamps and a block of selective acknowledgement.
      spec.options =
          Bytes({8, 10, 0, 0, data[7], 0, 0, 0, 0, 0, 5, 10, 0, 0, 3, data[4], 0, 0, 4, data[5]});
    }
    if (data[1] & 0x80) spec.window = 0;
    time += (data[2] & 2) ? data[7] * kNsPerSecond : data[7] * 1000;
    if (data[2] & 4) time -= kNsPerSecond;
    CapturedPacket packet = Capture(EthernetFrame(Datagram(spec)), time);
    if (data[2] & 8)
      packet.bytes.resize(packet.bytes.size() - std::min<size_t>(packet.bytes.size(), data[7]));
    reassembler.OnFrame(packet.frame());
    const auto faults = FindImbalance(reassembler.ledger());
    Must(faults.empty(), faults.empty() ? "" : faults[0].c_str());
    Must(reassembler.tcp().open_flows() <= limits.flows, "flows are bounded");
    Must(reassembler.ledger().waiting_bytes <= limits.all_waiting_bytes + 1024,
         "waiting bytes are bounded");
  }
  reassembler.Finish();
  Must(checker.empty(), "every flow is closed");
  Must(reassembler.ledger().waiting_bytes == 0, "nothing waits after the end");
  const auto faults = FindImbalance(reassembler.ledger());
  Must(faults.empty(), faults.empty() ? "" : faults[0].c_str());
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto step = [](int who, int flags, int mode, int seq, int high, int ack, int length,
                       int t) {
    return std::string{static_cast<char>(who),    static_cast<char>(flags), static_cast<char>(mode),
                       static_cast<char>(seq),    static_cast<char>(high),  static_cast<char>(ack),
                       static_cast<char>(length), static_cast<char>(t)};
  };
  const std::string handshake =
      step(0, 2, 0, 0, 0, 0, 0, 1) + step(1, 18, 0, 0, 0, 1, 0, 1) + step(0, 16, 0, 1, 0, 1, 0, 1);
  return {handshake + step(0, 24, 0, 1, 0, 1, 10, 1) + step(0, 17, 0, 11, 0, 1, 0, 1) +
              step(1, 17, 0, 1, 0, 12, 0, 1),
          handshake + step(0, 24, 0, 21, 0, 1, 10, 1) + step(1, 16, 0, 1, 0, 40, 0, 1) +
              step(0, 24, 2, 31, 0, 1, 5, 9),
          handshake + step(0, 24, 8, 1, 0, 1, 50, 20) + step(0, 4, 0, 51, 0, 0, 0, 1) +
              step(0, 2, 0, 200, 9, 0, 0, 1),
          step(0, 24, 128, 200, 0, 1, 50, 1) + step(0, 24, 128, 100, 0, 1, 100, 1) +
              step(2, 2, 1, 9, 0, 0, 30, 1)};
}
