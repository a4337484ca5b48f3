// Batches whose payload lies in shared memory.
#include "transport/link/shared_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "transport/link/blob_message.h"
#include "transport/link/delivery.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;

class SharedBatches : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto made = SharedMemory::Make(2);
    ASSERT_TRUE(made.ok()) << made.status();
    memory_ = *SharedMemory::OpenToWrite(made->write);
    reads_ = {*SharedMemory::OpenToRead(made->read)};
  }

  // Frames of random sizes at random places of a block.
  WireMessage Frames(uint64_t sequence, std::vector<std::string>* frames) {
    uint8_t* block = memory_->Block(sequence % 2);
    wire::LinkMessage message;
    message.set_sequence(sequence);
    wire::PacketBatch& batch = *message.mutable_packets();
    batch.set_source("s");
    const size_t start = random_() % 100;
    size_t at = start;
    for (size_t i = 0; i < 1 + random_() % 50; ++i) {
      std::string frame(random_() % 2000, '\0');
      for (char& c : frame) c = static_cast<char>(random_());
      std::memcpy(block + at, frame.data(), frame.size());
      batch.add_frame_offset(static_cast<uint32_t>(at - start));
      batch.add_captured_length(static_cast<uint32_t>(frame.size()));
      at += frame.size();
      frames->push_back(std::move(frame));
      if (i < 49) at += random_() % 64;
    }
    const size_t end = start + batch.frame_offset(batch.frame_offset_size() - 1) +
                       batch.captured_length(batch.captured_length_size() - 1);
    return ShareBatch(&message, {block + start, end - start}, *memory_, nullptr);
  }

  static Delivery Received(const WireMessage& message, const SharedMemories& memories) {
    return Delivery(zmq::message_t(message.bytes().data(), message.bytes().size()), memories);
  }

  std::mt19937 random_{3};
  std::shared_ptr<SharedMemory> memory_;
  SharedMemories reads_;
};

TEST_F(SharedBatches, FramesAreTheSameWhetherCarriedOrShared) {
  for (uint64_t sequence = 1; sequence <= 200; ++sequence) {
    std::vector<std::string> frames;
    const WireMessage message = Frames(sequence, &frames);
    const Delivery shared = Received(message, reads_);
    ASSERT_TRUE(shared.status().ok()) << shared.status();
    EXPECT_TRUE(shared.borrowed());
    EXPECT_EQ(shared.wire_size(), message.size()) << "both ends count alike";
    EXPECT_GT(message.size(), SharedMemory::kBlockBytes);
    EXPECT_TRUE(reads_[0]->Has(shared.blob()));
    const WireMessage whole = WithPayload(*message.shared());
    EXPECT_EQ(whole.shared(), nullptr);
    const Delivery carried = Received(whole, {});
    ASSERT_TRUE(carried.status().ok()) << carried.status();
    EXPECT_FALSE(carried.borrowed());
    const wire::PacketBatch& fields = shared.message().packets();
    size_t at = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
      const auto n = static_cast<int>(i);
      ASSERT_EQ(AsText(shared.blob().subspan(fields.frame_offset(n), fields.captured_length(n))),
                frames[i]);
      ASSERT_EQ(AsText(carried.blob().subspan(at, frames[i].size())), frames[i]);
      at += frames[i].size();
    }
    EXPECT_EQ(at, carried.blob().size());
    EXPECT_EQ(carried.message().packets().frame_offset_size(), 0);
    EXPECT_EQ(carried.message().packets().source(), "s");
    EXPECT_EQ(carried.message().sequence(), sequence);
  }
}

TEST_F(SharedBatches, PayloadThatIsNotThereIsRefused) {
  std::vector<std::string> frames;
  const WireMessage message = Frames(1, &frames);
  const Delivery unknown = Received(message, {});
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr("not in memory that is shared"));
  for (const auto& [offset, length] : std::vector<std::pair<uint64_t, uint64_t>>{
           {2 << 20, 1}, {0, (2 << 20) + 1}, {UINT64_MAX, 2}, {2, UINT64_MAX}}) {
    wire::LinkMessage bad;
    bad.set_sequence(1);
    wire::SharedBytes* place = bad.mutable_streams()->mutable_shared_payload();
    place->set_memory(memory_->id());
    place->set_offset(offset);
    place->set_length(length);
    const WireMessage wire(bad.SerializeAsString());
    EXPECT_FALSE(Received(wire, reads_).status().ok()) << offset << " " << length;
    place->set_offset(0);
    place->set_length(5);
    EXPECT_TRUE(Received(WireMessage(bad.SerializeAsString()), reads_).status().ok());
  }
}

TEST_F(SharedBatches, OnlyAPeerThatReadsTheMemoryIsToldWhereThePayloadIs) {
  SendLog log(1 << 24);
  std::vector<std::string> frames;
  log.Append(Frames(1, &frames));
  const auto other = SharedMemory::Make(1);
  ASSERT_TRUE(other.ok());
  const SharedMemories wrong = {*SharedMemory::OpenToRead(other->read)};
  close(other->write);
  for (const auto& [reads, shared] :
       std::vector<std::pair<SharedMemories, bool>>{{{}, false}, {wrong, false}, {reads_, true}}) {
    LinkSender sender({wire::CAPTURE, "c", 1, false, memory_}, wire::REASSEMBLER_INPUT, true, &log);
    LinkReceiver receiver({wire::REASSEMBLER_INPUT, "r", 2, false, nullptr, reads}, wire::CAPTURE,
                          false, 1 << 24);
    std::vector<WireMessage> batches;
    for (int64_t now_ns = 1; now_ns < 10; ++now_ns) {
      wire::LinkMessage message;
      ByteView blob;
      while (const auto out = sender.NextToSend(now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        if (message.sequence() == 0) {
          receiver.Receive(message, out->size(), now_ns);
        } else {
          batches.push_back(*out);
        }
      }
      while (const auto out = receiver.NextToSend(now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        sender.Receive(message, now_ns);
      }
    }
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].shared() != nullptr, shared);
    EXPECT_TRUE(Received(batches[0], reads).status().ok());
  }
}

}  // namespace
}  // namespace flowstitch
