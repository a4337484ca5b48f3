#include "sinks/http/http_parser.h"

#include <htp/htp.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "sinks/http/http_head.h"

namespace flowstitch {
namespace {

// One header field, and one line of a head; more is an error of the message.
constexpr size_t kFieldLimitBytes = 64 << 10;
constexpr uint32_t kMaxHeaders = 1024;
// Bytes of one direction that wait while the parser wants the other.
constexpr size_t kMaxHeldBytes = size_t{1} << 20;
constexpr int kSwitchingProtocols = 101;

constexpr char kNotHttp[] = "what follows is not HTTP/1";
constexpr char kBadChunk[] = "a chunk's size makes no sense";
constexpr char kGapInChunks[] = "bytes are missing across the end of a chunk";

// Length of a head with the blank line behind it; 0: it is not complete.
size_t HeadLength(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return 0;
}

// Whether bytes that wait for another protocol begin as it would.
bool MayBegin(const std::string& protocol, std::string_view bytes) {
  if (protocol == "h2c") {
    constexpr std::string_view kPreface = "PRI * HTTP/2.0";
    return bytes.substr(0, kPreface.size()) == kPreface.substr(0, bytes.size());
  }
  // A client's frame: a known kind, and masked. No request begins so.
  if (protocol == "websocket" && bytes.size() >= 2) {
    return (bytes[0] & 0x70 & ~0x40) == 0 && (bytes[1] & 0x80) != 0;
  }
  return true;
}

HttpParser* ParserOf(htp_connp_t* connp) {
  return static_cast<HttpParser*>(htp_connp_get_user_data(connp));
}

htp_time_t ToHtpTime(TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  return {static_cast<time_t>(split.seconds), split.nanoseconds / 1000};
}

bool OnlyLineEnds(const htp_tx_data_t* data) {
  return data->data != nullptr && std::all_of(data->data, data->data + data->len,
                                              [](uint8_t c) { return c == '\r' || c == '\n'; });
}

// RFC 9112, 6.1: the last coding has to be "chunked"; libhtp takes anything that has the word in
// it.
bool IsChunked(const htp_table_t* fields) {
  const std::string value = absl::AsciiStrToLower(HtpField(fields, "transfer-encoding"));
  const size_t comma = value.rfind(',');
  std::string last(
      absl::StripAsciiWhitespace(comma == std::string::npos ? value : value.substr(comma + 1)));
  last.erase(std::remove(last.begin(), last.end(), '\0'), last.end());
  return last == "chunked" || value.find("chunked") == std::string::npos;
}

bool IsTunnelRequest(const htp_tx_t* tx) { return tx->request_method_number == HTP_M_CONNECT; }

}  // namespace

HttpParserConfig::HttpParserConfig(bool with_fields)
    : config_(htp_config_create()), with_fields_(with_fields) {
  htp_config_set_server_personality(config_, HTP_SERVER_APACHE_2);
  htp_config_set_field_limits(config_, kFieldLimitBytes / 2, kFieldLimitBytes);
  htp_config_set_number_headers_limit(config_, kMaxHeaders);
  htp_config_set_log_level(config_, HTP_LOG_NONE);
  // libhtp's own way of it breaks behind a CONNECT that was refused; see DestroyDone.
  htp_config_set_tx_auto_destroy(config_, 0);
  htp_config_set_response_decompression(config_, 0);
  htp_config_set_request_decompression(config_, 0);
  htp_config_set_parse_request_cookies(config_, 0);
  htp_config_set_parse_request_auth(config_, 0);
  htp_config_register_request_headers(config_, HttpParser::OnRequestHeaders);
  htp_config_register_request_body_data(config_, HttpParser::OnRequestBody);
  htp_config_register_request_trailer(config_, HttpParser::OnRequestTrailer);
  htp_config_register_request_complete(config_, HttpParser::OnRequestComplete);
  htp_config_register_response_line(config_, HttpParser::OnResponseLine);
  htp_config_register_response_headers(config_, HttpParser::OnResponseHeaders);
  htp_config_register_response_body_data(config_, HttpParser::OnResponseBody);
  htp_config_register_response_trailer(config_, HttpParser::OnResponseTrailer);
  htp_config_register_response_complete(config_, HttpParser::OnResponseComplete);
  htp_config_register_transaction_complete(config_, HttpParser::OnTransactionComplete);
}

HttpParserConfig::~HttpParserConfig() { htp_config_destroy(config_); }

HttpParser::HttpParser(const HttpParserConfig& config, HttpEvents* events)
    : parser_(htp_connp_create(config.config_)),
      with_fields_(config.with_fields_),
      events_(events) {
  htp_connp_set_user_data(parser_, this);
  htp_connp_open(parser_, nullptr, 0, nullptr, 0, nullptr);
}

HttpParser::~HttpParser() { htp_connp_destroy_all(parser_); }

// The hooks. After a switch nothing is given out any more, whatever libhtp makes of the rest.

int HttpParser::OnRequestHeaders(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kRequest);
  const HttpHead head = RequestHead(tx, self->with_fields_);
  const std::string upgrade = absl::AsciiStrToLower(HtpField(tx->request_headers, "upgrade"));
  if (IsTunnelRequest(tx) || !upgrade.empty()) {
    // What follows the request may be of another protocol: it waits for the answer.
    self->asked_.emplace();
    self->asked_->protocol = IsTunnelRequest(tx) ? "" : upgrade;
    // A CONNECT has no body, and libhtp looks into the tunnel as soon as it knows the status.
    side.waits_for_switch = IsTunnelRequest(tx);
    self->asked_->http2_settings = HtpField(tx->request_headers, "http2-settings");
  }
  self->NoteEvent(HttpKind::kRequest, self->Consumed(HttpKind::kRequest));
  self->StartBody(HttpKind::kRequest, tx->request_transfer_coding, tx->request_content_length,
                  false, IsChunked(tx->request_headers));
  side.head_fields = htp_table_size(tx->request_headers);
  self->events_->OnHead({HttpKind::kRequest}, head);
  return HTP_OK;
}

