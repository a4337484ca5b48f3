#include "transport/dealer_link.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {

absl::Status DealerEnd::SendAndTell(LinkEnd* link, int64_t now_ns) {
  while (const auto out = link->NextToSend(now_ns)) {
    if (!socket_.Send(*out)) break;
  }
  const bool waits = !socket_.in_process() && link->state() == LinkState::kWaiting;
  waits_.Note(who_, waits, now_ns, [this] {
    return absl::StrCat("the reassembler at '", socket_.bound_address(), "'");
  });
  LogLinkState(who_, link->peer_name(), link->state(), &logged_state_, now_ns, &states_);
  if (link->state() != LinkState::kRefused) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the link was refused: ", link->refusal()));
}

SendingDealer::SendingDealer(Socket socket, LinkIdentity self, wire::Role peer_role,
                             size_t buffer_bytes)
    : end_("capture", std::move(socket)),
      log_(buffer_bytes),
      sender_(this->socket().Introduce(std::move(self)), peer_role, /*dials=*/true, &log_) {}

absl::Status SendingDealer::Service(int64_t now_ns) {
  wire::LinkMessage message;
  while (const auto raw = socket().Receive()) {
    if (ReadControlMessage(*raw, &message, &sender_)) sender_.Receive(message, now_ns);
  }
  log_.ForgetThrough(sender_.acknowledged());
  sender_.NoteStall(now_ns);
  return end_.SendAndTell(&sender_, now_ns);
}

ReceivingDealer::ReceivingDealer(Socket socket, LinkIdentity self, wire::Role peer_role,
                                 uint64_t window_bytes)
    : end_("sink", std::move(socket)),
      receiver_(this->socket().Introduce(std::move(self)), peer_role, /*dials=*/true,
                window_bytes) {}

absl::Status ReceivingDealer::Service(int64_t now_ns, const Taker& take) {
  while (auto raw = socket().Receive()) {
    auto delivery = Deliver(socket(), *std::move(raw), receiver_.self().reads_memory);
    if (Arrived(*delivery, &receiver_, now_ns)) take(std::move(delivery));
  }
  return end_.SendAndTell(&receiver_, now_ns);
}

}  // namespace flowstitch
