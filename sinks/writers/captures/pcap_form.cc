#include "sinks/writers/captures/pcap_form.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/frame.h"

namespace flowstitch {
namespace {

constexpr uint32_t kMagicNanoseconds = 0xa1b23c4d;

void Add32(uint32_t value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void Add16(uint16_t value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

std::string PcapFileHeader(uint32_t link_type) {
  std::string header;
  Add32(kMagicNanoseconds, &header);
  Add16(2, &header);
  Add16(4, &header);
  Add32(0, &header);
  Add32(0, &header);
  Add32(kMaxFrameBytes, &header);
  Add32(link_type, &header);
  return header;
}

std::string PcapRecordHeader(const FrameRecord& frame) {
  const SplitTime time = SplitTimeNs(frame.time_ns);
  std::string header;
  Add32(static_cast<uint32_t>(time.seconds), &header);
  Add32(static_cast<uint32_t>(time.nanoseconds), &header);
  Add32(static_cast<uint32_t>(frame.bytes.size()), &header);
  Add32(std::max(frame.wire_length, static_cast<uint32_t>(frame.bytes.size())), &header);
  return header;
}

std::string PathForLinkType(const std::string& path, uint32_t link_type) {
  constexpr std::string_view kEnding = ".pcap";
  if (!absl::EndsWith(path, ".pcap")) return absl::StrCat(path, ".", link_type);
  return absl::StrCat(path.substr(0, path.size() - kEnding.size()), ".", link_type, ".pcap");
}

}  // namespace flowstitch
