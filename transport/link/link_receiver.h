// The receiving half of a link towards one peer, without I/O: LinkMessages and steady time in, a
// verdict on each of them and acknowledgements out. Batches are taken in order only; a repeated one
// is dropped, and when one is missing the peer is asked to send again from there. A peer that sends
// more than its window is refused, so that what is held of it is bounded.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LINK_RECEIVER_H_
#define FLOWSTITCH_TRANSPORT_LINK_LINK_RECEIVER_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/capture_time.h"
#include "proto/link.pb.h"
#include "transport/link/link_end.h"

namespace flowstitch {

enum class Arrival {
  kTake,       // the next in order: it is the caller's, who calls Finish when done with it
  kDuplicate,  // here already
  kDropped,    // not for the caller: it has no number, is out of order (then it will come again),
               // or its sender did not say Hello or was refused
};

class LinkReceiver : public LinkEnd {
 public:
  LinkReceiver(LinkIdentity self, wire::Role peer_role, bool dials, uint64_t window_bytes);

  // A message from the peer, of `bytes` as a link counts it.
  Arrival Receive(const wire::LinkMessage& message, size_t bytes, int64_t now_ns);
  // The caller is done with a message of `bytes` that came after so many restarts() of the peer,
  // and with everything before it: its bytes are where they belong.
  void Finish(uint64_t restarts, uint64_t sequence, size_t bytes);

  void set_flows(uint64_t flows) { flows_ = flows; }

  bool peer_live() const { return peer_live_; }
  // The watermark of the peer's last Heartbeat.
  TimeNs heartbeat_watermark_ns() const { return watermark_ns_; }
  uint64_t received() const { return received_; }
  uint64_t finished() const { return finished_; }
  // Of messages that were taken and not finished, also of the peer's earlier processes.
  uint64_t unfinished_bytes() const { return unfinished_bytes_ + stale_bytes_; }
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
  struct Unfinished {
    uint64_t sequence;
    size_t bytes;
  };

  void FillOwnHello(wire::Hello* hello) override;
  void OnHello(const wire::Hello& hello, int64_t now_ns) override;
  std::optional<WireMessage> NextWhenOpen(int64_t now_ns) override;
  void OnHeartbeat(const wire::Heartbeat& heartbeat);
  Arrival OnSequenced(uint64_t sequence, size_t bytes);
  void BeginEpoch(const wire::Hello& hello);
  uint64_t window() const { return window_bytes_ - std::min(stale_bytes_, window_bytes_); }

  const uint64_t window_bytes_;

  bool peer_live_ = false;
  uint64_t received_ = 0;
  uint64_t finished_ = 0;
  std::deque<Unfinished> unfinished_;
  uint64_t unfinished_bytes_ = 0;  // of these
  uint64_t stale_bytes_ = 0;       // of earlier epochs: they are not granted again
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
  int64_t last_resend_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LINK_RECEIVER_H_
