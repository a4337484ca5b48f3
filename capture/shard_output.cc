#include "capture/shard_output.h"

namespace flowstitch {
namespace {

constexpr int kSpooledFramesPerTurn = 4096;

}  // namespace

void ShardOutput::Send(const Frame& frame, int64_t now_ns) {
  if (batcher_.MustFlushBefore(frame)) Flush();
  batcher_.Add(frame, now_ns);
}

ShardOutput::Went ShardOutput::TakeLive(const Frame& frame, int64_t now_ns) {
  if (!waits_on_disk() && !link_.full()) {
    Send(frame, now_ns);
    return Went::kSent;
  }
  // Without room on the disk the newest goes, what was promised stays.
  return spool_ != nullptr && spool_->Append(frame) ? Went::kSpooled : Went::kDropped;
}

void ShardOutput::Flush() {
  if (batcher_.empty()) return;
  WireMessage batch;
  const auto frames = static_cast<uint64_t>(batcher_.frames());
  link_.Append(batcher_.Flush(link_.next_sequence(), &batch), frames);
  link_.set_watermark_ns(batcher_.watermark_ns());
  if (on_batch_) on_batch_(batch);
}

uint64_t ShardOutput::DrainSpool(int64_t now_ns) {
  if (spool_ == nullptr) return 0;
  spool_->Flush(now_ns);
  Frame frame;
  uint64_t sent = 0;
  while (sent < kSpooledFramesPerTurn && !link_.full() && spool_->Next(&frame)) {
    Send(frame, now_ns);
    ++sent;
  }
  // At the latest, the batch under way has it all.
  spool_->Handed(link_.next_sequence());
  return sent;
}

void ShardOutput::AppendEnd(wire::End end) {
  Flush();
  wire::LinkMessage message;
  message.set_sequence(link_.next_sequence());
  end.set_batches(message.sequence() - 1);
  batcher_.tls_secrets().MoveTo(&end);
  *message.mutable_end() = std::move(end);
  link_.AppendLast(WireMessage(message.SerializeAsString()));
}

absl::Status ShardOutput::Service(int64_t now_ns) {
  const absl::Status status = link_.Service(now_ns);
  if (spool_ != nullptr) spool_->Acknowledged(link_.core().acknowledged());
  return status;
}

}  // namespace flowstitch
