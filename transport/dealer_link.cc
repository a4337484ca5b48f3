#include "transport/dealer_link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

absl::Status Refused(const std::string& text) {
  return absl::FailedPreconditionError(absl::StrCat("the link was refused: ", text));
}

}  // namespace

SendingDealer::SendingDealer(Socket socket, LinkIdentity self, wire::Role peer_role,
                             size_t buffer_bytes)
    : socket_(std::move(socket)),
      log_(buffer_bytes),
      sender_(std::move(self), peer_role, /*dials=*/true, &log_) {}

absl::Status SendingDealer::Service(int64_t now_ns) {
  wire::LinkMessage message;
  ByteView blob;
  while (const auto raw = socket_.Receive()) {
    const ByteView bytes{static_cast<const uint8_t*>(raw->data()), raw->size()};
    if (bytes.size() > kMaxControlBytes) {
      sender_.Contradicts(absl::StrFormat("it sends a message of %d bytes", bytes.size()));
    } else if (const auto status = DecodeLinkMessage(bytes, &message, &blob); !status.ok()) {
      sender_.Contradicts(absl::StrCat("a message of it is of no use: ", status.message()));
    } else {
      sender_.Receive(message, now_ns);
    }
  }
  log_.ForgetThrough(sender_.acknowledged());
  sender_.NoteStall(now_ns);
  while (const auto out = sender_.NextToSend(now_ns)) {
    if (!socket_.Send(*out)) break;
  }
  waits_.Note(
      "capture", !socket_.in_process() && sender_.state() == LinkState::kWaiting, now_ns,
      [this] { return absl::StrCat("the reassembler at '", socket_.bound_address(), "'"); });
  LogLinkState("capture", sender_.peer_name(), sender_.state(), &logged_state_, now_ns, &states_);
  if (sender_.state() == LinkState::kRefused) return Refused(sender_.refusal());
  return absl::OkStatus();
}

ReceivingDealer::ReceivingDealer(Socket socket, LinkIdentity self, wire::Role peer_role,
                                 uint64_t window_bytes)
    : socket_(std::move(socket)),
      receiver_(std::move(self), peer_role, /*dials=*/true, window_bytes) {}

absl::Status ReceivingDealer::Service(int64_t now_ns, const Taker& take) {
  while (auto raw = socket_.Receive()) {
    auto delivery = Deliver(socket_, *std::move(raw), receiver_.self().reads_memory);
    if (!delivery->status().ok()) {
      receiver_.Contradicts(
          absl::StrCat("a message of it is of no use: ", delivery->status().message()));
      continue;
    }
    const Arrival arrival = receiver_.Receive(delivery->message(), delivery->wire_size(), now_ns);
    if (arrival != Arrival::kTake) continue;
    delivery->set_sender(receiver_.restarts());
    take(std::move(delivery));
  }
  Send(now_ns);
  waits_.Note(
      "sink", !socket_.in_process() && receiver_.state() == LinkState::kWaiting, now_ns,
      [this] { return absl::StrCat("the reassembler at '", socket_.bound_address(), "'"); });
  LogLinkState("sink", receiver_.peer_name(), receiver_.state(), &logged_state_, now_ns, &states_);
  if (receiver_.state() == LinkState::kRefused) return Refused(receiver_.refusal());
  return absl::OkStatus();
}

void ReceivingDealer::Send(int64_t now_ns) {
  while (const auto out = receiver_.NextToSend(now_ns)) {
    if (!socket_.Send(*out)) break;
  }
}

}  // namespace flowstitch
