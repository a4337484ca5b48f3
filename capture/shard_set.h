// Where a capture's frames go: all shards, each by a link of its own.
#ifndef FLOWSTITCH_CAPTURE_SHARD_SET_H_
#define FLOWSTITCH_CAPTURE_SHARD_SET_H_

#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "capture/shard_choice.h"
#include "capture/shard_output.h"
#include "transport/metrics_text.h"

namespace flowstitch {

class ShardSet {
 public:
  // Connects to every endpoint, the shards in their order. See ShardOutput.
  absl::Status Open(zmq::context_t& context, const std::string& endpoints,
                    const LinkSecurity& security, const LinkIdentity& self, size_t buffer_bytes,
                    const ShardOutput::OnBatch& on_batch);
  // A place on the disk for each; `found` gets the frames that an earlier process left there.
  absl::Status OpenSpools(const SpoolOptions& of_all, uint64_t* found);

  // The one whose frame it is.
  ShardOutput& Of(const Frame& frame) { return *shards_[ChooseShard(frame, shards_.size())]; }
  // Whether frames stay where they are in a block, and that block; see Batcher.
  bool keeps_blocks() const;
  void set_block(const std::shared_ptr<const uint8_t[]>& block);
  // Every shard may have the flows that they are of.
  void AddTlsSecrets(const KeyLogLines& secrets);
  void SetLedger(const wire::SourceLedger& figures);
  void FlushDue(int64_t now_ns);
  // All that is there goes out, and how far the source has come is told to all: a shard that waits
  // for its next frames must not wait for another shard's room.
  void FlushAndTellWatermark();
  // What waits on the disk goes, as far as there is room; the number of frames that went.
  uint64_t DrainSpools(int64_t now_ns);
  void AppendEnd(const wire::End& end);
  // Reads what has come and sends what may go; never blocks. The first shard's refusal.
  absl::Status Service(int64_t now_ns);

  const std::vector<Socket*>& sockets() const { return sockets_; }
  // Of the disk: the first failure.
  absl::Status spool_status() const;
  uint64_t spool_left() const;
  bool waits_on_disk() const;
  // Whether one of them can be reached.
  bool reached() const;
  // Whether all have taken everything.
  bool drained() const;
  // Flows that the first one knows of, for people.
  uint64_t peer_flows() const { return shards_[0]->link().core().peer_flows(); }
  void AddMetrics(const std::string& source, int64_t now_ns, MetricsText* text) const;

 private:
  std::vector<std::unique_ptr<ShardOutput>> shards_;
  std::vector<Socket*> sockets_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_SHARD_SET_H_
