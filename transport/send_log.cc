#include "transport/send_log.h"

namespace flowstitch {

void SendLog::Append(WireMessage message) {
  bytes_ += message.size();
  messages_.push_back(std::move(message));
}

const WireMessage* SendLog::Find(uint64_t sequence) const {
  if (sequence < first_ || sequence >= next_sequence()) return nullptr;
  return &messages_[sequence - first_];
}

void SendLog::ForgetThrough(uint64_t sequence) {
  while (!messages_.empty() && first_ <= sequence) {
    bytes_ -= messages_.front().size();
    messages_.pop_front();
    ++first_;
  }
}

}  // namespace flowstitch
