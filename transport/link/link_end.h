// What both halves of a link have in common: who is at the other end, whether it is there, the
// Hello, and the refusal of a peer that contradicts the contract.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LINK_END_H_
#define FLOWSTITCH_TRANSPORT_LINK_LINK_END_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "proto/link.pb.h"
#include "transport/link/hello.h"
#include "transport/link/wire_message.h"

namespace flowstitch {

enum class LinkState {
  kWaiting,  // no Hello from the peer so far
  kOpen,
  kLost,     // silent beyond the time-out; goes on when it speaks again
  kRefused,  // by either side, or it contradicted the contract; final
};

class LinkEnd {
 public:
  // `dials`: this end says Hello first. `peer_role`: who must be at the other end.
  LinkEnd(LinkIdentity self, wire::Role peer_role, bool dials);
  virtual ~LinkEnd() = default;
  LinkEnd(const LinkEnd&) = delete;
  LinkEnd& operator=(const LinkEnd&) = delete;

  // Refuses the peer: what it said cannot be, or cannot even be read.
  void Contradicts(const std::string& why);

  // The peer comes by another connection: its Hello is answered however soon it comes.
  void NoteNewConnection() { hello_said_ = false; }

  // What to put on the wire next, or nothing. To be called until it gives nothing, after every
  // message from the peer, whenever there is something new, and every few ms.
  std::optional<WireMessage> NextToSend(int64_t now_ns);

  const LinkIdentity& self() const { return self_; }
  LinkState state() const { return state_; }
  const std::string& refusal() const { return refusal_; }
  const std::string& peer_name() const { return peer_name_; }
  uint64_t peer_epoch() const { return peer_epoch_; }
  uint64_t peer_token() const { return peer_token_; }
  int64_t last_heard_ns() const { return last_heard_ns_; }

 protected:
  // What is not the same in both halves.
  virtual void FillOwnHello(wire::Hello* hello) = 0;
  virtual void OnHello(const wire::Hello& hello, int64_t now_ns) = 0;
  virtual std::optional<WireMessage> NextWhenOpen(int64_t now_ns) = 0;

  // False, and the peer is refused, when the message contradicts the contract whatever was before.
  bool MayBe(const wire::LinkMessage& message);
  // A message that says something of the peer itself: Hello, WhoAreYou, Refusal. False when it is
  // of another kind.
  bool OnPeerMessage(const wire::LinkMessage& message, int64_t now_ns);
  void NoteHeard(int64_t now_ns);
  // Checks it and takes over who the peer is; false when it is refused.
  bool AcceptHello(const wire::Hello& hello);
  // Answers it, where this end does not dial. `repeats`: it says what an earlier one said.
  void AnswerHello(bool repeats, int64_t now_ns);
  void QueueHello(int64_t now_ns);
  void Queue(const wire::LinkMessage& message);

  const LinkIdentity self_;
  const wire::Role peer_role_;
  const bool dials_;
  LinkState state_ = LinkState::kWaiting;
  int64_t last_said_ns_ = 0;
  int64_t last_hello_ns_ = 0;

 private:
  void Refuse(const wire::Refusal& refusal);

  std::string refusal_;
  std::string peer_name_;
  uint64_t peer_epoch_ = 0;
  uint64_t peer_token_ = 0;
  std::deque<WireMessage> control_;
  int64_t last_heard_ns_ = 0;
  bool hello_said_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LINK_END_H_
