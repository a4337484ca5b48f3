// Why a filter matched nothing, perhaps: libpcap's language looks into no VLAN tag and no tunnel
// that the expression does not name.
#ifndef FLOWSTITCH_CAPTURE_FILTER_HINT_H_
#define FLOWSTITCH_CAPTURE_FILTER_HINT_H_

#include <cstdint>
#include <string>

#include "base/frame.h"

namespace flowstitch {

class FilterHint {
 public:
  void NoteMatch() { matched_ = true; }
  // Frames that did not match are looked at as long as none has.
  void NoteMiss(const Frame& frame);

  // Empty where there is nothing to say: a frame matched, or there was none.
  std::string Text(const std::string& expression) const;

 private:
  bool matched_ = false;
  uint64_t frames_ = 0;
  uint64_t tagged_ = 0;    // with a VLAN tag
  uint64_t tunneled_ = 0;  // with a datagram in a tunnel
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILTER_HINT_H_
