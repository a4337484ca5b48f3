// Internet checksums (RFC 1071) of IPv4 headers and TCP segments, and whether a wrong one means a
// damaged packet. A host that leaves checksums to its network card is captured before the card has
// filled them in, so on its own sensor all that it sends looks wrong.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_CHECKSUMS_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_CHECKSUMS_H_

#include <array>
#include <optional>
#include <string_view>

#include "base/frames/ip_header.h"

namespace flowstitch {

enum class ChecksumPolicy : uint8_t {
  kIgnore,  // nothing is computed
  kDrop,    // a wrong one drops the datagram
  kAuto,    // the same, but not from a sender whose checksums are mostly wrong at that source
};

// "ignore", "drop", "auto".
std::optional<ChecksumPolicy> ChecksumPolicyFromName(std::string_view name);
std::string_view NameOf(ChecksumPolicy policy);

// The one's complement sum of the bytes, folded to 16 bits.
uint16_t OnesComplementSum(ByteView bytes, uint32_t start = 0);

// Whether the IPv4 header's and, in a whole datagram, the TCP segment's checksums are right. What
// was cut off cannot be judged and is taken for right.
bool ChecksumsAreRight(const IpHeader& ip);

class ChecksumJudge {
 public:
  explicit ChecksumJudge(ChecksumPolicy policy) : policy_(policy) {}

  // Whether the datagram is to be used.
  bool Accepts(const IpHeader& ip, uint32_t source) {
    return policy_ == ChecksumPolicy::kIgnore || AcceptsBySum(ip, source);
  }

 private:
  // A sender seen by a source; a newer pair of the same hash takes the place of an older one.
  struct Sender {
    uint64_t hash = 0;
    uint32_t right = 0;
    uint32_t wrong = 0;
  };
  bool AcceptsBySum(const IpHeader& ip, uint32_t source);

  const ChecksumPolicy policy_;
  std::array<Sender, 1024> senders_ = {};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_CHECKSUMS_H_
