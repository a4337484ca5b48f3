// Several sources into one SourceMerger, without sockets.
#ifndef FLOWSTITCH_TESTS_SUPPORT_MERGE_RIG_H_
#define FLOWSTITCH_TESTS_SUPPORT_MERGE_RIG_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "capture/batcher.h"
#include "reassembler/delivered_frames.h"
#include "reassembler/sources/source_merger.h"
#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

// `message` as a link delivers it.
inline std::shared_ptr<const FrameBatch> Deliver(std::string_view message) {
  return std::make_shared<DeliveredFrames>(
      std::make_shared<Delivery>(zmq::message_t(message.data(), message.size())));
}
inline std::shared_ptr<const FrameBatch> Deliver(const WireMessage& message) {
  return Deliver(AsText({message.bytes().data(), message.size()}));
}

// Deals packets out to sources, cuts each source's into batches, and merges them with random
// scheduling.
class MergeRig {
 public:
  MergeRig(uint64_t seed, size_t sources, int64_t window_ns = 500 * kNsPerMs)
      : random(seed), merger(window_ns), batches(sources) {
    for (size_t i = 0; i < sources; ++i) {
      merger.AddSource("source-" + std::to_string(i), false);
      BatcherLimits limits;
      limits.batch_frames = 1 + static_cast<int>(random() % 20);
      batchers.push_back(
          std::make_unique<Batcher>("source-" + std::to_string(i), i + 1, false, limits));
    }
  }

  void Add(size_t source, const CapturedPacket& packet) {
    Batcher& batcher = *batchers[source];
    if (batcher.MustFlushBefore(packet.frame())) Flush(source);
    batcher.Add(packet.frame(), 0);
  }
  void Flush(size_t source) {
    if (batchers[source]->empty()) return;
    batches[source].push_back(Deliver(batchers[source]->Flush(1, nullptr)));
  }

  void Run(const std::function<void(const Frame&)>& take) {
    for (size_t i = 0; i < batchers.size(); ++i) Flush(i);
    std::vector<size_t> next(batches.size(), 0);
    size_t ended = 0;
    Frame frame;
    while (ended < batches.size()) {
      const size_t source = random() % batches.size();
      if (next[source] < batches[source].size()) {
        ASSERT_TRUE(merger.AddBatch(source, batches[source][next[source]++]));
      } else if (!merger.ended(source)) {
        merger.EndSource(source, true);
        ++ended;
      }
      while (random() % 4 != 0 && merger.Next(&frame, {})) take(frame);
    }
    while (merger.Next(&frame, {})) take(frame);
  }

  std::mt19937_64 random;
  SourceMerger merger;
  std::vector<std::unique_ptr<Batcher>> batchers;
  std::vector<std::vector<std::shared_ptr<const FrameBatch>>> batches;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_MERGE_RIG_H_
