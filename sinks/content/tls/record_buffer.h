// One direction of a TLS connection as records (RFC 8446, 5.1), also where bytes are missing.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_BUFFER_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_BUFFER_H_

#include <cstdint>
#include <deque>
#include <string>

#include "base/bytes.h"

namespace flowstitch {

// Types of records.
inline constexpr uint8_t kChangeCipherSpec = 20;
inline constexpr uint8_t kHandshakeRecord = 22;
inline constexpr uint8_t kApplicationData = 23;
inline constexpr uint8_t kHeartbeat = 24;

struct TlsRecord {
  uint8_t type = 0;
  uint16_t version = 0;
  ByteView body;      // valid until the buffer changes
  bool lost = false;  // a part of the body is missing, and is zeros
};

class RecordBuffer {
 public:
  static constexpr size_t kHeaderBytes = 5;
  static constexpr size_t kMaxRecordBytes = (1 << 14) + 2048;

  void Append(ByteView bytes);
  // So many are missing. False, and nothing more can be read, where it is more than one record.
  bool AppendLost(uint64_t length);

  enum class Next {
    kRecord,
    kMore,    // it is not all there
    kLost,    // bytes are missing where it begins
    kNotTls,  // what stands there is no record
  };
  // The first record that was not taken.
  Next Peek(TlsRecord* record);
  void Take(const TlsRecord& record);
  void Clear();

  // Bytes that were not taken.
  size_t waiting() const { return bytes_.size() - start_; }
  // Bytes that were taken so far.
  uint64_t position() const { return position_; }
  size_t memory_bytes() const { return bytes_.capacity() + lost_.size() * sizeof(Lost); }

 private:
  struct Lost {
    uint64_t begin;
    uint64_t end;
  };
  bool LostBefore(uint64_t end) const { return !lost_.empty() && lost_.front().begin < end; }

  std::string bytes_;
  size_t start_ = 0;       // of what is not taken yet
  uint64_t position_ = 0;  // of bytes_[start_] in the stream
  std::deque<Lost> lost_;  // what there are zeros for
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_BUFFER_H_