// RFC 9112, 6.3: these have no body, whatever their headers say. libhtp believes a Content-Length,
// except in the answer to a HEAD.
int HttpParser::OnResponseLine(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  const int status = tx->response_status_number;
  if (status == 204 || status == 304) tx->request_method_number = HTP_M_HEAD;
  // RFC 9110, 15.2: any number of 1xx come before the response proper; libhtp knows one, a 100. By
  // its number 101 is one of them too, but nothing follows it here.
  if (status >= 100 && status < 200 && status != kSwitchingProtocols) {
    tx->response_status_number = 100;
    self->side(HttpKind::kResponse).interims += static_cast<uint32_t>(tx->seen_100continue);
    tx->seen_100continue = 0;
  }
  return HTP_OK;
}

int HttpParser::OnResponseHeaders(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kResponse);
  HttpHead head = ResponseHead(tx, self->with_fields_);
  head.interims = side.interims + static_cast<uint32_t>(std::max(0, tx->seen_100continue));
  side.interims = 0;
  self->NoteEvent(HttpKind::kResponse, self->Consumed(HttpKind::kResponse));
  const bool no_body = tx->request_method_number == HTP_M_HEAD;
  self->StartBody(HttpKind::kResponse, tx->response_transfer_coding, tx->response_content_length,
                  no_body, IsChunked(tx->response_headers));
  side.head_fields = htp_table_size(tx->response_headers);
  self->events_->OnHead({HttpKind::kResponse}, head);
  self->NoteAnswerToSwitch(tx);
  return self->switched_ ? HTP_STOP : HTP_OK;
}

int HttpParser::OnRequestBody(htp_tx_data_t* data) {
  return ParserOf(data->tx->connp)->Body(HttpKind::kRequest, data);
}

int HttpParser::OnResponseBody(htp_tx_data_t* data) {
  return ParserOf(data->tx->connp)->Body(HttpKind::kResponse, data);
}

