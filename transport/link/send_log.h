// What a sender keeps until every peer has acknowledged it: numbered messages, bounded in bytes.
#ifndef FLOWSTITCH_TRANSPORT_LINK_SEND_LOG_H_
#define FLOWSTITCH_TRANSPORT_LINK_SEND_LOG_H_

#include <cstdint>
#include <deque>

#include "transport/link/wire_message.h"

namespace flowstitch {

class SendLog {
 public:
  explicit SendLog(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The number that the next appended message gets, and must carry.
  uint64_t next_sequence() const { return first_ + messages_.size(); }
  // The oldest message still here; next_sequence() when there is none.
  uint64_t first_sequence() const { return first_; }
  uint64_t last_sequence() const { return next_sequence() - 1; }

  // `frames`: how many it carries, for frames_before.
  void Append(WireMessage message, uint64_t frames = 0);
  // The End was appended: nothing follows.
  void Close() { closed_ = true; }
  bool closed() const { return closed_; }
  // The message of that number, or null when it is gone or not yet there.
  const WireMessage* Find(uint64_t sequence) const;
  // Frames in all messages before `sequence`, which is still here or the next.
  uint64_t FramesBefore(uint64_t sequence) const { return Before(sequence).frames; }
  // Bytes of the messages from `first` up to and without `last`, both still here or the next.
  size_t BytesOf(uint64_t first, uint64_t last) const {
    return first < last ? Before(last).bytes - Before(first).bytes : 0;
  }
  // Forgets all messages up to and with `sequence`.
  void ForgetThrough(uint64_t sequence);

  size_t bytes() const { return bytes_; }
  // When full, a reader of files waits and a live capture drops; Append itself never refuses.
  bool full() const { return bytes_ >= limit_bytes_; }

 private:
  // Of all messages that were appended before one.
  struct Totals {
    size_t bytes = 0;
    uint64_t frames = 0;
  };
  struct Entry {
    WireMessage message;
    Totals before;
  };
  const Totals& Before(uint64_t sequence) const {
    const bool here = sequence >= first_ && sequence < next_sequence();
    return here ? messages_[sequence - first_].before : appended_;
  }

  size_t limit_bytes_;
  size_t bytes_ = 0;
  uint64_t first_ = 1;
  bool closed_ = false;
  Totals appended_;
  std::deque<Entry> messages_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_SEND_LOG_H_
