// Where the payload of a StreamBatch lies while it is filled, and how it goes to the sinks.
#ifndef FLOWSTITCH_REASSEMBLER_STREAM_PAYLOAD_H_
#define FLOWSTITCH_REASSEMBLER_STREAM_PAYLOAD_H_

#include <memory>

#include "base/memory/memory_blocks.h"
#include "transport/link/blob_message.h"
#include "transport/link/delivery.h"
#include "transport/link/handed_batch.h"

namespace flowstitch {

class StreamPayload {
 public:
  virtual ~StreamPayload() = default;
  // A batch begins; `batch` lives until it is finished.
  virtual void Begin(HandedBatch* batch) = 0;
  virtual void Add(ByteView bytes) = 0;
  // Memory of others that the batch keeps.
  virtual size_t kept_bytes() const { return 0; }
  // The batch as link message number `sequence`. `other_bytes`: of everything but payload, about.
  virtual WireMessage Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                             size_t other_bytes) = 0;
  // What was added, where it lies in the message.
  virtual ByteView view() const { return {}; }
};

// Copied into the message.
class CopiedPayload : public StreamPayload {
 public:
  // Room for so much in front of the payload, and for the payload.
  CopiedPayload(size_t headroom, size_t capacity) : bytes_(headroom, capacity) {}

  void Begin(HandedBatch* /*batch*/) override {}
  void Add(ByteView bytes) override { bytes_.Append(bytes); }
  WireMessage Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                     size_t other_bytes) override;
  ByteView view() const override { return bytes_.view(); }

 private:
  BlobBuffer bytes_;
};

// Copied into a block of shared memory, as long as one is free and there is enough for it.
class SharedPayload : public StreamPayload {
 public:
  SharedPayload(const MemoryBlocks& blocks, size_t headroom)
      : blocks_(blocks), copied_(headroom, MemoryBlocks::kBlockBytes) {}

  void Begin(HandedBatch* batch) override;
  void Add(ByteView bytes) override;
  WireMessage Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                     size_t other_bytes) override;

 private:
  void LeaveBlock();

  const MemoryBlocks blocks_;
  std::shared_ptr<uint8_t[]> block_;  // null: none was free
  bool in_block_ = false;
  size_t size_ = 0;  // of what is in the block
  CopiedPayload copied_;
};

// Handed over within the process: what lies in the frames' batch stays there.
class HandedPayload : public StreamPayload {
 public:
  void Begin(HandedBatch* batch) override;
  void Add(ByteView bytes) override;
  size_t kept_bytes() const override { return kept_bytes_; }
  WireMessage Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                     size_t other_bytes) override;

  // Where the frames that follow lie; null: nowhere.
  void set_frame_batch(std::shared_ptr<Delivery> batch) { frame_batch_ = std::move(batch); }

 private:
  HandedBatch* batch_ = nullptr;
  std::shared_ptr<Delivery> frame_batch_;
  std::shared_ptr<Delivery> last_kept_;
  size_t copied_bytes_ = 0;
  size_t kept_bytes_ = 0;  // of batches of packets
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_STREAM_PAYLOAD_H_
