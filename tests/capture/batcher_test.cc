#include "capture/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "capture/frame_filter.h"
#include "capture/shard_choice.h"
#include "tests/support/packet_builder.h"
#include "transport/link/handed_batch.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using namespace flowstitch::testing;

TEST(Batcher, KeepsFramesAndWhatIsKnownOfThem) {
  Batcher batcher("sensor", 99, false);
  const Packet a(20, 'a');
  const Packet b(30, 'b');
  batcher.Add({a, 25, kLinkEthernet, 2000}, 0);
  batcher.Add({b, 30, kLinkEthernet, 1000}, 0);
  WireMessage tapped;
  const WireMessage message = batcher.Flush(1, &tapped);
  wire::PacketBatch batch;
  ASSERT_TRUE(batch.ParseFromString(std::string(AsText(tapped.bytes()))));
  EXPECT_EQ(batch.source(), "sensor");
  EXPECT_EQ(batch.first_frame(), 0u);
  EXPECT_EQ(batch.watermark_ns(), 2000);
  EXPECT_THAT(batch.capture_time_ns(), ::testing::ElementsAre(2000, 1000));
  EXPECT_THAT(batch.captured_length(), ::testing::ElementsAre(20u, 30u));
  EXPECT_THAT(batch.wire_length(), ::testing::ElementsAre(25u, 30u));
  EXPECT_EQ(batch.frames(), std::string(20, 'a') + std::string(30, 'b'));
  batcher.Add({a, 20, kLinkEthernet, 3000}, 0);
  batcher.Flush(2, &tapped);
  ASSERT_TRUE(batch.ParseFromString(std::string(AsText(tapped.bytes()))));
  EXPECT_EQ(batch.first_frame(), 2u);
}

TEST(Batcher, FlushesForSizeCountAgeAndLinkType) {
  BatcherLimits limits;
  limits.batch_bytes = 100;
  limits.batch_frames = 3;
  limits.delay_ns = 10;
  Batcher batcher("s", 1, true, limits);
  const Packet p(40, 'x');
  const Frame frame{p, 40, kLinkEthernet, 0};
  EXPECT_FALSE(batcher.MustFlushBefore(frame));
  batcher.Add(frame, 100);
  EXPECT_FALSE(batcher.due(109));
  EXPECT_TRUE(batcher.due(110));
  EXPECT_TRUE(batcher.MustFlushBefore({p, 40, kLinkRaw, 0}));
  batcher.Add(frame, 101);
  EXPECT_TRUE(batcher.MustFlushBefore(frame));  // 120 bytes
  EXPECT_FALSE(batcher.MustFlushBefore({{}, 0, kLinkEthernet, 0}));
  batcher.Add({{}, 0, kLinkEthernet, 0}, 102);
  EXPECT_TRUE(batcher.MustFlushBefore({{}, 0, kLinkEthernet, 0}));  // three frames
}

class HandedBatches : public ::testing::Test {
 protected:
  HandedBatches() : batcher_("s", 1, false) {
    batcher_.HandOver();
    NextBlock();
  }
  void NextBlock() {
    block_ = blocks_.Take();
    std::memset(block_.get(), 0, MemoryBlocks::kBlockBytes);
    batcher_.set_block(block_);
  }
  Frame FrameAt(size_t offset, size_t size) const {
    return {{block_.get() + offset, size}, static_cast<uint32_t>(size), kLinkEthernet, 0};
  }
  // Frames of `size` bytes with 16 bytes before each, as a capture file has them.
  void FillBatch(size_t size, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      std::memset(block_.get() + i * (size + 16) + 16, static_cast<int>(i), size);
      const Frame frame = FrameAt(i * (size + 16) + 16, size);
      ASSERT_FALSE(batcher_.MustFlushBefore(frame));
      batcher_.Add(frame, 0);
    }
  }
  // Checks what FillBatch put into it.
  static void ExpectFilled(const HandedBatch& batch, size_t size, size_t count) {
    const wire::PacketBatch& fields = batch.message->packets();
    ASSERT_EQ(static_cast<size_t>(fields.captured_length_size()), count);
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
      const int n = static_cast<int>(i);
      ASSERT_EQ(fields.captured_length(n), size);
      if (fields.frame_offset_size() > 0) at = fields.frame_offset(n);
      ASSERT_LE(at + size, batch.frames.size());
      ASSERT_EQ(batch.frames[at], static_cast<uint8_t>(i));
      ASSERT_EQ(batch.frames[at + size - 1], static_cast<uint8_t>(i));
      at += size;
    }
  }

  MemoryBlocks blocks_;
  std::shared_ptr<uint8_t[]> block_;
  Batcher batcher_;
};