int HttpParser::OnRequestTrailer(htp_tx_t* tx) {
  ParserOf(tx->connp)->GiveTrailers(HttpKind::kRequest, tx->request_headers);
  return HTP_OK;
}

int HttpParser::OnResponseTrailer(htp_tx_t* tx) {
  ParserOf(tx->connp)->GiveTrailers(HttpKind::kResponse, tx->response_headers);
  return HTP_OK;
}

// libhtp adds them to the head's fields.
void HttpParser::GiveTrailers(HttpKind kind, const htp_table_t* fields) {
  if (!with_fields_ || switched_ || !side(kind).in_body) return;
  const HttpFields trailers = HtpFields(fields, side(kind).head_fields);
  if (!trailers.empty()) events_->OnTrailers({kind}, trailers);
}

int HttpParser::OnRequestComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kRequest);
  if (!side.in_body && tx->is_protocol_0_9) {  // a line, and no head
    self->StartBody(HttpKind::kRequest, HTP_CODING_NO_BODY, -1, true, false);
    self->events_->OnHead({HttpKind::kRequest}, RequestHead(tx, false));
  }
  const bool short_body = side.framing == Framing::kCounted && side.body_left > 0;
  const bool cut_chunks = self->closing_ && side.framing == Framing::kChunked &&
                          tx->request_progress < HTP_REQUEST_TRAILER;
  side.waits_for_switch = self->asked_.has_value();
  self->NoteCompleted(HttpKind::kRequest);
  self->EndBody(HttpKind::kRequest, !short_body && !cut_chunks, "");
  return HTP_OK;
}

int HttpParser::OnResponseComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kResponse);
  bool complete = true;
  switch (side.framing) {
    case Framing::kNone:
      break;
    case Framing::kCounted:
      complete = side.body_left == 0;
      break;
    case Framing::kChunked:
      // Chunks have an end of their own.
      complete = !self->closing_ || tx->response_progress > HTP_RESPONSE_TRAILER;
      break;
    case Framing::kUntilClose:
      // A body without any length ends with the flow.
      complete = !self->closing_ || self->orderly_;
      break;
  }
  self->NoteCompleted(HttpKind::kResponse);
  self->EndBody(HttpKind::kResponse, complete, "");
  return HTP_OK;
}

int HttpParser::OnTransactionComplete(htp_tx_t* tx) {
  // Each side may tell it.
  if (htp_tx_get_user_data(tx) != nullptr) return HTP_OK;
  HttpParser* self = ParserOf(tx->connp);
  htp_tx_set_user_data(tx, self);
  self->done_.push_back(tx);
  return HTP_OK;
}

// The last one may still be what libhtp's other side is at.
void HttpParser::DestroyDone() {
  while (done_.size() > 1) {
    htp_tx_destroy(done_.front());
    done_.pop_front();
  }
}

void HttpParser::StartBody(HttpKind kind, int transfer_coding, int64_t content_length, bool no_body,
                           bool chunked) {
  Side& s = side(kind);
  s.in_body = true;
  s.body_left = 0;
  s.body_bytes = 0;
  s.wrong = "";
  s.gap = false;
  if (no_body) {
    s.framing = Framing::kNone;
  } else if (transfer_coding == HTP_CODING_CHUNKED && (chunked || content_length < 0)) {
    s.framing = Framing::kChunked;
  } else if (content_length >= 0) {
    s.framing = Framing::kCounted;
    s.body_left = static_cast<uint64_t>(content_length);
  } else {
    s.framing = kind == HttpKind::kResponse ? Framing::kUntilClose : Framing::kNone;
  }
}

