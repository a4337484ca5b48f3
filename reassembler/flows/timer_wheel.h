// Time-outs in packet time without a scan: a wheel of slots, each a list of (what, when). A timer
// is only a reminder to look: the owner decides whether it is due, and is asked again later if not.
// Cancelling is forgetting: a reminder for something that is gone is ignored by its owner.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TIMER_WHEEL_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TIMER_WHEEL_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/capture_time.h"

namespace flowstitch {

class TimerWheel {
 public:
  struct Reminder {
    uint32_t index;
    uint32_t generation;
    uint32_t serial;  // of an owner that asks again and again: only its newest counts
    uint8_t kind;
  };
  using OnDue = absl::FunctionRef<void(const Reminder&)>;

  // Reminds at about `when_ns` (up to one slot later), or at the end of the wheel's reach, if that
  // is before.
  void Add(TimeNs when_ns, const Reminder& reminder);
  // Time has gone back for good: everything is given out at the next step, to be asked again.
  void Rewind(TimeNs now_ns);
  // Gives out what is due. Time never goes back; a leap costs one turn of the wheel at the most.
  void Advance(TimeNs now_ns, OnDue due);

  // Reminders in the wheel. Visits every slot.
  size_t size() const;

  static constexpr int64_t kSlotNs = 128 * kNsPerMs;
  static constexpr int64_t kSlots = 1024;

 private:
  static int64_t SlotOf(TimeNs time_ns) { return SplitFloor(time_ns); }
  static int64_t SplitFloor(TimeNs time_ns) {
    return time_ns >= 0 ? time_ns / kSlotNs : -((-(time_ns + 1)) / kSlotNs) - 1;
  }

  std::vector<Reminder> slots_[kSlots];
  std::vector<Reminder> due_now_;
  int64_t current_ = 0;
  bool started_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TIMER_WHEEL_H_
