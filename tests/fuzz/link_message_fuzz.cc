// Bytes as a message on a link, to both of its ends and to the merger behind it.
#include "capture/batcher.h"
#include "reassembler/delivered_frames.h"
#include "reassembler/sources/source_merger.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/packet_builder.h"
#include "transport/link/blob_message.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

// One block, whose id the seeds know too.
const SharedMemories& Memories() {
  static const SharedMemories memories = [] {
    const auto made = SharedMemory::Make(1);
    return SharedMemories{*SharedMemory::OpenToRead(made->read)};
  }();
  return memories;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  wire::LinkMessage message;
  ByteView blob;
  if (!DecodeLinkMessage({data, size}, &message, &blob).ok()) return 0;
  SendLog log(1 << 16);
  for (int i = 0; i < 4; ++i) log.Append(WireMessage("message"));
  for (const bool dials : {false, true}) {
    LinkSender sender({wire::REASSEMBLER_OUTPUT, "s", 1}, wire::SINK, dials, &log);
    LinkReceiver receiver({wire::SINK, "r", 2}, wire::REASSEMBLER_OUTPUT, dials, 1000);
    // The message twice: before and after a Hello that opens the link.
    wire::LinkMessage hello;
    FillHello({wire::SINK, "peer", 3}, hello.mutable_hello());
    hello.mutable_hello()->set_window_bytes(100);
    for (int round = 0; round < 2; ++round) {
      sender.Receive(message, round);
      receiver.Receive(message, size, round);
      int sent = 0;
      while (sender.NextToSend(round)) Must(++sent < 100, "a link does not talk for ever");
      while (receiver.NextToSend(round)) Must(++sent < 100, "a link does not talk for ever");
      sender.Receive(hello, round);
      hello.mutable_hello()->set_role(wire::REASSEMBLER_OUTPUT);
      receiver.Receive(hello, 100, round);
      hello.mutable_hello()->set_role(wire::SINK);
    }
    Must(sender.acknowledged() <= log.last_sequence(), "only what was sent is acknowledged");
  }
  if (!message.has_packets()) return 0;
  SourceMerger merger(0);
  merger.AddSource("x", false);
  auto delivery = std::make_shared<Delivery>(zmq::message_t(data, size), Memories());
  if (!delivery->status().ok()) return 0;
  blob = delivery->blob();
  const bool with_gaps = message.packets().frame_offset_size() > 0;
  if (!merger.AddBatch(0, std::make_shared<DeliveredFrames>(std::move(delivery)))) return 0;
  merger.EndSource(0, true);
  Frame frame;
  uint64_t bytes = 0;
  while (merger.Next(&frame, {})) {
    for (const uint8_t byte : frame.bytes) bytes += byte & 0;
    bytes += frame.bytes.size();
  }
  Must(with_gaps ? bytes <= blob.size() : bytes == blob.size(), "the frames are the blob");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  std::vector<std::string> seeds;
  Batcher batcher("sensor", 7, true);
  const Packet packet(60, 'f');
  for (int i = 0; i < 3; ++i) batcher.Add({packet, 60, kLinkEthernet, i}, 0);
  seeds.emplace_back(AsText(batcher.Flush(3, nullptr).bytes()));
  wire::LinkMessage shared;
  ByteView frames;
  DecodeLinkMessage(AsBytes(seeds.back()), &shared, &frames).IgnoreError();
  wire::PacketBatch& fields = *shared.mutable_packets();
  for (uint32_t i = 0; i < 3; ++i) fields.add_frame_offset(70 * i);
  fields.mutable_shared_frames()->set_memory(Memories()[0]->id());
  fields.mutable_shared_frames()->set_length(200);
  seeds.push_back(shared.SerializeAsString());
  wire::LinkMessage m;
  FillHello({wire::SINK, "sink", 5}, m.mutable_hello());
  m.mutable_hello()->set_window_bytes(1000);
  m.mutable_hello()->set_received_sequence(2);
  m.mutable_hello()->set_resume_epoch(1);
  seeds.push_back(m.SerializeAsString());
  m.mutable_acknowledgement()->set_acknowledged_sequence(2);
  m.mutable_acknowledgement()->set_resend(true);
  seeds.push_back(m.SerializeAsString());
  m.mutable_heartbeat()->set_sent_sequence(9);
  seeds.push_back(m.SerializeAsString());
  m.mutable_refusal()->set_text("no");
  seeds.push_back(m.SerializeAsString());
  m.mutable_who_are_you();
  seeds.push_back(m.SerializeAsString());
  m.set_sequence(4);
  m.mutable_end()->set_batches(3);
  m.mutable_end()->mutable_ledger()->add_sources()->set_name("s");
  seeds.push_back(m.SerializeAsString());
  return seeds;
}
