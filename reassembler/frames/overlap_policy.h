// Which copy of a byte counts when segments, or fragments, overlap with different content. End
// hosts differ, and who knows the receiver can read the stream as it did: V. Paxson and U. Shankar,
// "Active Mapping" (2003); J. Novak and S. Sturges, "Target-Based TCP Stream Reassembly" (2007).
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_OVERLAP_POLICY_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_OVERLAP_POLICY_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace flowstitch {

enum class OverlapPolicy : uint8_t { kFirst, kLast, kBsd, kLinux, kOldLinux, kSolaris, kWindows };

// The whole extents, as they came, of a piece that is there and of a new one that overlaps it.
struct Extent {
  uint64_t start = 0;
  uint64_t end = 0;
};

// Whether a new segment's bytes replace those of a segment that waits.
bool NewSegmentWins(OverlapPolicy policy, Extent waiting, Extent offered);
// The same for fragments of a datagram, where the systems have other habits.
bool NewFragmentWins(OverlapPolicy policy, Extent waiting, Extent offered);

// "first", "last", "bsd", "linux", "old-linux", "solaris", "windows".
std::optional<OverlapPolicy> OverlapPolicyFromName(std::string_view name);
std::string_view NameOf(OverlapPolicy policy);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_OVERLAP_POLICY_H_
