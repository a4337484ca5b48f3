#include "transport/link/message_outline.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "absl/strings/str_format.h"
#include "proto/link.pb.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

absl::Status NotAMessage() {
  return absl::InvalidArgumentError("it is not a flowstitch LinkMessage");
}

absl::Status TooLarge(const char* what, size_t most) {
  return absl::ResourceExhaustedError(absl::StrFormat("%s: at most %d are allowed", what, most));
}

// One field of a message: its tag, and the bytes from behind its tag to its end.
struct Field {
  uint32_t tag = 0;
  size_t tag_offset = 0;
  size_t end = 0;
  ByteView value;       // of a length-delimited one
  uint64_t number = 0;  // of a varint
  int field() const { return WireFormatLite::GetTagFieldNumber(tag); }
  bool has_length() const {
    return WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  }
  size_t size() const { return end - tag_offset; }
};

// The fields of a message, one by one. `ok()` is false once they are none.
class Fields {
 public:
  explicit Fields(ByteView bytes)
      : bytes_(bytes), in_(bytes.data(), static_cast<int>(bytes.size())) {}

  bool Next(Field* field) {
    field->tag_offset = Position();
    field->tag = in_.ReadTag();
    if (field->tag == 0) {
      ok_ = Position() == bytes_.size();
      return false;
    }
    ok_ = field->has_length() ? ReadLength(field) : ReadOther(field);
    field->end = Position();
    return ok_;
  }
  bool ok() const { return ok_; }

 private:
  size_t Position() const { return static_cast<size_t>(in_.CurrentPosition()); }
  bool ReadLength(Field* field) {
    uint32_t length = 0;
    if (!in_.ReadVarint32(&length) || length > bytes_.size() - Position()) return false;
    field->value = bytes_.subspan(Position(), length);
    return in_.Skip(static_cast<int>(length));
  }
  bool ReadOther(Field* field) {
    if (WireFormatLite::GetTagWireType(field->tag) == WireFormatLite::WIRETYPE_VARINT) {
      return in_.ReadVarint64(&field->number);
    }
    return WireFormatLite::SkipField(&in_, field->tag);
  }

  ByteView bytes_;
  CodedInputStream in_;
  bool ok_ = true;
};

bool IsBatch(int body) {
  return body == wire::LinkMessage::kPacketsFieldNumber ||
         body == wire::LinkMessage::kStreamsFieldNumber;
}

int SecretsField(int body) {
  switch (body) {
    case wire::LinkMessage::kPacketsFieldNumber:
      return wire::PacketBatch::kTlsSecretsFieldNumber;
    case wire::LinkMessage::kStreamsFieldNumber:
      return wire::StreamBatch::kTlsSecretsFieldNumber;
    default:
      return wire::End::kTlsSecretsFieldNumber;
  }
}

// Of a ledger, into the count of the End that it is in.
absl::Status CountFields(ByteView bytes, size_t* count) {
  Fields fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (++*count > kMaxBatchFields) return TooLarge("fields of an End", kMaxBatchFields);
  }
  return fields.ok() ? absl::OkStatus() : NotAMessage();
}

// A batch or an End: many small fields, few bytes but for secrets and the blob at the end.
absl::Status ReadBatch(ByteView bytes, int body, MessageOutline* outline) {
  Fields fields(bytes);
  Field field;
  size_t count = 0;
  size_t plain_bytes = 0;
  const bool is_batch = IsBatch(body);
  const int secrets = SecretsField(body);
  while (fields.Next(&field)) {
    if (++count > kMaxBatchFields) {
      return TooLarge(is_batch ? "fields of a batch" : "fields of an End", kMaxBatchFields);
    }
    const bool last = field.end == bytes.size();
    if (is_batch && last && field.field() == kBlobFieldNumber && field.has_length()) {
      outline->blob_is_last = true;
      outline->batch_fields = bytes.first(field.tag_offset);
      outline->blob = field.value;
      break;
    }
    if (field.field() != secrets || !field.has_length()) plain_bytes += field.size();
    if (!is_batch && field.field() == wire::End::kLedgerFieldNumber && field.has_length()) {
      if (const absl::Status status = CountFields(field.value, &count); !status.ok()) return status;
    }
  }
  if (!fields.ok()) return NotAMessage();
  if (is_batch && plain_bytes > kMaxFieldsBytes) {
    return TooLarge("bytes of a batch before its payload", kMaxFieldsBytes);
  }
  if (plain_bytes > kMaxEndBytes) return TooLarge("bytes of an End", kMaxEndBytes);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MessageOutline> ReadOutline(ByteView bytes) {
  if (bytes.size() > kMaxMessageBytes) return TooLarge("bytes of a message", kMaxMessageBytes);
  MessageOutline outline;
  Fields fields(bytes);
  Field field;
  size_t other_bytes = 0;  // of all fields but the body
  bool only_sequence_before = true;
  bool large = false;  // a batch or End was there
  while (fields.Next(&field)) {
    const bool batch = field.has_length() && (IsBatch(field.field()) ||
                                              field.field() == wire::LinkMessage::kEndFieldNumber);
    if (!batch) {
      const bool is_sequence =
          field.tag == WireFormatLite::MakeTag(wire::LinkMessage::kSequenceFieldNumber,
                                               WireFormatLite::WIRETYPE_VARINT);
      if (is_sequence) outline.sequence = field.number;
      only_sequence_before = only_sequence_before && is_sequence;
      other_bytes += field.size();
      if (other_bytes > kMaxControlBytes) {
        return TooLarge("bytes of a message that is no batch", kMaxControlBytes);
      }
      if (!field.has_length()) continue;
      if (large) return NotAMessage();
      outline.body = field.field();
      continue;
    }
    // A second body would be merged with the first, or take its place.
    if (outline.body != 0) return NotAMessage();
    large = true;
    outline.body = field.field();
    const absl::Status read = ReadBatch(field.value, outline.body, &outline);
    if (!read.ok()) return read;
    if (!only_sequence_before || field.end != bytes.size()) outline.blob_is_last = false;
  }
  if (!fields.ok()) return NotAMessage();
  // A blob that does not stand where it may be large.
  if (!outline.blob_is_last && outline.blob.size() > kMaxFieldsBytes) {
    return TooLarge("bytes of a payload that does not stand last", kMaxFieldsBytes);
  }
  return outline;
}

}  // namespace flowstitch
