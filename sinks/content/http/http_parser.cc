#include "sinks/content/http/http_parser.h"

#include <htp/htp.h>

#include <algorithm>
#include <utility>

#include "sinks/content/http/http_head.h"

namespace flowstitch {
namespace {

// One header field, and one line of a head; more is an error of the message.
constexpr size_t kFieldLimitBytes = 64 << 10;
constexpr uint32_t kMaxHeaders = 1024;
// Bytes of one direction that wait while the parser wants the other.
constexpr size_t kMaxHeldBytes = size_t{1} << 20;

htp_time_t ToHtpTime(TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  return {static_cast<time_t>(split.seconds), split.nanoseconds / 1000};
}

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
  htp_config_register_request_start(config_, HttpParser::OnRequestStart);
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

HttpParser::HttpParser(const HttpParserConfig& config, HttpExchanges* exchanges, HttpEvents* events)
    : parser_(htp_connp_create(config.config_)),
      with_fields_(config.with_fields_),
      exchanges_(exchanges),
      events_(events) {
  htp_connp_set_user_data(parser_, this);
  htp_connp_open(parser_, nullptr, 0, nullptr, 0, nullptr);
}

HttpParser::~HttpParser() { htp_connp_destroy_all(parser_); }

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
  // libhtp makes up the request of a response that has none.
  if (side(kind).left || !side(kind).fed) return;
  if (kind == HttpKind::kRequest) {
    exchanges_->End(side(kind).completed_end);
  } else {
    exchanges_->EndResponse(side(kind).begin, side(kind).completed_end);
  }
}

void HttpParser::GiveUnused(HttpKind kind) {
  const std::string unused = std::exchange(side(kind).unused, {});
  if (!unused.empty() && keeps_unused()) events_->OnUnused(kind, AsBytes(unused));
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
    s.unused += s.start;
    s.unused += TakeHeld(&s);
  }
  s.start.clear();
  GiveUnused(kind);
  if (s.in_body) EndBody(kind, false, why);
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
  if (!s.fed) s.understood_end = std::max(s.understood_end, offset);
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
  if (s.in_body && s.framing == Framing::kChunked) {
    NoteBetweenChunks(kind, bytes.subspan(s.had_event ? s.event_end : 0), false);
  }
  DestroyDone();
  if (switched_ || s.stopped) return;
  if (s.until_close) {
    const size_t used = std::min(Consumed(kind), bytes.size());
    FeedUntilClose(kind, bytes.subspan(used), offset + used);
    return;
  }
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
  if (side(OtherKind(kind)).left) {
    Stop(kind, offset + std::min(Consumed(kind), bytes.size()), kSwitchBehindLoss);
    return;
  }
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
    if (s.until_close) {
      FeedUntilClose(kind, bytes, offset);
      return;
    }
    if (!request && s.between && !FeedResponseStart(bytes, offset, time_ns)) return;
    // Empty lines between messages are forgiven.
    if (!request && s.between && (bytes[0] == '\r' || bytes[0] == '\n')) {
      bytes = bytes.subspan(1);
      s.understood_end = ++offset;
      continue;
    }
    if (s.between) s.begin = offset;
    size_t piece = bytes.size();
    if (request && s.in_body && s.framing == Framing::kCounted && s.body_left > 0) {
      piece = static_cast<size_t>(std::min<uint64_t>(piece, s.body_left));
    } else if (request || side(HttpKind::kRequest).waits_for_switch) {
      const size_t head = PastBlankLine(s, bytes);
      if (head > 0) piece = head;
    }
    NoteLineEnd(&s, bytes.first(piece));
    FeedNow(kind, bytes.first(piece), offset, time_ns);
    if (request && transactions_ > kMaxUnanswered) LimitUnanswered(offset + piece);
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
  if (forgot_ && kind == HttpKind::kResponse) {
    Stop(kind, offset, kTooManyUnanswered);
    return;
  }
  FeedPieces(kind, bytes, offset, time_ns);
  FeedHeld(OtherKind(kind), time_ns);
}

// libhtp takes no gap in chunks. Zeros in its place show where the chunk ends: as long as all of
// them are of its data, the next chunk is where it should be.
void HttpParser::FeedChunkGap(HttpKind kind, uint64_t length, TimeNs time_ns) {
  static constexpr uint8_t kZeros[16 << 10] = {};
  Side& s = side(kind);
  s.feeding_gap = true;
  while (length > 0 && !s.stopped) {
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(length, sizeof(kZeros)));
    const uint64_t offset = s.end_offset;
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
  if (!s.start.empty()) FeedStart(time_ns);
  const bool counted = s.framing == Framing::kCounted;
  if (s.until_close && s.in_body) {
    s.gap = true;
    events_->OnBodyGap({kind}, length);
    return;
  }
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
  s.end_offset += length;
  s.feeding_offset = s.end_offset;  // where what ends with it ends
  s.event_end = 0;
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, nullptr, length)
                            : htp_connp_res_data(parser_, &time, nullptr, length);
  s.between = s.completed_end == s.end_offset;
  if (state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP) {
    Stop(kind, s.end_offset, "bytes are missing");
  }
}

void HttpParser::EndHere(HttpKind kind) {
  Side& s = side(kind);
  // The beginning of a head that does not go on.
  const std::string start = std::exchange(s.start, {});
  if (!start.empty() && keeps_unused()) events_->OnUnused(kind, AsBytes(start));
  const bool empty = s.body_bytes == 0;  // as the answer to a HEAD
  if (s.in_body) EndBody(kind, empty, empty ? "" : "another message begins inside its body");
  s.stopped = true;
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
  FinishStart(time_ns);
  FeedHeld(HttpKind::kRequest, time_ns);
  FeedHeld(HttpKind::kResponse, time_ns);
  if (switched_) return;
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    // Inside a body it is what codes it; outside, the beginning of a head without an end.
    if (side(kind).in_body) side(kind).unused.clear();
    if (keeps_unused()) side(kind).unused += TakeHeld(&side(kind));
  }
  const htp_time_t time = ToHtpTime(time_ns);
  Side& response = side(HttpKind::kResponse);
  if (response.until_close && response.in_body) EndBody(HttpKind::kResponse, orderly_, "");
  htp_connp_close(parser_, &time);
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    GiveUnused(kind);
    if (side(kind).in_body) EndBody(kind, false, "");
  }
}

}  // namespace flowstitch
