// A pcapng file that grows (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/): one
// section, an interface for each source and link type, times in nanoseconds.
#ifndef FLOWSTITCH_TOOLS_PCAPNG_OUT_H_
#define FLOWSTITCH_TOOLS_PCAPNG_OUT_H_

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/capture_time.h"

namespace flowstitch {

class PcapngOut {
 public:
  PcapngOut() = default;
  ~PcapngOut();
  PcapngOut(const PcapngOut&) = delete;
  PcapngOut& operator=(const PcapngOut&) = delete;

  // "-" is standard output.
  absl::Status Open(const std::string& path);
  absl::Status Write(const std::string& source, uint32_t link_type, TimeNs time_ns,
                     uint32_t wire_length, ByteView frame);
  absl::Status Flush();

 private:
  void Block(uint32_t type, std::string body);
  uint32_t InterfaceOf(const std::string& source, uint32_t link_type);
  absl::Status Failed() const;

  std::string path_;
  std::FILE* file_ = nullptr;
  std::map<std::pair<std::string, uint32_t>, uint32_t> interfaces_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TOOLS_PCAPNG_OUT_H_