// The answer to a request for another protocol.
void HttpParser::NoteAnswerToSwitch(htp_tx_t* tx) {
  const int status = tx->response_status_number;
  if (status == kSwitchingProtocols) {
    const std::string protocol = absl::AsciiStrToLower(HtpField(tx->response_headers, "upgrade"));
    const std::string extensions = HtpField(tx->response_headers, "sec-websocket-extensions");
    if (!asked_) asked_.emplace();
    asked_->extensions = extensions;
    Switch(protocol.empty() ? "unknown" : protocol);
    return;
  }
  const bool asked = IsTunnelRequest(tx) || !HtpField(tx->request_headers, "upgrade").empty();
  if (!asked || !asked_) return;
  if (IsTunnelRequest(tx) && status >= 200 && status < 300) {
    Switch("");
    return;
  }
  asked_.reset();  // it was refused: HTTP goes on
  side(HttpKind::kRequest).waits_for_switch = false;
  if (IsTunnelRequest(tx)) EndBody(HttpKind::kRequest, true, "");
}

void HttpParser::Switch(std::string protocol) {
  switched_ = std::move(asked_);
  switched_->protocol = std::move(protocol);
  asked_.reset();
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    Side& s = side(kind);
    if (s.in_body) {
      s.in_body = false;
      events_->OnEnd({kind}, true, "");
    }
    const auto k = static_cast<size_t>(kind);
    switched_->rest_offset[k] = s.held_offset + s.held_start;
    switched_->rest[k] = TakeHeld(&s);
    if (!s.feeding.empty()) {
      // Behind the head that was just parsed.
      const size_t used = std::min(Consumed(kind), s.feeding.size());
      switched_->rest[k].assign(AsText(s.feeding.subspan(used)));
      switched_->rest_offset[k] = s.feeding_offset + used;
    }
    s.unused.clear();
    s.stopped = true;
  }
}

// Nobody saw an answer: what the request asked for is believed, if what follows is not another
// request.
void HttpParser::AssumeSwitch(TimeNs time_ns) {
  Side& s = side(HttpKind::kRequest);
  if (MayBegin(asked_->protocol, std::string_view(s.held).substr(s.held_start))) {
    const std::string protocol = asked_->protocol;
    Switch(protocol);
    return;
  }
  asked_.reset();
  s.waits_for_switch = false;
  FeedHeld(HttpKind::kRequest, time_ns);
}

std::string HttpParser::TakeHeld(Side* s) {
  std::string held = std::exchange(s->held, {});
  held.erase(0, std::exchange(s->held_start, 0));
  return held;
}

size_t HttpParser::Consumed(HttpKind kind) const {
  return kind == HttpKind::kRequest ? htp_connp_req_data_consumed(parser_)
                                    : htp_connp_res_data_consumed(parser_);
}

void HttpParser::NoteEvent(HttpKind kind, size_t used) {
  Side& s = side(kind);
  s.unused.clear();
  s.had_event = true;
  s.event_end = std::max(s.event_end, std::min(used, s.feeding.size()));
  s.understood_end = std::max(s.understood_end, s.feeding_offset + s.event_end);
}

// libhtp says that a message is complete. At the end it completes also what has only begun.
void HttpParser::NoteCompleted(HttpKind kind) {
  if (closing_) return;
  NoteEvent(kind, Consumed(kind));
  side(kind).completed_end = side(kind).understood_end;
}

void HttpParser::GiveUnused(HttpKind kind) {
  const std::string unused = std::exchange(side(kind).unused, {});
  if (!unused.empty() && keeps_unused()) events_->OnUnused(kind, AsBytes(unused));
}

void HttpParser::EndBody(HttpKind kind, bool complete, const char* why) {
  Side& s = side(kind);
  if (!s.in_body) return;
  s.in_body = false;
  if (*why == '\0') why = s.gap ? "bytes are missing inside it" : s.wrong;
  events_->OnEnd({kind}, complete && !s.gap && *s.wrong == '\0', why);
}

// Nothing of this side is parsed from here on. A body under way ends.
void HttpParser::Stop(HttpKind kind, uint64_t offset, const char* why) {
  Side& s = side(kind);
  if (s.stopped) return;
  s.stopped = true;
  s.stopped_at = offset;
  s.why_stopped = why;
  if (keeps_unused()) {
    if (s.had_event && !s.feeding.empty()) s.unused.assign(AsText(s.feeding.subspan(s.event_end)));
    s.unused += TakeHeld(&s);
  }
  GiveUnused(kind);
  if (s.in_body) EndBody(kind, false, why);
}

