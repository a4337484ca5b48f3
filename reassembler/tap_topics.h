// What a consumer of a tap can choose from: a batch of streams, taken apart by protocol and server
// port, each part a StreamBatch of its own with a topic of its own. Topics are in proto/README.md.
#ifndef FLOWSTITCH_REASSEMBLER_TAP_TOPICS_H_
#define FLOWSTITCH_REASSEMBLER_TAP_TOPICS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "transport/link/blob_message.h"

namespace flowstitch {

class TapTopics {
 public:
  explicit TapTopics(uint32_t shard) : shard_(shard) {}

  // Gives out the parts of a batch. Events of one flow stay in order and under one topic.
  using Publisher = std::function<void(std::string_view topic, const WireMessage& batch)>;
  void Split(const wire::StreamBatch& batch, ByteView payload, const Publisher& publish);

 private:
  // Protocol and server port of a flow; 0 for frames of none.
  using Topic = uint32_t;
  struct Part {
    wire::StreamBatch fields;
    std::vector<ByteView> payload;
    size_t payload_bytes = 0;
  };

  std::string NameOf(Topic topic) const;
  Topic TopicOf(const wire::StreamEvent& event);
  void Publish(Topic topic, Part* part, const wire::StreamBatch& batch, const Publisher& publish);

  const uint32_t shard_;
  absl::flat_hash_map<uint64_t, Topic> open_;       // by flow
  absl::flat_hash_map<Topic, uint64_t> published_;  // messages of each topic so far
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_TAP_TOPICS_H_
