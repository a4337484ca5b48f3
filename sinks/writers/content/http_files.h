// HTTP of one layer of a flow as files: bodies, heads, WebSocket messages; and as records.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_HTTP_FILES_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_HTTP_FILES_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/direction.h"
#include "sinks/content/http/http_dialogue.h"
#include "sinks/content/openings/opening_hold.h"
#include "sinks/records/http_transaction.h"
#include "sinks/writers/content/body_file.h"
#include "sinks/writers/content/content_context.h"
#include "sinks/writers/content/tls_layer.h"

namespace flowstitch {

class HttpFiles : private HttpEvents {
 public:
  // Files of WebSocket messages in one direction; further ones are counted in the record only.
  static constexpr uint32_t kMaxWebSocketFiles = 100'000;

  // `from_start`: as in HttpDialogue. `other` gets what is not HTTP.
  HttpFiles(ContentContext* context, SinkFlow* flow, std::string suffix, bool from_start,
            TlsLayer* other);

  void Bytes(const StreamPiece& piece);
  void Gap(Direction direction, uint64_t length) { dialogue_.Gap(direction, length); }
  // The flow has ended; `orderly`: as in HttpDialogue. Then what is beside messages.
  void EndMessages(const bool (&orderly)[2]);
  void CommitHeads();

  // Whether all bytes go to `other`.
  bool passed_on() const { return dialogue_.passed_on(); }
  // What it holds besides itself, about.
  size_t memory_bytes() const;

 private:
  // A message under way.
  struct Message : PartTaker {
    HttpFiles* files = nullptr;
    Direction direction = kClientToServer;
    uint32_t number = 0;
    std::unique_ptr<HttpHead> range_head;  // of a 206
    std::unique_ptr<BodyFile> body;
    void OnPartFile(BodyRecord record) override;
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
  bool reads_other() const override { return other_->begun(); }

  Message* Find(HttpMessageId id);
  SinkStream& StreamOf(Direction direction) { return flow_->streams[direction]; }
  std::string Stem(Direction direction) { return StreamOf(direction).path + suffix_; }
  bool failed() const { return context_->failed(); }
  RecordHub& records() { return context_->records; }
  void WriteHead(HttpMessageId id, const HttpHead& head, Direction direction);
  std::string ResourceOf(const HttpHead& head) const;
  void NoteRange(const Message& message, const BodyRecord& record);
  void Keep(Direction direction, BodyRecord record);
  HttpPairing::Taker Taker();

  ContentContext* const context_;
  SinkFlow* const flow_;
  const std::string suffix_;
  TlsLayer* const other_;
  TimeNs now_ns_ = 0;
  DecodeAccount account_;
  HttpDialogue dialogue_;
  HttpPairing pairing_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<Message>> messages_[2];  // by HttpKind, by stream
  uint32_t counts_[2] = {};                                              // by direction
  std::unique_ptr<BodyFile> websocket_[2];
  uint32_t websocket_counts_[2] = {};
  std::unique_ptr<PieceFile> heads_[2];
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_HTTP_FILES_H_
