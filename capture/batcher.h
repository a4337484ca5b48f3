// Frames into PacketBatches: all of one link type, up to about 256 KiB or a few tens of ms.
#ifndef FLOWSTITCH_CAPTURE_BATCHER_H_
#define FLOWSTITCH_CAPTURE_BATCHER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/key_log_lines.h"
#include "base/memory/memory_blocks.h"
#include "base/packet_clock.h"
#include "proto/packet_batch.pb.h"
#include "transport/link/blob_message.h"

namespace flowstitch {

struct BatcherLimits {
  size_t batch_bytes = 256 << 10;    // flushed when full
  int batch_frames = 4096;           // flushed when it has so many
  int64_t delay_ns = 20 * kNsPerMs;  // flushed when its first frame has waited so long
};

class Batcher {
 public:
  Batcher(std::string source, uint64_t epoch, bool live, BatcherLimits limits = {});
  // From now on batches are handed over within the process. They may be larger: nothing is copied,
  // and there are fewer to wake somebody for.
  void HandOver();
  // The peer may read this memory: frames that lie in it stay there.
  void ShareMemory(std::shared_ptr<const SharedMemory> memory);
  bool keeps_blocks() const { return place_ != FramePlace::kMessage; }
  // Frames that follow may lie in `block` (null: in none), which stays as it is as long as it is
  // kept: they are not copied where batches are handed over, or the block is of the shared memory.
  // They come in the order in which they lie there.
  void set_block(const std::shared_ptr<const uint8_t[]>& block) {
    block_ = Reaches(block.get()) ? block : nullptr;
  }

  // Whether `frame` would not fit into the batch under way: then Flush comes first.
  bool MustFlushBefore(const Frame& frame) const;
  void Add(const Frame& frame, int64_t now_ns);

  // They go with the next batch.
  KeyLogLines& tls_secrets() { return tls_secrets_; }
  // The source's figures, to go with the next batch.
  void SetLedger(const wire::SourceLedger& ledger) { *fields_.mutable_source_ledger() = ledger; }

  bool empty() const { return fields_.capture_time_ns_size() == 0; }
  // Whether the batch has waited long enough (of a steady clock).
  bool due(int64_t now_ns) const {
    return !empty() && now_ns - first_added_ns_ >= limits_.delay_ns;
  }
  int frames() const { return fields_.capture_time_ns_size(); }
  // No frame before it is still to come. Of a file, as far as its clock can be believed.
  TimeNs watermark_ns() const { return watermark_ns_; }

  // The batch as link message number `sequence`; `batch` gets the part for taps (nothing where it
  // is handed over).
  WireMessage Flush(uint64_t sequence, WireMessage* batch);

 private:
  // How frames go to the reassembler.
  enum class FramePlace {
    kMessage,  // copied into it
    kHanded,   // they stay in their block, which the peer gets
    kShared,   // they stay there, and the peer reads it
  };
  bool Reaches(const uint8_t* block) const {
    if (place_ == FramePlace::kShared) return memory_->Has({block, 0});
    return place_ == FramePlace::kHanded;
  }
  // Whether the frame would stay where it is.
  bool MayStay(const Frame& frame) const { return InBlock(block_, frame.bytes); }
  // A batch keeps all of its block, and is counted so.
  bool uses_block() const {
    return batch_block_ != nullptr && frame_bytes_ >= MemoryBlocks::kBlockBytes / 2;
  }
  void CopyFrames();
  size_t OtherBytes() const;
  WireMessage Hand(uint64_t sequence);
  WireMessage Share(uint64_t sequence);
  WireMessage Finish(uint64_t sequence, WireMessage* batch);

  BatcherLimits limits_;
  wire::PacketBatch fields_;
  BlobBuffer frames_;
  std::shared_ptr<const uint8_t[]> block_;
  std::shared_ptr<const uint8_t[]>
      batch_block_;         // that the frames under way stay in; null: they are copied
  ByteView stay_;           // from the first of them to the last
  size_t frame_bytes_ = 0;  // of all frames under way
  KeyLogLines tls_secrets_;
  FramePlace place_ = FramePlace::kMessage;
  std::shared_ptr<const SharedMemory> memory_;  // that is shared
  uint64_t next_frame_ = 0;
  int64_t first_added_ns_ = 0;
  TimeNs watermark_ns_ = kTimeMin;
  PacketClock clock_{{.doubts_first = true, .follows_back = true}};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_BATCHER_H_