int HttpParser::Body(HttpKind kind, htp_tx_data_t* data) {
  if (switched_) return HTP_STOP;
  size_t length = data->len;
  Side& s = side(kind);
  if (length == 0 || s.stopped) return HTP_OK;
  if (!s.in_body && data->tx->is_protocol_0_9 && kind == HttpKind::kResponse) {
    // HTTP/0.9's answer has no head: all of it is the body.
    HttpHead head = ResponseHead(data->tx, false);
    head.version = "HTTP/0.9";
    head.status = 0;
    StartBody(kind, HTP_CODING_IDENTITY, -1, false, false);
    events_->OnHead({kind}, head);
  }
  if (!s.in_body) {  // a line that is no head's first
    Stop(kind, s.understood_end, kNotHttp);
    return HTP_STOP;
  }
  const bool request = kind == HttpKind::kRequest;
  const std::less_equal<const uint8_t*> before;
  const bool inside = data->data != nullptr && !s.feeding.empty() &&
                      before(s.feeding.data(), data->data) &&
                      before(data->data, s.feeding.data() + s.feeding.size());
  const uint64_t within = inside ? static_cast<uint64_t>(data->data - s.feeding.data()) : 0;
  const int coding =
      request ? data->tx->request_transfer_coding : data->tx->response_transfer_coding;
  if (s.framing == Framing::kChunked) {
    const bool behind = request ? data->tx->request_progress > HTP_REQUEST_BODY
                                : data->tx->response_progress > HTP_RESPONSE_BODY;
    if (behind && OnlyLineEnds(data)) {
      NoteEvent(kind, inside ? within + length : Consumed(kind));
      return HTP_OK;
    }
    if (behind) {  // libhtp takes what is not the next message for more body
      EndBody(kind, true, "");
      Stop(kind, s.understood_end, kNotHttp);
      return HTP_STOP;
    }
    if (coding != HTP_CODING_CHUNKED && (s.body_bytes > 0 || s.feeding_gap)) {
      Stop(kind, s.understood_end, s.feeding_gap ? kGapInChunks : kBadChunk);
      return HTP_STOP;
    }
    // Not one chunk: it is kept, as it came.
    if (coding != HTP_CODING_CHUNKED) s.wrong = "it is called chunked and is not: kept as it came";
  }
  if (s.framing == Framing::kNone || s.framing == Framing::kCounted) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(s.body_left, length));
    // Empty lines between messages are forgiven.
    if (wanted == 0 && OnlyLineEnds(data)) {
      NoteEvent(kind, inside ? within + length : Consumed(kind));
      return HTP_OK;
    }
    s.body_left -= wanted;
    if (wanted < length) {
      if (wanted > 0) {
        NoteEvent(kind, within + wanted);
        events_->OnBody({kind}, {data->data, wanted}, s.feeding_offset + within);
      }
      EndBody(kind, true, "");
      Stop(kind, s.understood_end, kNotHttp);
      return HTP_STOP;
    }
  }
  s.body_bytes += length;
  if (data->data == nullptr || s.feeding_gap) {
    s.gap_used += length;
    s.gap = true;
    events_->OnBodyGap({kind}, length);
    return HTP_OK;
  }
  if (inside || closing_) NoteEvent(kind, within + length);
  events_->OnBody({kind}, {data->data, length}, s.feeding_offset + within);
  return HTP_OK;
}

void HttpParser::Hold(HttpKind kind, ByteView bytes, uint64_t offset) {
  Side& s = side(kind);
  if (s.feeding_held) {  // it is where it was
    s.held_left = bytes.size();
    return;
  }
  if (s.held.empty()) s.held_offset = offset;
  s.held.append(AsText(bytes));
  if (s.held.size() <= kMaxHeldBytes) return;
  if (s.waits_for_switch) {
    AssumeSwitch(0);
    return;
  }
  Stop(kind, s.held_offset + s.held_start, "the other direction is not there, or far behind");
}

