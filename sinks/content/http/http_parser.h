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

#include "sinks/content/http/http_events.h"
#include "sinks/content/http/http_exchanges.h"

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
  static constexpr char kLongChunk[] = "bytes stand behind a chunk's end: they were skipped";
  static constexpr char kSwitchBehindLoss[] =
      "what follows an upgrade or a CONNECT is not read behind a loss";
  static constexpr char kGapInChunks[] = "bytes are missing across the end of a chunk";

  // What tells where a message's body ends.
  enum class Framing { kNone, kCounted, kChunked, kUntilClose };
  enum class LineEnd { kNone, kLf, kLfCr };
  struct Side {
    bool stopped = false;  // by an error, or because it is no longer HTTP
    uint64_t stopped_at = 0;
    const char* why_stopped = "";
    bool blocked = false;           // the parser wants the other side first
    bool waits_for_switch = false;  // a request asked for another protocol: not answered so far
    std::string held;               // what came meanwhile
    uint64_t held_offset = 0;
    size_t held_start = 0;              // what of it was fed again
    bool feeding_held = false;          // it is being fed
    size_t held_left = 0;               // and so much of it has to be held again
    bool between = true;                // no message is under way
    bool fed = false;                   // something came
    bool left = false;                  // it is read elsewhere
    uint64_t begin = 0;                 // of the message under way
    uint32_t interims = 0;              // passed over since the last head
    LineEnd line_end = LineEnd::kNone;  // of what was fed so far
    // What was fed since the last event, for the case that nothing comes of it; see OnUnused.
    std::string unused;
    uint64_t understood_end = 0;  // of what became part of an event
    uint64_t completed_end = 0;   // of the last complete message
    size_t event_end = 0;         // how much of what is being fed the last event has used
    bool had_event = false;
    ByteView feeding;
    uint64_t feeding_offset = 0;
    uint64_t end_offset = 0;   // of what was fed so far
    bool feeding_gap = false;  // zeros in the place of missing bytes
    uint64_t gap_used = 0;     // how many of them were of a body
    // The message under way.
    bool in_body = false;  // its head was given out, its end was not
    Framing framing = Framing::kNone;
    uint64_t body_left = 0;  // of a counted one
    uint64_t body_bytes = 0;
    const char* wrong = "";        // with the body
    bool gap = false;              // in it
    size_t head_fields = 0;        // how many there were
    const char* anomaly = "";      // of its head: it is read all the same
    int told_status = 0;           // where libhtp was given another; 0: it was not
    bool doubtful_length = false;  // a Content-Length that is no number
    // What came where a response should begin, until it is clear whether one does.
    std::string start;
    uint64_t start_offset = 0;
    std::string chunk_gap;     // the first of what stands behind a chunk's data
    bool until_close = false;  // libhtp has done with it: the body goes on to the end
  };

  // Whether bytes that nothing comes of are given out.
  bool keeps_unused() const { return with_fields_; }
  void NoteEvent(HttpKind kind, size_t used);
  void NoteCompleted(HttpKind kind);
  void GiveUnused(HttpKind kind);
  size_t Consumed(HttpKind kind) const;

  Side& side(HttpKind kind) { return sides_[static_cast<size_t>(kind)]; }
  void Stop(HttpKind kind, uint64_t offset, const char* why);
  void FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  void FeedPieces(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  bool FeedResponseStart(ByteView bytes, uint64_t offset, TimeNs time_ns);
  void FeedStart(TimeNs time_ns);
  void FinishStart(TimeNs time_ns);
  void BeginWithoutHead();
  void FeedUntilClose(HttpKind kind, ByteView bytes, uint64_t offset);
  bool BodyFollows() const;
  static size_t PastBlankLine(const Side& s, ByteView bytes);
  static void NoteLineEnd(Side* s, ByteView bytes);
  void FeedHeld(HttpKind kind, TimeNs time_ns);
  void FeedChunkGap(HttpKind kind, uint64_t length, TimeNs time_ns);
  void Hold(HttpKind kind, ByteView bytes, uint64_t offset);
  // `chunked`: its fields do say so.
  void NoteBetweenChunks(HttpKind kind, ByteView bytes, bool ends);
  void NoteLastChunk(HttpKind kind);
  void NoteLengths(htp_tx_t* tx, HttpHead* head);
  void StartBody(HttpKind kind, int transfer_coding, int64_t content_length, bool no_body,
                 bool chunked);
  int Body(HttpKind kind, htp_tx_data_t* data);
  void GiveTrailers(HttpKind kind, const htp_table_t* fields);
  void EndBody(HttpKind kind, bool complete, const char* why);
  static bool IsAlone(const htp_tx_t* tx);
  void GiveRequest(htp_tx_t* tx, HttpHead head);
  void NoteExchange(HttpHead* head);
  void NoteAnswerToSwitch(htp_tx_t* tx, const HttpHead& head);
  void Switch(std::string protocol);
  void AssumeSwitch(TimeNs time_ns);
  static std::string TakeHeld(Side* s);
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
  Side sides_[2];
  std::optional<HttpSwitch> asked_;  // by the request that waits
  std::optional<HttpSwitch> switched_;
  bool in_step_ = true;  // each response so far had its request
  bool closing_ = false;
  bool orderly_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_PARSER_H_
