// TLS secrets on their way: key log lines that a capture file carries, from stage to stage with the
// batches. A message may have few fields, so texts are joined; what is beyond the limit is left
// out.
#ifndef FLOWSTITCH_BASE_KEY_LOG_LINES_H_
#define FLOWSTITCH_BASE_KEY_LOG_LINES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowstitch {

class KeyLogLines {
 public:
  // What one batch can carry.
  static constexpr size_t kMaxBytes = size_t{16} << 20;
  static constexpr size_t kJoinedBytes = size_t{64} << 10;

  explicit KeyLogLines(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  void Add(std::string_view text) {
    if (text.empty() || bytes_ + text.size() + 1 > max_bytes_) return;
    bytes_ += text.size() + 1;
    if (texts_.empty() || texts_.back().size() + text.size() > kJoinedBytes) {
      texts_.emplace_back(text);
      return;
    }
    std::string& last = texts_.back();
    if (last.back() != '\n') last += '\n';
    last += text;
  }
  // `Texts`: strings; also the field `tls_secrets` of a message.
  template <typename Texts>
  void AddAll(const Texts& texts) {
    for (const std::string& text : texts) Add(text);
  }

  const std::vector<std::string>& texts() const { return texts_; }
  bool empty() const { return texts_.empty(); }
  size_t bytes() const { return bytes_; }
  void Clear() {
    texts_.clear();
    bytes_ = 0;
  }
  // Into a PacketBatch, a StreamBatch or an End; nothing is left.
  template <typename Message>
  void MoveTo(Message* message) {
    for (std::string& text : texts_) message->add_tls_secrets(std::move(text));
    Clear();
  }

 private:
  size_t max_bytes_;
  size_t bytes_ = 0;  // of all texts and the ends of their lines
  std::vector<std::string> texts_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_KEY_LOG_LINES_H_
