// An interface, read with libpcap in nanoseconds where the kernel has them.
#ifndef FLOWSTITCH_CAPTURE_LIVE_SOURCE_H_
#define FLOWSTITCH_CAPTURE_LIVE_SOURCE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/frame.h"

struct pcap;

namespace flowstitch {

struct LiveOptions {
  std::string interface;
  bool promiscuous = true;
  int snap_length = static_cast<int>(kMaxFrameBytes);
  // The kernel packs frames of any length into it, unless `immediate`: then each takes a slot of
  // the snapshot length, and a burst that waits for the processor soon finds it full.
  int buffer_bytes = 64 << 20;
  bool immediate = false;
  int buffer_timeout_ms = 10;  // how long the kernel may keep frames back otherwise
  std::string filter;
};

struct LiveDrops {
  uint64_t kernel = 0;
  uint64_t interface = 0;
};

class LiveSource {
 public:
  // The error names the interface and what to do about it.
  static absl::StatusOr<std::unique_ptr<LiveSource>> Open(const LiveOptions& options);
  ~LiveSource();

  // Gives up to `most` waiting frames to `take`; never blocks. Returns how many, or an error when
  // the interface went away.
  absl::StatusOr<int> Read(int most, const std::function<void(const Frame&)>& take);
  LiveDrops drops() const;
  // For poll(2); -1 where there is none.
  int fd() const;

 private:
  LiveSource(pcap* handle, uint32_t link_type, bool nanoseconds);

  pcap* handle_;
  uint32_t link_type_;
  bool nanoseconds_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_LIVE_SOURCE_H_
