// The console writer: streams on standard output, in tcpflow's forms. In stream order: holes and
// repeats are settled before anything is printed. In packet order: payload as it was captured,
// repeats included, as tcpflow prints it.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_WRITER_H_

#include <semaphore.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/direction.h"
#include "sinks/content/http/http_parser.h"
#include "sinks/content/tls/tls_keys.h"
#include "sinks/streams/stream_names.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

// How a piece's bytes stand in its JSON object.
enum class PayloadForm {
  kArray,   // "payload": numbers, as tcpflow
  kHex,     // "payload_hex": digits
  kBase64,  // "payload_base64" (RFC 4648)
};

struct ConsoleOptions {
  bool header = true;   // "NAME: " before each piece
  bool binary = false;  // as it is; otherwise what cannot be printed becomes '.'
  bool hex = false;     // a hex dump, 32 bytes a line
  bool json = false;    // a JSON object for each piece, on a line
  PayloadForm payload = PayloadForm::kArray;
  // A dump's lines count from the stream's first byte, and its header has the time, the direction
  // and the offset; otherwise each piece counts from 0, as tcpflow's.
  bool places = false;
  // Characters of UTF-8 are shown as they are, but those that steer a terminal or change the order.
  bool utf8 = false;
  bool color = false;         // blue by the client, red by the server
  bool newline = true;        // after each piece
  bool packet_order = false;  // as captured; needs frames from the reassembler
  bool http = false;          // HTTP/1 with its codings taken off
  std::string lock;           // a named semaphore (sem_overview(7)) held while a piece is printed
  int64_t max_bytes = -1;     // of one stream
  TlsKeys* keys = nullptr;    // what TLS hides is printed in its place; null: its records are
  // Called, if set, for a flow whose TLS is not all decrypted: its name, and why.
  std::function<void(const std::string& name, const std::string& why)> on_undecrypted;
  std::FILE* out = stdout;
};

class ConsoleWriter : public Writer {
 public:
  // `names` outlives the writer.
  ConsoleWriter(const ConsoleOptions& options, size_t state_slot, StreamNames* names);
  ~ConsoleWriter() override;

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnGap(SinkFlow& flow, Direction direction, const GapRecord& gap) override;
  void OnFrame(SinkFlow* flow, const FrameRecord& frame) override;
  void OnClosed(SinkFlow& flow) override;
  void OnBatchDone() override {
    if (std::fflush(options_.out) != 0) Fail();
  }
  absl::Status status() const override { return status_; }

 private:
  class Layers;
  // What a piece is: where it stands, and when it was captured.
  struct Piece {
    Direction direction = kClientToServer;
    uint64_t offset = 0;
    bool has_offset = true;  // not in packet order, and not when decoded
    TimeNs time_ns = 0;
  };
  void Print(SinkFlow& flow, const Piece& piece, ByteView bytes);
  std::string Form(const SinkFlow& flow, const Piece& piece, ByteView bytes) const;
  // False when nobody gave it back for too long.
  bool Lock();
  void Fail();

  const ConsoleOptions options_;
  const size_t slot_;
  StreamNames* const names_;
  const HttpParserConfig http_config_;
  sem_t* semaphore_ = nullptr;
  absl::Status status_;
};

// Lines of a hex dump: "0000: 4745 5420 …  GET …". With the place of the first byte in its stream,
// the lines count from it, with eight digits.
std::string HexDump(ByteView bytes, std::optional<uint64_t> offset = std::nullopt);

// Length of the character at the front that a terminal may be given; 0: none is there.
size_t ShownLength(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_WRITER_H_
