// Connection attempts that wait for an answer, and the payload of their SYNs.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_HALF_OPENS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_HALF_OPENS_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "reassembler/flows/tcp_core.h"

namespace flowstitch {

class HalfOpens {
 public:
  explicit HalfOpens(TcpCore* core) : core_(*core) {}

  // The key must be free. Returns its index.
  uint32_t Add(const Segment& segment);
  // Another SYN's payload, a repeat of it, or more of it.
  void HoldSynPayload(HalfOpen& half, const Segment& segment);
  // Takes the held payload out of the books; null: there is none.
  std::unique_ptr<SynPayload> TakeSynPayload(HalfOpen& half);
  // Nobody answered it, or it was refused.
  void Forget(uint32_t index);

  static HalfOpenRare& RareOf(HalfOpen& half);
  static VlanTags VlansOf(const HalfOpen& half);

 private:
  static void HoldVlans(HalfOpen& half, const VlanTags& vlans);
  void LengthenSynPayload(HalfOpen& half, ByteView bytes);
  void DropSynPayload(HalfOpen& half);

  TcpCore& core_;
  // Payloads of SYNs that are delivered without an answer, by who sent them.
  absl::flat_hash_map<IpAddress, uint32_t> told_syns_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_HALF_OPENS_H_
