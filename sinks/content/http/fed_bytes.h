// How far a parser has come with the bytes of one direction: which of them became part of an event,
// and which are still nothing.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_FED_BYTES_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_FED_BYTES_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace flowstitch {

class FedBytes {
 public:
  // `keep`: bytes that become part of no event are kept, up to `kMaxUnused`.
  explicit FedBytes(bool keep) : keep_(keep) {}

  // The parser gets a piece; its events follow, until Done.
  void Begin(ByteView piece, uint64_t offset) {
    if (!any_) understood_end_ = std::max(understood_end_, offset);
    any_ = true;
    piece_ = piece;
    offset_ = offset;
    end_ = offset + piece.size();
    had_event_ = false;
    event_end_ = 0;
    if (keep_ && unused_.size() + piece.size() <= kMaxUnused) unused_.append(AsText(piece));
  }
  void Done() { piece_ = {}; }
  // Bytes that the parser gets without content.
  void SkipTo(uint64_t end) {
    end_ = offset_ = end;  // where what ends with them ends
    event_end_ = 0;
  }
  // The same for bytes that the parser does not get.
  void UnderstoodTo(uint64_t end) { understood_end_ = end; }
  void EndAt(uint64_t end) { end_ = end; }

  // An event has used the piece's first `used` bytes.
  void NoteEvent(size_t used) {
    unused_.clear();
    had_event_ = true;
    event_end_ = std::max(event_end_, std::min(used, piece_.size()));
    understood_end_ = std::max(understood_end_, offset_ + event_end_);
  }
  // A message is complete.
  void NoteCompleted() { completed_end_ = understood_end_; }

  bool any() const { return any_; }
  ByteView piece() const { return piece_; }
  uint64_t offset() const { return offset_; }    // of the piece
  uint64_t end() const { return end_; }          // of all that was fed
  bool had_event() const { return had_event_; }  // since Begin
  uint64_t understood_end() const { return understood_end_; }
  uint64_t completed_end() const { return completed_end_; }  // of the last complete message
  // How much of the piece events have used.
  size_t used() const { return had_event_ ? event_end_ : 0; }
  // Where in the piece `data` lies; absent: elsewhere.
  std::optional<uint64_t> PlaceOf(const uint8_t* data) const {
    const auto begin = reinterpret_cast<uintptr_t>(piece_.data());
    const auto at = reinterpret_cast<uintptr_t>(data);
    if (data == nullptr || piece_.empty() || at < begin || at - begin > piece_.size()) return {};
    return at - begin;
  }

  // What was fed since the last event.
  std::string& unused() { return unused_; }
  void KeepOnly(ByteView bytes) {
    if (keep_) unused_.assign(AsText(bytes));
  }
  size_t memory_bytes() const { return unused_.capacity(); }

 private:
  static constexpr size_t kMaxUnused = size_t{1} << 20;

  const bool keep_;
  bool any_ = false;
  ByteView piece_;
  uint64_t offset_ = 0;
  uint64_t end_ = 0;
  bool had_event_ = false;
  size_t event_end_ = 0;
  uint64_t understood_end_ = 0;
  uint64_t completed_end_ = 0;
  std::string unused_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_FED_BYTES_H_
