// The options of a capture, and their flags.
#ifndef FLOWSTITCH_CAPTURE_CAPTURE_OPTIONS_H_
#define FLOWSTITCH_CAPTURE_CAPTURE_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/durability.h"
#include "base/process/privileges.h"
#include "capture/live_source.h"
#include "transport/link/link_limits.h"
#include "transport/link_security.h"
#include "transport/memory_descriptors.h"
#include "transport/metrics_server.h"

namespace flowstitch {

inline constexpr char kDefaultCapturesEndpoint[] = "tcp://127.0.0.1:9471";

struct CaptureOptions {
  std::vector<std::string> files;            // "-": standard input
  std::vector<std::string> continued_files;  // read after them; their frames open no flow
  int64_t time_offset_ns = 0;                // added to every capture time
  Privileges privileges;                     // once the inputs are open
  LiveOptions live;                          // used when its interface is not empty
  std::string filter;
  std::string name;
  std::string reassembler = kDefaultCapturesEndpoint;
  std::string tap;
  SecurityOptions security;
  std::string metrics;  // HOST:PORT; empty: none
  size_t buffer_bytes = kDefaultSendBufferBytes;
  std::string spool;  // directory; empty: none
  uint64_t spool_bytes = uint64_t{1} << 30;
  Durability durable = Durability::kOff;  // of the spool
  MemoryDescriptors memory;               // to share
  bool progress = false;

  // All files in the order in which they are read.
  std::vector<std::string> AllFiles() const {
    std::vector<std::string> all = files;
    all.insert(all.end(), continued_files.begin(), continued_files.end());
    return all;
  }
};

// Declares the flags of flowstitch-capture on `app`; `options` is filled when it parses.
void AddCaptureFlags(CLI::App& app, CaptureOptions* options,
                     std::vector<std::string>* filter_words);

// What cannot work is said before anything is started: files, filter, endpoints.
absl::Status CheckCaptureOptions(const CaptureOptions& options);

// The flags that give another process these options.
std::vector<std::string> CaptureArguments(CaptureOptions options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_CAPTURE_OPTIONS_H_
