// Stream events into StreamBatches: up to about 256 KiB or a few tens of ms.
#ifndef FLOWSTITCH_REASSEMBLER_STREAM_BATCHER_H_
#define FLOWSTITCH_REASSEMBLER_STREAM_BATCHER_H_

#include <google/protobuf/arena.h>

#include <functional>
#include <memory>
#include <optional>

#include "base/key_log_lines.h"
#include "base/memory/memory_blocks.h"
#include "proto/stream_batch.pb.h"
#include "reassembler/flows/stream_events.h"
#include "reassembler/stream_payload.h"
#include "transport/link/delivery.h"

namespace flowstitch {

struct StreamBatcherLimits {
  size_t batch_bytes = 256 << 10;    // of payload
  size_t event_bytes = 128 << 10;    // of everything else, about
  size_t kept_bytes = 4 << 20;       // of batches of packets whose frames are not copied
  int64_t delay_ns = 20 * kNsPerMs;  // flushed when its first event has waited so long
};

class StreamBatcher : public StreamEvents {
 public:
  // `community_id_seed`: see CommunityId.
  StreamBatcher(uint64_t epoch, uint32_t shard, uint16_t community_id_seed = 0,
                StreamBatcherLimits limits = {});

  // From now on batches are handed over within the process, and may be larger. Payload that lies in
  // the frame under way stays there.
  void HandOver();
  // From now on payload is put into shared blocks, as long as one is free and there is enough of
  // it.
  void ShareMemory(const MemoryBlocks& blocks);
  // Called when the batch is full and another event comes: it is to be flushed. One frame can bring
  // any number of events, and a message has limits.
  void set_on_full(std::function<void()> on_full) { on_full_ = std::move(on_full); }
  // Where the frames that follow lie.
  void set_frame_batch(std::shared_ptr<Delivery> batch);

  void OnFlowOpened(const FlowInfo& flow) override;
  void OnBytes(FlowId flow, Direction direction, uint64_t offset, ByteView bytes,
               const BytesInfo& info) override;
  void OnVlans(FlowId flow, Direction direction, const VlanTags& vlans) override;
  void OnGap(FlowId flow, Direction direction, uint64_t offset, uint64_t length, GapReason reason,
             TimeNs time_ns) override;
  void OnConflict(FlowId flow, Direction direction, const Conflict& conflict,
                  TimeNs time_ns) override;
  void OnFlowClosed(FlowId flow, const FlowEnd& end) override;
  void OnFrame(std::optional<FlowId> flow, Direction direction, const Frame& frame,
               ByteView payload) override;

  // They go with the next batch.
  KeyLogLines& tls_secrets() { return tls_secrets_; }

  bool empty() const { return fields_->events_size() == 0; }
  bool full() const {
    return payload_bytes_ + tls_secrets_.bytes() >= limits_.batch_bytes ||
           event_bytes_ >= limits_.event_bytes || payload_->kept_bytes() >= limits_.kept_bytes;
  }
  // Whether the batch, or news of how far the reassembler has come, has waited since `now_ns` of an
  // earlier call; of a steady clock.
  bool due(int64_t now_ns);

  // The highest capture time so far, for the batch.
  void set_time_ns(TimeNs time_ns) { fields_->set_time_ns(time_ns); }
  // How far the reassembler has come, for the batch.
  void set_progress(uint64_t frames_taken, uint64_t waiting_bytes) {
    frames_taken_ = frames_taken;
    waiting_bytes_ = waiting_bytes;
  }
  // What the Flush that follows puts into its batch.
  const wire::StreamBatch& fields() {
    tls_secrets_.MoveTo(fields_);
    return *fields_;
  }
  // Not where batches are handed over, or memory is shared.
  ByteView payload() const { return payload_->view(); }
  // The batch as link message number `sequence`.
  WireMessage Flush(uint64_t sequence);

 private:
  wire::StreamEvent* Add(size_t event_bytes);
  void AddPayload(ByteView bytes);
  void Reset();

  StreamBatcherLimits limits_;
  const uint64_t epoch_;
  const uint32_t shard_;
  const uint16_t community_id_seed_;
  std::function<void()> on_full_;       // may be empty
  std::shared_ptr<HandedBatch> batch_;  // under way
  wire::StreamBatch* fields_ = nullptr;
  std::unique_ptr<StreamPayload> payload_;
  HandedPayload* handed_ = nullptr;  // payload_, where it is one
  size_t payload_bytes_ = 0;
  size_t event_bytes_ = 0;
  KeyLogLines tls_secrets_;
  int64_t waiting_since_ns_ = 0;
  uint64_t frames_taken_ = 0;
  uint64_t told_frames_taken_ = 0;
  uint64_t waiting_bytes_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_STREAM_BATCHER_H_
