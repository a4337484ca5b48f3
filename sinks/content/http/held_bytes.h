// Bytes of one direction that wait until its parser can take them.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HELD_BYTES_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HELD_BYTES_H_

#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace flowstitch {

class HeldBytes {
 public:
  static constexpr size_t kMaxBytes = size_t{1} << 20;

  bool empty() const { return bytes_.empty(); }
  std::string_view view() const { return std::string_view(bytes_).substr(start_); }
  // Of the first one in its stream.
  uint64_t offset() const { return offset_ + start_; }
  size_t memory_bytes() const { return bytes_.capacity(); }

  // More, which stand at `offset`; or, while they are given, the last of those, which wait again.
  // False when there are more than kMaxBytes now.
  bool Hold(ByteView bytes, uint64_t offset) {
    if (giving_) {
      left_ = bytes.size();
      return true;
    }
    if (bytes_.empty()) offset_ = offset;
    bytes_.append(AsText(bytes));
    return bytes_.size() <= kMaxBytes;
  }
  // All of them; none is left.
  std::string Take() {
    std::string bytes = std::exchange(bytes_, {});
    bytes.erase(0, std::exchange(start_, 0));
    return bytes;
  }

  bool giving() const { return giving_; }
  // Gives all of them to `feed(bytes, offset)`, which may hold the last of them again, and tells
  // whether those are still wanted. They stay in their place: it may be often.
  template <typename Feed>
  void Give(const Feed& feed) {
    if (bytes_.empty()) return;
    std::string bytes = std::exchange(bytes_, {});
    const size_t start = std::exchange(start_, 0);
    giving_ = true;
    left_ = 0;
    const bool wanted = feed(AsBytes(bytes).subspan(start), offset_ + start);
    giving_ = false;
    if (left_ == 0 || !wanted) return;
    start_ = bytes.size() - left_;
    if (start_ > bytes.size() / 2) {
      bytes.erase(0, start_);
      offset_ += std::exchange(start_, 0);
    }
    bytes_ = std::move(bytes);
  }

 private:
  std::string bytes_;
  uint64_t offset_ = 0;  // of bytes_
  size_t start_ = 0;     // what of it was given and not held again
  bool giving_ = false;
  size_t left_ = 0;  // so much of what is being given has to be held again
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HELD_BYTES_H_
