#include "transport/link/link_end.h"

#include "base/utf8_text.h"
#include "transport/link/link_contract.h"
#include "transport/link/link_limits.h"

namespace flowstitch {

LinkEnd::LinkEnd(LinkIdentity self, wire::Role peer_role, bool dials)
    : self_(WithToken(std::move(self))), peer_role_(peer_role), dials_(dials) {}

void LinkEnd::Queue(const wire::LinkMessage& message) {
  control_.emplace_back(message.SerializeAsString());
}

void LinkEnd::QueueHello(int64_t now_ns) {
  wire::LinkMessage message;
  FillHello(self_, message.mutable_hello());
  FillOwnHello(message.mutable_hello());
  Queue(message);
  last_hello_ns_ = now_ns;
  hello_said_ = true;
}

void LinkEnd::Refuse(const wire::Refusal& refusal) {
  wire::LinkMessage message;
  *message.mutable_refusal() = refusal;
  control_.clear();
  Queue(message);
  state_ = LinkState::kRefused;
  refusal_ = refusal.text();
}

void LinkEnd::Contradicts(const std::string& why) {
  if (state_ == LinkState::kRefused) return;
  Refuse(ContradictionRefusal(peer_name_, why));
}

bool LinkEnd::MayBe(const wire::LinkMessage& message) {
  const std::string why = FindContradiction(message, peer_role_);
  if (!why.empty()) Contradicts(why);
  return why.empty();
}

void LinkEnd::NoteHeard(int64_t now_ns) {
  last_heard_ns_ = now_ns;
  if (state_ == LinkState::kLost) state_ = LinkState::kOpen;
}

bool LinkEnd::OnPeerMessage(const wire::LinkMessage& message, int64_t now_ns) {
  if (message.has_hello()) {
    OnHello(message.hello(), now_ns);
  } else if (message.has_who_are_you()) {
    if (!dials_) return true;
    state_ = LinkState::kWaiting;
    QueueHello(now_ns);
  } else if (message.has_refusal()) {
    state_ = LinkState::kRefused;
    refusal_ = ToPrintable(message.refusal().text());
  } else {
    return false;
  }
  return true;
}

bool LinkEnd::AcceptHello(const wire::Hello& hello) {
  if (const auto refusal = CheckHello(hello, self_, peer_role_)) {
    Refuse(*refusal);
    return false;
  }
  peer_name_ = hello.name();
  peer_epoch_ = hello.epoch();
  peer_token_ = hello.token();
  return true;
}

void LinkEnd::AnswerHello(bool repeats, int64_t now_ns) {
  if (dials_) return;
  if (repeats && hello_said_ && now_ns - last_hello_ns_ < kHelloAnswerIntervalNs) return;
  QueueHello(now_ns);
}

std::optional<WireMessage> LinkEnd::NextToSend(int64_t now_ns) {
  if (state_ == LinkState::kOpen && !self_.in_process && now_ns - last_heard_ns_ > kPeerTimeoutNs) {
    state_ = LinkState::kLost;
  }
  const bool must_dial =
      dials_ && (state_ == LinkState::kWaiting || state_ == LinkState::kLost) && control_.empty();
  if (must_dial && (!hello_said_ || now_ns - last_hello_ns_ >= kHelloIntervalNs)) {
    QueueHello(now_ns);
  }
  if (!control_.empty()) {
    WireMessage message = std::move(control_.front());
    control_.pop_front();
    last_said_ns_ = now_ns;
    return message;
  }
  return state_ == LinkState::kOpen ? NextWhenOpen(now_ns) : std::nullopt;
}

}  // namespace flowstitch