TEST_F(HandedBatches, FramesStayInTheirBlock) {
  FillBatch(1000, 1000);
  const auto batch = batcher_.Flush(1, nullptr).handed();
  ExpectFilled(*batch, 1000, 1000);
  EXPECT_EQ(batch->frames.data(), block_.get() + 16);
  EXPECT_GE(batch->bytes, MemoryBlocks::kBlockBytes) << "it keeps all of it";
  // A block that nobody keeps is used again, this one is kept.
  const uint8_t* kept = block_.get();
  NextBlock();
  const uint8_t* second = block_.get();
  NextBlock();
  NextBlock();
  EXPECT_NE(second, kept);
  EXPECT_NE(block_.get(), kept);
  ExpectFilled(*batch, 1000, 1000);
}

TEST_F(HandedBatches, FewFramesAreCopiedOutOfTheirBlock) {
  FillBatch(1000, 100);
  const auto batch = batcher_.Flush(1, nullptr).handed();
  ExpectFilled(*batch, 1000, 100);
  EXPECT_EQ(batch->message->packets().frame_offset_size(), 0);
  EXPECT_EQ(batch->frames.size(), 100'000u);
  EXPECT_LT(batch->bytes, 110'000u);
}

TEST_F(HandedBatches, ABatchHasFramesOfOneBlockOrCopies) {
  batcher_.Add(FrameAt(16, 100), 0);
  EXPECT_FALSE(batcher_.MustFlushBefore(FrameAt(132, 100)));
  const Packet elsewhere(100, 'x');
  EXPECT_TRUE(batcher_.MustFlushBefore({elsewhere, 100, kLinkEthernet, 0}));
  NextBlock();
  EXPECT_TRUE(batcher_.MustFlushBefore(FrameAt(16, 100)));
  batcher_.Flush(1, nullptr);
  batcher_.Add({elsewhere, 100, kLinkEthernet, 0}, 0);
  EXPECT_FALSE(batcher_.MustFlushBefore({elsewhere, 100, kLinkEthernet, 0}));
  EXPECT_TRUE(batcher_.MustFlushBefore(FrameAt(16, 100)));
}

TEST(MemoryBlocks, KnowWhatLiesInThem) {
  MemoryBlocks blocks;
  const auto block = blocks.Take();
  const size_t size = MemoryBlocks::kBlockBytes;
  EXPECT_TRUE(InBlock(block, {block.get(), size}));
  EXPECT_TRUE(InBlock(block, {block.get() + size, 0u}));
  EXPECT_FALSE(InBlock(block, {block.get() + 1, size}));
  EXPECT_FALSE(InBlock(block, {block.get() - 1, 1u}));
  EXPECT_FALSE(InBlock(nullptr, {block.get(), 1u}));
  EXPECT_FALSE(InBlock(nullptr, {}));
}

TEST(FrameFilter, MatchesByLinkType) {
  FrameFilter filter("tcp port 80");
  SegmentSpec spec{End("10.0.0.1", 1234), End("10.0.0.2", 80)};
  const Packet datagram = Datagram(spec);
  const Packet ethernet = EthernetFrame(datagram);
  EXPECT_TRUE(filter.Matches({ethernet, 100, kLinkEthernet, 0}));
  EXPECT_TRUE(filter.Matches({datagram, 100, kLinkRaw, 0}));
  spec.destination.port = 81;
  const Packet other = EthernetFrame(Datagram(spec));
  EXPECT_FALSE(filter.Matches({other, 100, kLinkEthernet, 0}));
  EXPECT_TRUE(FrameFilter("").Matches({other, 100, kLinkEthernet, 0}));
}

TEST(FrameFilter, ABadExpressionIsNamed) {
  const auto status = FrameFilter::Check("tcp portt 80");
  EXPECT_THAT(std::string(status.message()), HasSubstr("bad filter expression 'tcp portt 80'"));
  EXPECT_TRUE(FrameFilter::Check("host 10.0.0.1 and tcp").ok());
}

TEST(ShardChoice, BothDirectionsAndAllFragmentsStayTogether) {
  for (int host = 1; host < 200; ++host) {
    const std::string address = "10.0.0." + std::to_string(host);
    SegmentSpec there{End(address, 1), End("192.0.2.1", 2)};
    SegmentSpec back{End("192.0.2.1", 2), End(address, 1)};
    const Packet a = EthernetFrame(Datagram(there), {7});
    const Packet b = EthernetFrame(Datagram(back));
    const Packet fragment = EthernetFrame(
        IpDatagram(Address(address), Address("192.0.2.1"), 6, Packet(16, 0), 1, 0x2001));
    for (const size_t shards : {1u, 2u, 3u, 8u}) {
      const size_t shard = ChooseShard({a, 0, kLinkEthernet, 0}, shards);
      EXPECT_LT(shard, shards);
      EXPECT_EQ(ChooseShard({b, 0, kLinkEthernet, 0}, shards), shard);
      EXPECT_EQ(ChooseShard({fragment, 0, kLinkEthernet, 0}, shards), shard);
    }
  }
  EXPECT_EQ(ChooseShard({{}, 0, kLinkEthernet, 0}, 4), 0u);
}

}  // namespace
}  // namespace flowstitch