void HttpParser::FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  const htp_time_t time = ToHtpTime(time_ns);
  s.fed = true;
  s.feeding = bytes;
  s.feeding_offset = offset;
  s.end_offset = offset + bytes.size();
  s.had_event = false;
  s.event_end = 0;
  if (keeps_unused() && s.unused.size() + bytes.size() <= kMaxHeldBytes)
    s.unused.append(AsText(bytes));
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, bytes.data(), bytes.size())
                            : htp_connp_res_data(parser_, &time, bytes.data(), bytes.size());
  s.feeding = {};
  DestroyDone();
  if (switched_ || s.stopped) return;
  if (keeps_unused() && s.had_event) s.unused.assign(AsText(bytes.subspan(s.event_end)));
  if (state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP || state == HTP_STREAM_TUNNEL) {
    const uint64_t at = offset + std::min(Consumed(kind), bytes.size());
    Stop(kind, at,
         s.in_body ? (s.framing == Framing::kChunked ? kBadChunk : kNotHttp)
                   : "a head makes no sense, or is too large");
    return;
  }
  s.blocked = state == HTP_STREAM_DATA_OTHER;
  if (!s.blocked) return;
  const size_t used = Consumed(kind);
  if (used < bytes.size()) {
    // What is held is fed again.
    s.unused.resize(s.unused.size() - std::min(s.unused.size(), bytes.size() - used));
    Hold(kind, bytes.subspan(used), offset + used);
  }
}

// Bytes up to and with the end of a blank line; 0: there is none. The line before it may have come
// earlier.
size_t HttpParser::PastBlankLine(const Side& s, ByteView bytes) {
  const std::string_view text = AsText(bytes);
  if (s.line_end == LineEnd::kLf && text.substr(0, 2) == "\r\n") return 2;
  if (s.line_end != LineEnd::kNone && text[0] == '\n') return 1;
  return HeadLength(text);
}

void HttpParser::NoteLineEnd(Side* s, ByteView bytes) {
  const uint8_t last = bytes.back();
  const bool after_lf =
      bytes.size() > 1 ? bytes[bytes.size() - 2] == '\n' : s->line_end == LineEnd::kLf;
  s->line_end = last == '\n'               ? LineEnd::kLf
                : last == '\r' && after_lf ? LineEnd::kLfCr
                                           : LineEnd::kNone;
}

// A request's head ends what is fed at once: what follows it may be of another protocol. While a
// request waits for that to be decided, so does a response's: what was held comes before the next.
void HttpParser::FeedPieces(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  const bool request = kind == HttpKind::kRequest;
  while (!bytes.empty() && !s.stopped && !switched_) {
    if ((request && s.waits_for_switch) || s.blocked) {
      Hold(kind, bytes, offset);
      return;
    }
    // Empty lines between messages are forgiven.
    if (!request && s.between && (bytes[0] == '\r' || bytes[0] == '\n')) {
      bytes = bytes.subspan(1);
      s.understood_end = ++offset;
      continue;
    }
    size_t piece = bytes.size();
    if (request && s.in_body && s.framing == Framing::kCounted && s.body_left > 0) {
      piece = static_cast<size_t>(std::min<uint64_t>(piece, s.body_left));
    } else if (request || side(HttpKind::kRequest).waits_for_switch) {
      const size_t head = PastBlankLine(s, bytes);
      if (head > 0) piece = head;
    }
    NoteLineEnd(&s, bytes.first(piece));
    FeedNow(kind, bytes.first(piece), offset, time_ns);
    bytes = bytes.subspan(piece);
    offset += piece;
    s.between = s.completed_end == offset;
    if (!request && !switched_) FeedHeld(HttpKind::kRequest, time_ns);
  }
  // What is left belongs to what follows.
  if (switched_) switched_->rest[static_cast<size_t>(kind)].append(AsText(bytes));
}

