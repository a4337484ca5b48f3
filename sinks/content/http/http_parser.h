// HTTP/1 in both directions of a flow, through libhtp, which is made for watching: it takes what it
// gets in whatever pieces and forgives what browsers forgive. Transfer codings are taken off here;
// content codings are not. When the ends agree to go on with something else (CONNECT, Upgrade), it
// stops at the exact byte and says what follows.
//
// http_parser.cc feeds libhtp, http_parser_messages.cc takes what it tells of messages,
// http_parser_transactions.cc pairs them and forgets what is done,
// http_parser_switch.cc goes on with something else, http_parser_odd.cc reads responses that
// browsers accept and libhtp does not.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_PARSER_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_PARSER_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "sinks/content/http/fed_bytes.h"
#include "sinks/content/http/held_bytes.h"
#include "sinks/content/http/http_body.h"
#include "sinks/content/http/http_events.h"
#include "sinks/content/http/http_exchanges.h"
#include "sinks/content/http/line_ends.h"

struct htp_cfg_t;
struct htp_connp_t;
struct htp_table_t;
struct htp_tx_t;
struct htp_tx_data_t;

namespace flowstitch {

// What all parsers of a writer share.
class HttpParserConfig {
 public:
  // `with_fields`: heads carry their fields.
  explicit HttpParserConfig(bool with_fields = false);
  ~HttpParserConfig();
  HttpParserConfig(const HttpParserConfig&) = delete;
  HttpParserConfig& operator=(const HttpParserConfig&) = delete;
  bool with_fields() const { return with_fields_; }

