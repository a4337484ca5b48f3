#include "transport/link/send_log.h"

namespace flowstitch {

void SendLog::Append(WireMessage message, uint64_t frames) {
  const size_t size = message.size();
  messages_.push_back({std::move(message), appended_});
  bytes_ += size;
  appended_.bytes += size;
  appended_.frames += frames;
}

const WireMessage* SendLog::Find(uint64_t sequence) const {
  if (sequence < first_ || sequence >= next_sequence()) return nullptr;
  return &messages_[sequence - first_].message;
}

void SendLog::ForgetThrough(uint64_t sequence) {
  while (!messages_.empty() && first_ <= sequence) {
    bytes_ -= messages_.front().message.size();
    messages_.pop_front();
    ++first_;
  }
}

}  // namespace flowstitch
