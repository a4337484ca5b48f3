// The console writer: stream bytes on standard output as they come, in stream order, in tcpflow's
// forms.
#ifndef FLOWSTITCH_SINKS_CONSOLE_CONSOLE_WRITER_H_
#define FLOWSTITCH_SINKS_CONSOLE_CONSOLE_WRITER_H_

#include <cstdio>

#include "absl/status/status.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

struct ConsoleOptions {
  bool header = true;      // "NAME: " before each piece
  bool binary = false;     // as it is; otherwise what cannot be printed becomes '.'
  bool hex = false;        // a hex dump, 32 bytes a line
  bool newline = true;     // after each piece
  int64_t max_bytes = -1;  // of one stream
  std::FILE* out = stdout;
};

class ConsoleWriter : public Writer {
 public:
  // Runs behind the writer that names the streams.
  explicit ConsoleWriter(const ConsoleOptions& options) : options_(options) {}

  void OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void Flush() {
    if (std::fflush(options_.out) != 0) Fail();
  }
  // The first failure to write.
  const absl::Status& status() const { return status_; }

 private:
  void Fail();

  const ConsoleOptions options_;
  absl::Status status_;
};

// Lines of a hex dump: "0000: 4745 5420 …  GET …".
std::string HexDump(ByteView bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONSOLE_CONSOLE_WRITER_H_