 private:
  friend class HttpParser;
  htp_cfg_t* config_;
  const bool with_fields_;
};

// What both directions go on with behind a 101, or behind the 2xx to a CONNECT.
struct HttpSwitch {
  std::string protocol;        // of the Upgrade field, in lower case; empty: a tunnel
  std::string extensions;      // Sec-WebSocket-Extensions of the answer
  std::string http2_settings;  // of the request, base64url
  // By HttpKind: bytes that came already, and where they stand.
  std::string rest[2];
  uint64_t rest_offset[2] = {};
};

class HttpParser {
 public:
  // `config`, `exchanges` and `events` outlive the parser.
  HttpParser(const HttpParserConfig& config, HttpExchanges* exchanges, HttpEvents* events);
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  // The next bytes of one side, at `offset` of its stream.
  void Feed(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  // So many bytes are missing.
  void Gap(HttpKind kind, uint64_t length, TimeNs time_ns);
  // Another parser reads this side from here on, or none does.
  void Leave(HttpKind kind, TimeNs time_ns);
  bool left(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].left; }
  // The message of this side that is under way has ended, whatever its head says: nothing more is
  // to be fed.
  void EndHere(HttpKind kind);
  // The flow has ended; `orderly`: by its ends, so that a body without a length is complete.
  void Close(bool orderly, TimeNs time_ns);
  // Whether nothing of this side is parsed any more, and from which offset and why.
  bool stopped(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].stopped; }
  uint64_t stopped_at(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].stopped_at; }
  const char* why_stopped(HttpKind kind) const {
    return sides_[static_cast<size_t>(kind)].why_stopped;
  }
  // Whether no message of this side is under way.
  bool between(HttpKind kind) const {
    const Side& s = sides_[static_cast<size_t>(kind)];
    return s.between && s.start.empty();
  }
  // Set once the ends have agreed on something else; then nothing more is to be fed.
  std::optional<HttpSwitch>& switched() { return switched_; }

  // What it holds, about: libhtp's own, requests that wait for their answers, and bytes that wait.
  size_t memory_bytes() const;

  // For libhtp's hooks.
  static int OnRequestStart(htp_tx_t* tx);
  static int OnRequestHeaders(htp_tx_t* tx);
  static int OnRequestBody(htp_tx_data_t* data);
  static int OnRequestTrailer(htp_tx_t* tx);
  static int OnRequestComplete(htp_tx_t* tx);
  static int OnResponseLine(htp_tx_t* tx);
  static int OnResponseHeaders(htp_tx_t* tx);
  static int OnResponseBody(htp_tx_data_t* data);
  static int OnResponseTrailer(htp_tx_t* tx);
  static int OnResponseComplete(htp_tx_t* tx);
  static int OnTransactionComplete(htp_tx_t* tx);

 private:
  static constexpr int kSwitchingProtocols = 101;
  // Requests without an answer that are remembered; HttpPairing remembers as many.
  static constexpr size_t kMaxUnanswered = 1024;
  // Why a side is parsed no further, where more than one place finds it.
  static constexpr char kNotHttp[] = "what follows is not HTTP/1";
  static constexpr char kBadChunk[] = "a chunk's size makes no sense";
  static constexpr char kTooManyUnanswered[] = "more requests than are remembered had no answer";
  static constexpr char kSwitchBehindLoss[] =
      "what follows an upgrade or a CONNECT is not read behind a loss";
  static constexpr char kGapInChunks[] = "bytes are missing across the end of a chunk";

  struct Side {
    explicit Side(bool keeps_unused) : fed(keeps_unused) {}

    bool stopped = false;  // by an error, or because it is no longer HTTP
    uint64_t stopped_at = 0;
    const char* why_stopped = "";
    bool left = false;              // it is read elsewhere
    bool blocked = false;           // the parser wants the other side first
    bool waits_for_switch = false;  // a request asked for another protocol: not answered so far
    HeldBytes held;                 // what came meanwhile
    LineEnds line_ends;
    FedBytes fed;
    bool feeding_gap = false;  // zeros in the place of missing bytes
    uint64_t gap_used = 0;     // how many of them were of a body
    // What came where a response should begin, until it is clear whether one does.
    std::string start;
    uint64_t start_offset = 0;
    // The message under way.
    bool between = true;     // there is none
    uint64_t begin = 0;      // of its head
    uint32_t interims = 0;   // passed over since the last head
    size_t head_fields = 0;  // how many there were
    int told_status = 0;     // where libhtp was given another; 0: it was not
    HttpBody body;
  };

  // Whether bytes that nothing comes of are given out.
  bool keeps_unused() const { return with_fields_; }
  static BodyFraming FramingOf(HttpKind kind, int transfer_coding, int64_t content_length,
                               bool chunked);
  void NoteEvent(HttpKind kind, size_t used);
  void NoteCompleted(HttpKind kind);
  void GiveUnused(HttpKind kind);
  size_t Consumed(HttpKind kind) const;

  Side& side(HttpKind kind) { return sides_[static_cast<size_t>(kind)]; }
  void Stop(HttpKind kind, uint64_t offset, const char* why);
  void FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  void FeedPieces(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  bool StopWhereParserDid(HttpKind kind, int state);
  bool FeedResponseStart(ByteView bytes, uint64_t offset, TimeNs time_ns);
  void FeedStart(TimeNs time_ns);
  void FinishStart(TimeNs time_ns);
  void BeginWithoutHead();
  void FeedUntilClose(HttpKind kind, ByteView bytes, uint64_t offset);
  bool BodyFollows() const;
  void FeedHeld(HttpKind kind, TimeNs time_ns);
  void FeedChunkGap(HttpKind kind, uint64_t length, TimeNs time_ns);
  void Hold(HttpKind kind, ByteView bytes, uint64_t offset);
  void NoteLastChunk(HttpKind kind);
  void NoteLengths(htp_tx_t* tx, HttpHead* head);
  // `chunked`: its fields do say so.
  void StartBody(HttpKind kind, int transfer_coding, int64_t content_length, bool no_body,
                 bool chunked);
  // What libhtp calls body.
  struct BodyPiece {
    HttpKind kind;
    const uint8_t* data;  // null: missing
    size_t length;
    std::optional<uint64_t> place;  // in what is being fed; absent: elsewhere
    bool chunked;                   // as libhtp reads it
    bool behind;                    // it had the end of the message already
    ByteView bytes(size_t size) const { return {data, size}; }
    bool only_line_ends() const;
  };
  int Body(HttpKind kind, htp_tx_data_t* data);
  int TakeChunked(const BodyPiece& piece);
  int TakeCounted(const BodyPiece& piece);
  int PassLineEnds(const BodyPiece& piece);
  int StopBehindMessage(HttpKind kind);
  void GiveBody(const BodyPiece& piece);
  void GiveTrailers(HttpKind kind, const htp_table_t* fields);
  void EndBody(HttpKind kind, bool complete, const char* why);
  static bool IsAlone(const htp_tx_t* tx);
  void GiveRequest(htp_tx_t* tx, HttpHead head);
  void NoteExchange(HttpHead* head);
  void NoteAnswerToSwitch(htp_tx_t* tx, const HttpHead& head);
  void Switch(std::string protocol);
  void AssumeSwitch(TimeNs time_ns);
  void DestroyDone();
  void Destroy(htp_tx_t* transaction);
  void LimitUnanswered(uint64_t offset);
  void ForgetUnanswered();

  htp_connp_t* parser_;
  std::deque<htp_tx_t*> done_;  // both sides complete, not destroyed so far
  size_t transactions_ = 0;     // begun by a request, not destroyed so far
  size_t field_bytes_ = 0;      // of their requests
  size_t next_forgotten_ = 0;   // by libhtp's count
  bool forgot_ = false;         // answers cannot be told to belong to their requests any more
  const bool with_fields_;
  HttpExchanges* const exchanges_;
  HttpEvents* const events_;
  Side sides_[2] = {Side(with_fields_), Side(with_fields_)};
  std::optional<HttpSwitch> asked_;  // by the request that waits
  std::optional<HttpSwitch> switched_;
  bool in_step_ = true;  // each response so far had its request
  bool closing_ = false;
  bool orderly_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_PARSER_H_
