// Payload that a stream has only when its receiver says so: of a SYN without Fast Open, and a byte
// sent into a closed window.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_UNCONFIRMED_BYTES_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_UNCONFIRMED_BYTES_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "reassembler/flows/pending_bytes.h"
#include "reassembler/flows/stream_context.h"

namespace flowstitch {

class UnconfirmedBytes {
 public:
  // A question to a receiver whose window is closed (RFC 9293, 3.8.6.1).
  struct Probe {
    Position at;
    uint8_t byte;
    Carrier carrier;
  };

  size_t syn_bytes() const { return held_ == nullptr ? 0 : held_->syn.size(); }
  bool has_syn() const { return syn_bytes() > 0; }
  void HoldSyn(const StreamContext& c, ByteView payload) {
    held().syn.assign(payload.begin(), payload.end());
    Book(c, payload.size());
  }
  std::vector<uint8_t> TakeSyn(const StreamContext& c) {
    Book(c, -syn_bytes());
    return std::exchange(held_->syn, {});
  }

  // Null: there is none.
  const Probe* probe() const {
    return held_ == nullptr || !held_->probe ? nullptr : &*held_->probe;
  }
  void HoldProbe(const StreamContext& c, const Probe& probe) {
    held().probe = probe;
    Book(c, 1);
  }
  Probe TakeProbe(const StreamContext& c) {
    Book(c, -size_t{1});
    return *std::exchange(held_->probe, std::nullopt);
  }

 private:
  // What most streams never have.
  struct Held {
    std::vector<uint8_t> syn;
    std::optional<Probe> probe;
  };
  Held& held() {
    if (held_ == nullptr) held_ = std::make_unique<Held>();
    return *held_;
  }
  // So many more bytes wait.
  static void Book(const StreamContext& c, size_t bytes) {
    c.ledger.waiting_bytes += bytes;
    c.all_waiting_bytes += bytes;
  }

  std::unique_ptr<Held> held_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_UNCONFIRMED_BYTES_H_
