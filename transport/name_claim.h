// What to do when a process says Hello under a name that another one has.
#ifndef FLOWSTITCH_TRANSPORT_NAME_CLAIM_H_
#define FLOWSTITCH_TRANSPORT_NAME_CLAIM_H_

#include <string>

#include "absl/strings/str_format.h"
#include "base/capture_time.h"
#include "proto/link.pb.h"

namespace flowstitch {

enum class NameClaim {
  kGrant,   // the holder is silent: it was restarted, and this is it
  kWait,    // not known yet; the claimant says Hello again in a moment
  kRefuse,  // the holder has spoken since: two processes with one name
};

// A holder that lives says something every second, so 3 s of silence since its last word suffice.
inline NameClaim DecideNameClaim(int64_t holder_heard_ns, int64_t claimed_ns, int64_t now_ns) {
  if (holder_heard_ns > claimed_ns) return NameClaim::kRefuse;
  return now_ns - holder_heard_ns > 3 * kNsPerSecond ? NameClaim::kGrant : NameClaim::kWait;
}

inline wire::Refusal NameInUse(const std::string& name) {
  wire::Refusal refusal;
  refusal.set_reason(wire::Refusal::NAME_IN_USE);
  refusal.set_text(absl::StrFormat(
      "another process with the name '%s' is connected: give each its own --name", name));
  return refusal;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_NAME_CLAIM_H_
