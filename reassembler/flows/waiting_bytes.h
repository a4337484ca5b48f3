// A stream's bytes behind a hole, with the books of what all streams hold.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_WAITING_BYTES_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_WAITING_BYTES_H_

#include <utility>

#include "reassembler/flows/pending_bytes.h"
#include "reassembler/flows/stream_context.h"

namespace flowstitch {

class WaitingBytes {
 public:
  bool empty() const { return bytes_.empty(); }
  Position first() const { return bytes_.first(); }
  Position end() const { return bytes_.end(); }
  bool Reaches(Position at, Position end) const { return bytes_.Reaches(at, end); }
  const PendingBytes::Chunk* TruncatedAt(Position at) const { return bytes_.TruncatedAt(at); }
  size_t memory_bytes() const { return bytes_.memory_bytes(); }

  // Each as PendingBytes does it.
  size_t Insert(const StreamContext& c, Position at, ByteView bytes, const Carrier& carrier,
                PendingBytes::OnSeen seen) {
    const Entry entry(c, bytes_);
    return bytes_.Insert(at, bytes, carrier, c.limits.overlap, seen);
  }
  void InsertTruncated(const StreamContext& c, Position at, uint32_t length, TimeNs since_ns) {
    const Entry entry(c, bytes_);
    bytes_.InsertTruncated(at, length, since_ns);
  }
  std::pair<Position, PendingBytes::Chunk> TakeFirst(const StreamContext& c) {
    const Entry entry(c, bytes_);
    return bytes_.TakeFirst();
  }
  size_t DropFrom(const StreamContext& c, Position limit) {
    const Entry entry(c, bytes_);
    return bytes_.DropFrom(limit);
  }
  size_t DropBefore(const StreamContext& c, Position limit) {
    const Entry entry(c, bytes_);
    return bytes_.DropBefore(limit);
  }
  // Drops all; returns the payload bytes dropped.
  size_t DropAll(const StreamContext& c) {
    const Entry entry(c, bytes_);
    const size_t payload = bytes_.payload_bytes();
    while (!bytes_.empty()) bytes_.TakeFirst();
    return payload;
  }

 private:
  // Books what a change of the bytes makes of them.
  class Entry {
   public:
    Entry(const StreamContext& c, const PendingBytes& bytes)
        : c_(c),
          bytes_(bytes),
          memory_before_(bytes.memory_bytes()),
          payload_before_(bytes.payload_bytes()) {}
    ~Entry() {
      c_.all_waiting_bytes += bytes_.memory_bytes() - memory_before_;
      c_.ledger.waiting_bytes += bytes_.payload_bytes() - payload_before_;
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    const StreamContext& c_;
    const PendingBytes& bytes_;
    const size_t memory_before_;
    const size_t payload_before_;
  };

  PendingBytes bytes_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_WAITING_BYTES_H_
