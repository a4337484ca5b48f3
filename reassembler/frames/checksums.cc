#include "reassembler/frames/checksums.h"

#include "base/flow_key.h"

namespace flowstitch {
namespace {

// Beyond it both counts are halved, so that a sender can change.
constexpr uint32_t kMaxCount = 1024;

uint32_t PseudoHeaderSum(const IpHeader& ip) {
  const ByteView addresses[2] = {ip.source.wire(), ip.destination.wire()};
  uint32_t sum = ip.protocol;
  for (const ByteView address : addresses) sum += OnesComplementSum(address);
  const auto length = static_cast<uint32_t>(ip.payload.size());
  return sum + (length >> 16) + (length & 0xffff);
}

}  // namespace

std::optional<ChecksumPolicy> ChecksumPolicyFromName(std::string_view name) {
  if (name == "ignore") return ChecksumPolicy::kIgnore;
  if (name == "drop") return ChecksumPolicy::kDrop;
  if (name == "auto") return ChecksumPolicy::kAuto;
  return std::nullopt;
}

std::string_view NameOf(ChecksumPolicy policy) {
  switch (policy) {
    case ChecksumPolicy::kIgnore:
      return "ignore";
    case ChecksumPolicy::kDrop:
      return "drop";
    case ChecksumPolicy::kAuto:
      return "auto";
  }
  return "";
}

uint16_t OnesComplementSum(ByteView bytes, uint32_t start) {
  // Words of four bytes into 64 bits: the sum is the same, folded in the end.
  uint64_t sum = start;
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) sum += LoadBe32(bytes.data() + i);
  for (; i + 2 <= bytes.size(); i += 2) sum += LoadBe16(bytes.data() + i);
  if (i < bytes.size()) sum += uint32_t{bytes[i]} << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

bool ChecksumsAreRight(const IpHeader& ip) {
  if (!ip.header.empty() && OnesComplementSum(ip.header) != 0xffff) return false;
  if (ip.protocol != kProtocolTcp || ip.fragment || ip.truncated != 0 || ip.payload.size() < 20) {
    return true;
  }
  return OnesComplementSum(ip.payload, PseudoHeaderSum(ip)) == 0xffff;
}

bool ChecksumJudge::AcceptsBySum(const IpHeader& ip, uint32_t source) {
  const bool right = ChecksumsAreRight(ip);
  if (policy_ == ChecksumPolicy::kDrop) return right;
  const uint64_t hash =
      MixBits(SymmetricAddressHash(ip.source, ip.source) ^ (uint64_t{source} << 32));
  Sender& sender = senders_[hash % senders_.size()];
  if (sender.hash != hash) sender = {hash, 0, 0};
  ++(right ? sender.right : sender.wrong);
  if (sender.right + sender.wrong > kMaxCount) {
    sender.right /= 2;
    sender.wrong /= 2;
  }
  return right || sender.wrong > sender.right;
}

}  // namespace flowstitch
