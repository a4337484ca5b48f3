#include "reassembler/flows/timer_wheel.h"

#include <algorithm>

namespace flowstitch {

void TimerWheel::Add(TimeNs when_ns, const Reminder& reminder) {
  int64_t slot = SlotOf(when_ns) + 1;
  slot = std::clamp(slot, current_ + 1, current_ + kSlots - 1);
  slots_[static_cast<uint64_t>(slot) % kSlots].push_back(reminder);
}

size_t TimerWheel::size() const {
  size_t count = 0;
  for (const auto& slot : slots_) count += slot.size();
  return count;
}

void TimerWheel::Rewind(TimeNs now_ns) {
  std::vector<Reminder> all;
  for (auto& slot : slots_) {
    all.insert(all.end(), slot.begin(), slot.end());
    slot.clear();
  }
  current_ = SlotOf(now_ns);
  for (const Reminder& reminder : all) Add(now_ns, reminder);
}

void TimerWheel::Advance(TimeNs now_ns, OnDue due) {
  const int64_t target = SlotOf(now_ns);
  if (!started_) {
    started_ = true;
    current_ = target;
    return;
  }
  if (target <= current_) return;
  // One turn visits every slot; what lies further is the same slots again.
  const int64_t first = std::max(current_ + 1, target - kSlots + 1);
  for (int64_t slot = first; slot <= target; ++slot) {
    current_ = slot;
    auto& list = slots_[static_cast<uint64_t>(slot) % kSlots];
    if (list.empty()) continue;
    due_now_.swap(list);
    for (const Reminder& reminder : due_now_) due(reminder);
    due_now_.clear();
  }
}

}  // namespace flowstitch
