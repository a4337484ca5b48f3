#include "transport/link/link_contract.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/utf8_text.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

std::string Impossible(const std::string& field, uint64_t value) {
  return absl::StrFormat("its %s is %d, which nothing can have counted to", field, value);
}

std::string CheckCounts(std::initializer_list<std::pair<const char*, uint64_t>> counts) {
  for (const auto& [name, value] : counts) {
    if (value > kMaxCount) return Impossible(name, value);
  }
  return "";
}

std::string CheckFigures(const google::protobuf::Message& message) {
  const std::string figure = FindImpossibleFigure(message);
  return figure.empty() ? "" : absl::StrFormat("nothing can have counted to its %s", figure);
}

std::string CheckHelloNumbers(const wire::Hello& hello) {
  return CheckCounts({{"first_sequence", hello.first_sequence()},
                      {"received_sequence", hello.received_sequence()},
                      {"frames_before", hello.frames_before()}});
}

std::string CheckAcknowledgement(const wire::Acknowledgement& ack) {
  const std::string counts = CheckCounts({{"received_sequence", ack.received_sequence()},
                                          {"acknowledged_sequence", ack.acknowledged_sequence()},
                                          {"flows", ack.flows()}});
  if (!counts.empty() || ack.acknowledged_sequence() <= ack.received_sequence()) return counts;
  return absl::StrFormat("it acknowledges message %d and has received only %d",
                         ack.acknowledged_sequence(), ack.received_sequence());
}

std::string CheckPackets(const wire::PacketBatch& packets) {
  const std::string counts = CheckCounts({{"first_frame", packets.first_frame()}});
  if (!counts.empty() || !packets.has_source_ledger()) return counts;
  return CheckFigures(packets.source_ledger());
}

std::string CheckStreams(const wire::StreamBatch& streams) {
  return CheckCounts(
      {{"frames_taken", streams.frames_taken()}, {"waiting_bytes", streams.waiting_bytes()}});
}

// What a peer of that role sends in numbered messages.
bool MayNumber(wire::LinkMessage::BodyCase body, wire::Role sender) {
  if (body == wire::LinkMessage::kPackets) return sender == wire::CAPTURE;
  if (body == wire::LinkMessage::kStreams) return sender == wire::REASSEMBLER_OUTPUT;
  return body == wire::LinkMessage::kEnd &&
         (sender == wire::CAPTURE || sender == wire::REASSEMBLER_OUTPUT);
}

}  // namespace

std::string FindImpossibleFigure(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->message_type() != nullptr) {
        const std::string inner = FindImpossibleFigure(
            field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                 : reflection.GetMessage(message, field));
        if (!inner.empty()) return inner;
      } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_UINT64) {
        const uint64_t value = field->is_repeated()
                                   ? reflection.GetRepeatedUInt64(message, field, i)
                                   : reflection.GetUInt64(message, field);
        if (value > kMaxCount) return field->name();
      }
    }
  }
  return "";
}

std::string FindContradiction(const wire::LinkMessage& message, wire::Role sender) {
  if (message.sequence() > kMaxCount) return Impossible("sequence", message.sequence());
  const bool is_batch = message.has_packets() || message.has_streams() || message.has_end();
  if (is_batch && message.sequence() == 0) return "a batch of it has no sequence number";
  if (message.sequence() != 0 && !MayNumber(message.body_case(), sender)) {
    return "a numbered message of it is not a batch of its role";
  }
  switch (message.body_case()) {
    case wire::LinkMessage::kHello:
      return CheckHelloNumbers(message.hello());
    case wire::LinkMessage::kAcknowledgement:
      return CheckAcknowledgement(message.acknowledgement());
    case wire::LinkMessage::kHeartbeat:
      return CheckCounts({{"sent_sequence", message.heartbeat().sent_sequence()}});
    case wire::LinkMessage::kEnd: {
      const std::string counts = CheckCounts({{"batches", message.end().batches()}});
      return counts.empty() ? CheckFigures(message.end()) : counts;
    }
    case wire::LinkMessage::kPackets:
      return CheckPackets(message.packets());
    case wire::LinkMessage::kStreams:
      return CheckStreams(message.streams());
    case wire::LinkMessage::kRefusal:
    case wire::LinkMessage::kWhoAreYou:
    case wire::LinkMessage::kFarewell:
    case wire::LinkMessage::BODY_NOT_SET:
      break;
  }
  return "";
}

wire::Refusal ContradictionRefusal(const std::string& peer, const std::string& why) {
  wire::Refusal refusal;
  refusal.set_reason(wire::Refusal::CONTRADICTION);
  refusal.set_text(absl::StrFormat("'%s' contradicts the link protocol: %s",
                                   peer.empty() ? "a peer" : ToPrintable(peer), why));
  return refusal;
}

}  // namespace flowstitch
