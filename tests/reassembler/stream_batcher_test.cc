// Batches of streams are the same events and bytes whichever way they go.
#include "reassembler/stream_batcher.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace flowstitch {
namespace {

struct Got {
  std::string events;   // one line each
  std::string payload;  // of all batches
  size_t batches = 0;
  size_t shared = 0;  // of these batches
};

class Ways : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto made = SharedMemory::Make(3);
    ASSERT_TRUE(made.ok()) << made.status();
    writes_ = *SharedMemory::OpenToWrite(made->write);
    reads_ = {*SharedMemory::OpenToRead(made->read)};
  }

  // What a receiver makes of a batch.
  void Take(const WireMessage& message, Got* got) const {
    const Delivery delivery(zmq::message_t(message.bytes().data(), message.bytes().size()), reads_);
    ASSERT_TRUE(delivery.status().ok()) << delivery.status();
    EXPECT_EQ(delivery.message().sequence(), ++got->batches);
    if (delivery.borrowed()) ++got->shared;
    PayloadReader payload(delivery);
    for (const wire::StreamEvent& event : delivery.message().streams().events()) {
      got->events += event.ShortDebugString() + "\n";
      ByteView bytes;
      ASSERT_TRUE(payload.Take(event.bytes().length(), &bytes));
      got->payload += AsText(bytes);
    }
    EXPECT_TRUE(payload.at_end());
  }

  // Bytes of all sizes, some of more than a block; `kept` batches are not acknowledged for a while.
  Got Run(StreamBatcher& batcher, uint32_t seed, size_t kept) const {
    std::mt19937 random(seed);
    Got got;
    std::deque<WireMessage> under_way;
    const auto flush = [&] {
      under_way.push_back(batcher.Flush(got.batches + 1));
      Take(under_way.back(), &got);
      while (under_way.size() > kept) under_way.pop_front();
    };
    uint64_t offset = 0;
    for (int i = 0; i < 3000; ++i) {
      const size_t most = i % 1500 == 1499 ? 3 << 20 : 3000;
      std::vector<uint8_t> bytes(random() % most);
      for (size_t b = 0; b < bytes.size(); b += 64) bytes[b] = static_cast<uint8_t>(random());
      batcher.OnBytes(7, kClientToServer, offset, bytes, {i, {}});
      offset += bytes.size();
      const bool early = random() % 1000 == 0;
      if (batcher.full() || early) flush();
    }
    flush();
    return got;
  }

  std::shared_ptr<SharedMemory> writes_;
  SharedMemories reads_;
};

TEST_F(Ways, SharedOrCarried) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    // With as many batches under way as there are blocks, none is free now and then.
    const size_t kept = seed % 5;
    StreamBatcher carries(1, 0);
    const Got wanted = Run(carries, seed, kept);
    EXPECT_EQ(wanted.shared, 0u);
    StreamBatcher shares(1, 0);
    shares.ShareMemory(MemoryBlocks(writes_));
    const Got got = Run(shares, seed, kept);
    EXPECT_GT(got.shared, 0u) << seed << " of " << got.batches;
    EXPECT_LT(got.shared, got.batches) << "small ones, and those larger than a block, are carried";
    ASSERT_TRUE(got.events == wanted.events);
    ASSERT_TRUE(got.payload == wanted.payload);
  }
}

}  // namespace
}  // namespace flowstitch
