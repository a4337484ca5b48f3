// Capture files as bytes: libpcap's format with nanoseconds
// (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/).
#ifndef FLOWSTITCH_SINKS_WRITERS_CAPTURES_PCAP_FORM_H_
#define FLOWSTITCH_SINKS_WRITERS_CAPTURES_PCAP_FORM_H_

#include <string>

#include "sinks/streams/writer.h"

namespace flowstitch {

std::string PcapFileHeader(uint32_t link_type);
// The header of a frame's record; the frame's bytes follow it.
std::string PcapRecordHeader(const FrameRecord& frame);

// A file holds one link type. Frames of another one go into a file beside it, whose name says
// which: "a.pcap" and "a.113.pcap".
std::string PathForLinkType(const std::string& path, uint32_t link_type);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CAPTURES_PCAP_FORM_H_
