// What goes to one shard: frames into batches, batches onto its link, and on the disk what the link
// has no room for.
#ifndef FLOWSTITCH_CAPTURE_SHARD_OUTPUT_H_
#define FLOWSTITCH_CAPTURE_SHARD_OUTPUT_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "capture/batcher.h"
#include "capture/files/spool.h"
#include "transport/dealer_link.h"

namespace flowstitch {

class ShardOutput {
 public:
  // Gets each batch, for a tap.
  using OnBatch = std::function<void(const WireMessage& batch)>;

  // `on_batch` may be empty. `self`: the capture. `buffer_bytes`: kept for a reassembler that has
  // not acknowledged them.
  ShardOutput(Socket socket, const LinkIdentity& self, size_t buffer_bytes, OnBatch on_batch)
      : link_(std::move(socket), self, wire::REASSEMBLER_INPUT, buffer_bytes),
        batcher_(self.name, self.epoch, self.live),
        on_batch_(std::move(on_batch)) {
    // A tap needs bytes.
    if (on_batch_) return;
    if (link_.socket().in_process()) batcher_.HandOver();
    if (self.writes_memory != nullptr) batcher_.ShareMemory(self.writes_memory);
  }
  void set_spool(std::unique_ptr<Spool> spool) { spool_ = std::move(spool); }

  // Whether the frame needs a new batch: a reader of files makes room for it first.
  bool MustFlushBefore(const Frame& frame) const { return batcher_.MustFlushBefore(frame); }
  // Into the batch under way, whether or not the link has room.
  void Send(const Frame& frame, int64_t now_ns);
  // A live frame goes where there is room, behind those that wait already.
  enum class Went { kSent, kSpooled, kDropped };
  Went TakeLive(const Frame& frame, int64_t now_ns);
  Batcher& batcher() { return batcher_; }
  void SetLedger(const wire::SourceLedger& ledger) { batcher_.SetLedger(ledger); }

  // Ends the batch under way.
  void Flush();
  void FlushIfDue(int64_t now_ns) {
    if (batcher_.due(now_ns)) Flush();
  }
  // What waits on the disk goes, as far as there is room, and not so much at a time that an
  // interface is kept waiting. The number of frames that went.
  uint64_t DrainSpool(int64_t now_ns);
  // The last message: totals and what came behind the last batch.
  void AppendEnd(wire::End end);

  // Reads what has come and sends what may go; never blocks.
  absl::Status Service(int64_t now_ns);

  SendingDealer& link() { return link_; }
  const SendingDealer& link() const { return link_; }
  TimeNs watermark_ns() const { return batcher_.watermark_ns(); }
  bool full() const { return link_.full(); }
  bool waits_on_disk() const { return spool_ != nullptr && !spool_->empty(); }
  const Spool* spool() const { return spool_.get(); }  // null: none

 private:
  SendingDealer link_;
  Batcher batcher_;
  std::unique_ptr<Spool> spool_;
  OnBatch on_batch_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_SHARD_OUTPUT_H_