void HttpParser::FeedHeld(HttpKind kind, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || switched_ || s.waits_for_switch || s.feeding_held) return;
  s.blocked = false;
  if (s.held.empty()) return;
  // What has to be held again stays in its place: it may be often.
  std::string held = std::exchange(s.held, {});
  const size_t start = std::exchange(s.held_start, 0);
  const uint64_t offset = s.held_offset + start;
  s.feeding_held = true;
  s.held_left = 0;
  FeedPieces(kind, AsBytes(held).subspan(start), offset, time_ns);
  s.feeding_held = false;
  if (s.held_left == 0 || s.stopped || switched_) return;
  const size_t used = held.size() - s.held_left;
  s.held_start = used;
  if (used > held.size() / 2) {
    held.erase(0, used);
    s.held_offset += used;
    s.held_start = 0;
  }
  s.held = std::move(held);
}

void HttpParser::Feed(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || switched_ || bytes.empty()) return;
  FeedPieces(kind, bytes, offset, time_ns);
  FeedHeld(OtherKind(kind), time_ns);
}

// libhtp takes no gap in chunks. Zeros in its place show where the chunk ends: as long as all of
// them are of its data, the next chunk is where it should be.
void HttpParser::FeedChunkGap(HttpKind kind, uint64_t length, TimeNs time_ns) {
  static constexpr uint8_t kZeros[16 << 10] = {};
  Side& s = side(kind);
  s.feeding_gap = true;
  const uint64_t offset = s.feeding_offset;
  while (length > 0 && !s.stopped) {
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(length, sizeof(kZeros)));
    s.gap_used = 0;
    FeedNow(kind, {kZeros, piece}, offset, time_ns);
    if (s.gap_used < piece) Stop(kind, offset, kGapInChunks);
    length -= piece;
  }
  s.feeding_gap = false;
}

void HttpParser::Gap(HttpKind kind, uint64_t length, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || switched_) return;
  const bool counted = s.framing == Framing::kCounted;
  if (s.blocked || s.waits_for_switch || !s.in_body || s.framing == Framing::kNone) {
    // Where the next message begins is lost with the gap: no guess is made.
    Stop(kind, s.end_offset, "bytes are missing outside a body");
    return;
  }
  if (s.framing == Framing::kChunked) {
    FeedChunkGap(kind, length, time_ns);
    return;
  }
  if (counted && length > s.body_left) {
    if (s.body_left > 0) events_->OnBodyGap({kind}, s.body_left);
    s.body_left = 0;
    Stop(kind, s.end_offset, "bytes are missing across the end of a body");
    return;
  }
  // libhtp takes bytes without content.
  const htp_time_t time = ToHtpTime(time_ns);
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, nullptr, length)
                            : htp_connp_res_data(parser_, &time, nullptr, length);
  if (state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP) {
    Stop(kind, s.end_offset, "bytes are missing");
  }
}

void HttpParser::Close(bool orderly, TimeNs time_ns) {
  if (switched_) return;
  closing_ = true;
  orderly_ = orderly;
  // One after the other may have asked.
  while (side(HttpKind::kRequest).waits_for_switch && !side(HttpKind::kResponse).fed) {
    AssumeSwitch(time_ns);
    if (switched_) return;
  }
  side(HttpKind::kRequest).waits_for_switch = false;
  FeedHeld(HttpKind::kRequest, time_ns);
  FeedHeld(HttpKind::kResponse, time_ns);
  if (switched_) return;
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    // Inside a body it is what codes it; outside, the beginning of a head without an end.
    if (side(kind).in_body) side(kind).unused.clear();
    if (keeps_unused()) side(kind).unused += TakeHeld(&side(kind));
  }
  const htp_time_t time = ToHtpTime(time_ns);
  htp_connp_close(parser_, &time);
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    GiveUnused(kind);
    if (side(kind).in_body) EndBody(kind, false, "");
  }
}

}  // namespace flowstitch
