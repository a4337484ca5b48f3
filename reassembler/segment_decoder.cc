#include "reassembler/segment_decoder.h"

namespace flowstitch {

DatagramVerdict ReadSegment(const IpHeader& ip, Segment* segment) {
  if (ip.protocol != kProtocolTcp) return DatagramVerdict::kNotTcp;
  const auto tcp = ReadTcpHeader(ip.payload);
  if (!tcp) return DatagramVerdict::kMalformed;
  segment->tcp = *tcp;
  segment->truncated = ip.truncated;
  const KeyedDirection keyed =
      MakeFlowKey({ip.source, tcp->source_port}, {ip.destination, tcp->destination_port});
  segment->key = keyed.key;
  segment->from_high = keyed.from_high;
  return DatagramVerdict::kSegment;
}

}  // namespace flowstitch
