#include "capture/shard_choice.h"

#include "base/flow_key.h"
#include "base/frames/ip_header.h"
#include "base/frames/link_layer.h"

namespace flowstitch {

size_t ChooseShard(const Frame& frame, size_t shards) {
  if (shards <= 1) return 0;
  const LinkLayer link = ReadLinkLayer(frame.link_type, frame.bytes);
  if (link.verdict != LinkVerdict::kIp) return 0;
  const auto ip = ReadIpHeader(link.datagram);
  if (!ip) return 0;
  return SymmetricAddressHash(ip->source, ip->destination) % shards;
}

}  // namespace flowstitch
