// The receiving half of a link towards one peer, without I/O: LinkMessages and steady time in, a
// verdict on each sequenced message and acknowledgements out. Messages are taken in order only; a
// repeated one is dropped, and when one is missing the peer is asked to send again from there.
#ifndef FLOWSTITCH_TRANSPORT_LINK_RECEIVER_H_
#define FLOWSTITCH_TRANSPORT_LINK_RECEIVER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "proto/link.pb.h"
#include "transport/hello.h"
#include "transport/link_sender.h"
#include "transport/wire_message.h"

namespace flowstitch {

enum class Arrival {
  kTake,       // the next in order: it is the caller's, who calls Finish when done with it
  kDuplicate,  // here already
  kDropped,    // out of order or not from a peer that said Hello; it will come again
};

class LinkReceiver {
 public:
  LinkReceiver(LinkIdentity self, wire::Role peer_role, bool dials, uint64_t window_bytes);

  // A message without a sequence number.
  void Receive(const wire::LinkMessage& message, int64_t now_ns);
  // A message with one: a batch or End.
  Arrival ReceiveSequenced(uint64_t sequence, int64_t now_ns);
  // The caller is done with everything up to and with `sequence`: its bytes are where they belong.
  void Finish(uint64_t sequence, size_t finished_bytes);

  // What to put on the wire next, or nothing; to be called as LinkSender::NextToSend.
  std::optional<WireMessage> NextToSend(int64_t now_ns);

  void set_flows(uint64_t flows) { flows_ = flows; }

  const LinkIdentity& self() const { return self_; }
  LinkState state() const { return state_; }
  const std::string& refusal() const { return refusal_; }
  const std::string& peer_name() const { return peer_name_; }
  uint64_t peer_epoch() const { return peer_epoch_; }
  bool peer_live() const { return peer_live_; }
  int64_t last_heard_ns() const { return last_heard_ns_; }
  // The watermark of the peer's last Heartbeat.
  TimeNs heartbeat_watermark_ns() const { return watermark_ns_; }
  uint64_t received() const { return received_; }
  uint64_t finished() const { return finished_; }
  // For a process that has finished with its peer's End and wants to end: whether the peer knows,
  // or has been silent for so long that it will not hear of it. To be asked until it is so, between
  // calls of NextToSend, which say it again.
  bool MayGo(int64_t now_ns);
  uint64_t duplicates() const { return duplicates_; }
  // Sequenced messages that a restarted peer, or a peer that could not keep them, will never send.
  uint64_t missed() const { return missed_; }
  // Frames that an earlier process in this one's place had finished with, of the peer's epoch.
  uint64_t frames_before() const { return frames_before_; }
  // How often the peer has come with a new epoch, that is, was restarted.
  uint64_t restarts() const { return restarts_; }

 private:
  void OnHello(const wire::Hello& hello, int64_t now_ns);
  void QueueHello(int64_t now_ns);
  std::optional<WireMessage> AcknowledgementIfDue(int64_t now_ns);

  const LinkIdentity self_;
  const wire::Role peer_role_;
  const bool dials_;
  const uint64_t window_bytes_;

  LinkState state_ = LinkState::kWaiting;
  std::string refusal_;
  std::string peer_name_;
  uint64_t peer_epoch_ = 0;
  bool peer_live_ = false;
  std::deque<WireMessage> control_;

  uint64_t received_ = 0;
  uint64_t finished_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t missed_ = 0;
  uint64_t restarts_ = 0;
  uint64_t frames_before_ = 0;
  uint64_t flows_ = 0;
  TimeNs watermark_ns_ = kTimeMin;

  uint64_t told_received_ = 0;  // what the last Acknowledgement said
  uint64_t told_finished_ = 0;
  uint64_t untold_bytes_ = 0;  // finished, and the peer does not know
  bool resend_wanted_ = false;
  bool acknowledge_now_ = false;
  bool dismissed_ = false;  // the peer said Farewell

  int64_t last_heard_ns_ = 0;
  int64_t last_said_ns_ = 0;
  int64_t last_hello_ns_ = 0;
  int64_t last_resend_ns_ = 0;
  bool hello_said_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_RECEIVER_H_
