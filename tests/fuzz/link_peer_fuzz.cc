// A peer that says one thing after another to an end of a link, as bytes tell: messages of every
// kind with numbers that are likely to hurt, and time that goes by. Both halves, both ways to
// begin.
#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "transport/link/blob_message.h"
#include "transport/link/link_limits.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

constexpr uint64_t kWindow = 4096;

class Script {
 public:
  Script(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  uint8_t Byte() { return empty() ? 0 : data_[at_++]; }
  // Near what is possible, or far from it.
  uint64_t Number() {
    const uint8_t how = Byte();
    const uint64_t low = Byte();
    switch (how % 6) {
      case 0:
        return low % 8;
      case 1:
        return low;
      case 2:
        return UINT64_MAX - low;
      case 3:
        return (uint64_t{1} << 63) + low - 128;
      case 4:
        return kMaxCount + low - 128;
      default:
        return (low << 8 | Byte()) << (how / 6);
    }
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

wire::LinkMessage Next(Script& script, wire::Role role) {
  wire::LinkMessage message;
  const uint8_t kind = script.Byte();
  if ((kind & 0x80) != 0) message.set_sequence(script.Number());
  switch (kind % 9) {
    case 0:
    case 1: {
      wire::Hello* hello = message.mutable_hello();
      FillHello({role, "peer", 1 + script.Byte() % 3u}, hello);
      hello->set_token(script.Byte() % 2);
      hello->set_first_sequence(script.Number());
      hello->set_resume_epoch(1 + script.Byte() % 2);
      hello->set_received_sequence(script.Number());
      hello->set_window_bytes(script.Number());
      hello->set_frames_before(script.Number());
      break;
    }
    case 2:
    case 3: {
      wire::Acknowledgement* ack = message.mutable_acknowledgement();
      ack->set_received_sequence(script.Number());
      ack->set_acknowledged_sequence(script.Number());
      ack->set_window_bytes(script.Number());
      ack->set_resend(script.Byte() % 2 == 1);
      ack->set_flows(script.Number());
      break;
    }
    case 4:
      message.mutable_heartbeat()->set_sent_sequence(script.Number());
      message.mutable_heartbeat()->set_watermark_ns(static_cast<int64_t>(script.Number()));
      break;
    case 5:
      message.mutable_packets()->set_first_frame(script.Number());
      break;
    case 6:
      message.mutable_streams()->set_frames_taken(script.Number());
      break;
    case 7:
      message.mutable_end()->set_batches(script.Number());
      message.mutable_end()->mutable_source()->set_frames_sent(script.Number());
      break;
    default:
      if (script.Byte() % 4 == 0) {
        message.mutable_refusal()->set_text("no");
      } else if (script.Byte() % 2 == 0) {
        message.mutable_who_are_you();
      } else {
        message.mutable_farewell();
      }
  }
  return message;
}

template <typename End>
void Drain(End& end, int64_t now_ns) {
  int sent = 0;
  while (end.NextToSend(now_ns)) Must(++sent < 200, "a link does not talk for ever");
}

void Sender(Script script, bool dials) {
  SendLog log(1 << 16);
  LinkSender sender({wire::REASSEMBLER_OUTPUT, "s", 1}, wire::SINK, dials, &log);
  int64_t now_ns = 1;
  while (!script.empty()) {
    const uint8_t step = script.Byte();
    if (step % 8 == 0 && log.next_sequence() < 64)
      log.Append(WireMessage(std::string(100, 'm')), 3);
    if (step % 8 == 1) now_ns += int64_t{1} << (step / 8 + 8);
    if (step % 8 == 2) log.ForgetThrough(sender.acknowledged());
    if (step == 0xff) log.Close();
    if (step % 8 >= 3) sender.Receive(Next(script, wire::SINK), now_ns);
    sender.NoteStall(now_ns);
    Drain(sender, now_ns);
    Must(sender.acknowledged() <= log.last_sequence(), "only what was appended is acknowledged");
    Must(sender.unacknowledged_bytes() <= 64 * 100, "no more waits than there is");
    Must((sender.state() == LinkState::kRefused) == !sender.refusal().empty(), "a reason");
  }
}

void Receiver(Script script, bool dials) {
  LinkReceiver receiver({wire::REASSEMBLER_INPUT, "r", 2}, wire::CAPTURE, dials, kWindow);
  int64_t now_ns = 1;
  struct Taken {
    uint64_t restarts;
    uint64_t sequence;
    size_t bytes;
  };
  std::vector<Taken> taken;
  uint64_t held = 0;
  while (!script.empty()) {
    const uint8_t step = script.Byte();
    if (step % 8 == 1) now_ns += int64_t{1} << (step / 8 + 8);
    if (step % 8 == 2 && !taken.empty()) {
      const Taken first = taken.front();
      taken.erase(taken.begin());
      held -= first.bytes;
      receiver.Finish(first.restarts, first.sequence, first.bytes);
    }
    if (step % 8 >= 3) {
      const wire::LinkMessage message = Next(script, wire::CAPTURE);
      const size_t bytes = 100 + size_t{script.Byte()} * 8;
      if (receiver.Receive(message, bytes, now_ns) == Arrival::kTake) {
        taken.push_back({receiver.restarts(), message.sequence(), bytes});
        held += bytes;
      }
    }
    Drain(receiver, now_ns);
    Must(receiver.finished() <= receiver.received(), "only what came is finished");
    Must(receiver.received() <= kMaxCount, "nobody sends so much");
    Must(receiver.unfinished_bytes() >= held, "what is held is counted");
    receiver.MayGo(now_ns);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  for (const bool dials : {false, true}) {
    Sender(Script(data, size), dials);
    Receiver(Script(data, size), dials);
  }
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  std::vector<std::string> seeds;
  // A Hello, batches, acknowledgements that are right, wrong, and of everything there could be.
  const std::string hello = {3, 0, 0, 0, 0, 1, 0, 0, 0, 2, 64, 0, 0};
  const std::string batches = {0, 0, 0, 0};
  seeds.push_back(batches + hello + std::string({3, 2, 0, 2, 0, 2, 2, 64, 1, 0, 0}));
  seeds.push_back(batches + hello + std::string({3, 2, 2, 0, 0, 0, 2, 64, 1, 0, 0}));
  seeds.push_back(hello +
                  std::string({3, '\x85', 0, 1, 0, 0, 10, 3, '\x85', 0, 2, 0, 0, 10, 2, 2}));
  seeds.push_back(hello + std::string({3, '\x87', 0, 1, 0, 0, 4, 5, 3, 4, 2, 0, 2, 1}));
  return seeds;
}
