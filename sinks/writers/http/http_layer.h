// One layer of a flow as HTTP: the flow itself, or what TLS hid in it. Its messages become files
// and records; what is TLS in it, and has keys, is decrypted and becomes the layer below
// (http_layer_tls.cc).
#ifndef FLOWSTITCH_SINKS_WRITERS_HTTP_HTTP_LAYER_H_
#define FLOWSTITCH_SINKS_WRITERS_HTTP_HTTP_LAYER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "base/ledger.h"
#include "sinks/content/http/http_dialogue.h"
#include "sinks/content/openings/opening_hold.h"
#include "sinks/content/openings/parser_memory.h"
#include "sinks/content/tls/tls_connection.h"
#include "sinks/records/record_hub.h"
#include "sinks/streams/sink_flow.h"
#include "sinks/writers/http/body_file.h"

namespace flowstitch {

struct HttpWriterOptions {
  bool parse = true;   // look for HTTP; false: decrypt only
  bool bodies = true;  // write them
  bool heads = false;  // write NAME-HTTP: the heads of each stream's messages
  BodyFileOptions body;
  TlsKeys* keys = nullptr;   // null: nothing is decrypted
  bool plain_files = false;  // write NAME-TLS: what was decrypted
  int64_t max_bytes = -1;    // of one of those; -1: no limit
  // What the parsers of all flows may hold, their decoders, and files that are not written so far.
  size_t parser_bytes = size_t{1} << 30;
  size_t decoder_bytes = DecoderMemory::kMaxBytes;
  size_t piece_bytes = PieceMemory::kMaxBytes;
  RecordHub* records = nullptr;  // never null; outlives the writer
};

// What all flows of a writer share.
struct HttpContext {
  HttpContext(const HttpWriterOptions& the_options, SinkLedger* the_ledger);
  HttpWriterOptions options;
  SinkLedger* const ledger;
  const HttpParserConfig config;
  PieceMemory memory;
  DecoderMemory decoders;
  ParserMemory parsers;
  absl::Status status;  // the first failure; after it nothing is written any more

  void Note(const absl::Status& s) {
    if (status.ok()) status = s;
  }
};

class HttpLayer : private HttpEvents, private TlsEvents {
 public:
  // TLS inside of TLS that is opened.
  static constexpr int kMaxLayers = 3;
  // Files of WebSocket messages in one direction; further ones are counted in the record only.
  static constexpr uint32_t kMaxWebSocketFiles = 100'000;

  // `suffix`: what stands behind the stream's name for everything of this layer.
  HttpLayer(HttpContext* context, SinkFlow* flow, std::string suffix, int depth);
  ~HttpLayer() override;

  // `acknowledged`: as in HttpDialogue.
  void Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
             std::optional<uint64_t> acknowledged = std::nullopt);
  void Gap(Direction direction, uint64_t length);
  // `orderly`: as in HttpDialogue.
  void Close(const bool (&orderly)[2]);

 private:
  // Of a file that may come to nothing, in memory.
  static constexpr size_t kKeepBytes = 128 << 10;
  // A message under way.
  struct Message : PartTaker {
    HttpLayer* layer = nullptr;
    Direction direction = kClientToServer;
    uint32_t number = 0;
    std::unique_ptr<HttpHead> range_head;  // of a 206
    std::unique_ptr<BodyFile> body;
    void OnPartFile(BodyRecord record) override;
  };
  // What TLS hid in one direction.
  struct Plain {
    std::unique_ptr<PieceFile> file;
    std::unique_ptr<Digests> digests;
    uint64_t bytes = 0;
    uint64_t gaps = 0;
    TimeNs first_ns = 0;
  };

  void OnHead(HttpMessageId id, const HttpHead& head) override;
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t offset) override;
  void OnBodyGap(HttpMessageId id, uint64_t length) override;
  void OnTrailers(HttpMessageId id, const HttpFields& fields) override;
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override;
  void OnWebSocketMessage(Direction direction, const WebSocketMessage& message) override;
  void OnWebSocketBytes(Direction direction, ByteView bytes, uint64_t offset) override;
  void OnWebSocketGap(Direction direction, uint64_t length) override;
  void OnWebSocketEnd(Direction direction, bool complete, std::string_view why) override;
  void OnOther(Direction direction, ByteView bytes, uint64_t offset) override;
  void OnOtherGap(Direction direction, uint64_t length) override;
  void OnUnread(Direction direction, const UnreadStretch& stretch) override;
  bool reads_other() const override { return tls_ != nullptr; }

  void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) override;
  void OnPlainGap(Direction direction, uint64_t length) override;

  // What it holds, about.
  size_t memory_bytes() const;
  void CountMemory();
  void GiveUp();
  void Finish(const bool (&orderly)[2]);

  Message* Find(HttpMessageId id);
  SinkStream& StreamOf(Direction direction) { return flow_->streams[direction]; }
  std::string Stem(Direction direction) { return StreamOf(direction).path + suffix_; }
  bool failed() const { return !context_->status.ok(); }
  RecordHub& records() { return *context_->options.records; }
  void WriteHead(HttpMessageId id, const HttpHead& head, Direction direction);
  void NoteRange(const Message& message, const BodyRecord& record);
  void Keep(Direction direction, BodyRecord record);
  void Feed(const StreamPiece& piece);
  void EndOpening();
  void BeginTls();
  Plain& PlainOf(Direction direction);
  uint64_t RoomFor(const Plain& plain, uint64_t bytes) const;
  void EndTls(const bool (&orderly)[2]);
  HttpPairing::Taker Taker();

  HttpContext* const context_;
  SinkFlow* const flow_;
  const std::string suffix_;
  const int depth_;
  DecodeAccount account_;
  std::optional<HttpDialogue> dialogue_;  // absent: it was given up
  HttpPairing pairing_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<Message>> messages_[2];  // by HttpKind, by stream
  uint32_t counts_[2] = {};                                              // by direction
  std::unique_ptr<BodyFile> websocket_[2];
  uint32_t websocket_counts_[2] = {};
  std::unique_ptr<PieceFile> heads_[2];
  std::unique_ptr<OpeningHold> opening_;  // null: none was there, or it is over
  // What is not HTTP in this layer may be TLS, from its first byte on or behind something else.
  bool saw_other_[2] = {};
  bool in_tls_[2] = {};
  std::unique_ptr<TlsConnection> tls_;
  TlsFacts facts_;
  Plain plain_[2];
  TimeNs now_ns_ = 0;
  uint64_t positions_[2] = {};  // behind the last bytes of each direction
  size_t counted_bytes_ = 0;    // of memory
  std::unique_ptr<HttpLayer> inner_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_HTTP_HTTP_LAYER_H_
