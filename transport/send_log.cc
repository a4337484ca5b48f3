#include "transport/send_log.h"

#include <algorithm>

namespace flowstitch {

void SendLog::Append(WireMessage message, uint64_t frames) {
  bytes_ += message.size();
  messages_.push_back({std::move(message), frames});
}

const WireMessage* SendLog::Find(uint64_t sequence) const {
  if (sequence < first_ || sequence >= next_sequence()) return nullptr;
  return &messages_[sequence - first_].message;
}

uint64_t SendLog::FramesBefore(uint64_t sequence) const {
  uint64_t frames = forgotten_frames_;
  for (uint64_t s = first_; s < std::min(sequence, next_sequence()); ++s) {
    frames += messages_[s - first_].frames;
  }
  return frames;
}

void SendLog::ForgetThrough(uint64_t sequence) {
  while (!messages_.empty() && first_ <= sequence) {
    bytes_ -= messages_.front().message.size();
    forgotten_frames_ += messages_.front().frames;
    messages_.pop_front();
    ++first_;
  }
}

}  // namespace flowstitch
