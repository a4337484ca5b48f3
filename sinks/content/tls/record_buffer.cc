#include "sinks/content/tls/record_buffer.h"

namespace flowstitch {
namespace {

// What was taken is cut off the buffer when it is so much.
constexpr size_t kCutBytes = 64 << 10;

}  // namespace

void RecordBuffer::Append(ByteView bytes) { bytes_.append(AsText(bytes)); }

// Zeros stand in for what is missing, as long as it can be inside of one record.
bool RecordBuffer::AppendLost(uint64_t length) {
  if (length > kMaxRecordBytes) return false;
  const uint64_t begin = position_ + waiting();
  lost_.push_back({begin, begin + length});
  bytes_.append(static_cast<size_t>(length), '\0');
  return true;
}

RecordBuffer::Next RecordBuffer::Peek(TlsRecord* record) {
  const ByteView rest = AsBytes(bytes_).subspan(start_);
  if (rest.size() < kHeaderBytes) return Next::kMore;
  while (!lost_.empty() && lost_.front().end <= position_) lost_.pop_front();
  if (LostBefore(position_ + kHeaderBytes)) return Next::kLost;
  const size_t length = LoadBe16(rest.data() + 3);
  record->type = rest[0];
  record->version = LoadBe16(rest.data() + 1);
  if (record->type < kChangeCipherSpec || record->type > kHeartbeat || record->version >> 8 != 3 ||
      length > kMaxRecordBytes) {
    return Next::kNotTls;
  }
  if (rest.size() < kHeaderBytes + length) return Next::kMore;
  record->body = rest.subspan(kHeaderBytes, length);
  record->lost = LostBefore(position_ + kHeaderBytes + length);
  return Next::kRecord;
}

void RecordBuffer::Take(const TlsRecord& record) {
  const size_t size = kHeaderBytes + record.body.size();
  start_ += size;
  position_ += size;
  if (start_ < bytes_.size() && start_ <= kCutBytes) return;
  bytes_.erase(0, start_);
  start_ = 0;
}

void RecordBuffer::Clear() {
  bytes_ = {};
  start_ = 0;
}

}  // namespace flowstitch
