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

size_t HttpParser::Consumed(HttpKind kind) const {
  return kind == HttpKind::kRequest ? htp_connp_req_data_consumed(parser_)
                                    : htp_connp_res_data_consumed(parser_);
}

void HttpParser::NoteEvent(HttpKind kind, size_t used) { side(kind).fed.NoteEvent(used); }

// libhtp says that a message is complete. At the end it completes also what has only begun.
void HttpParser::NoteCompleted(HttpKind kind) {
  if (closing_) return;
  NoteEvent(kind, Consumed(kind));
  side(kind).fed.NoteCompleted();
  // libhtp makes up the request of a response that has none.
  if (side(kind).left || !side(kind).fed.any()) return;
  if (kind == HttpKind::kRequest) {
    exchanges_->End(side(kind).fed.completed_end());
  } else {
    exchanges_->EndResponse(side(kind).begin, side(kind).fed.completed_end());
  }
}

void HttpParser::GiveUnused(HttpKind kind) {
  const std::string unused = std::exchange(side(kind).fed.unused(), {});
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
    if (s.fed.had_event() && !s.fed.piece().empty()) {
      s.fed.KeepOnly(s.fed.piece().subspan(s.fed.used()));
    }
    s.fed.unused() += s.start;
    s.fed.unused() += s.held.Take();
  }
  s.start.clear();
  GiveUnused(kind);
  if (s.body.open) EndBody(kind, false, why);
}

void HttpParser::Hold(HttpKind kind, ByteView bytes, uint64_t offset) {
  Side& s = side(kind);
  if (s.held.Hold(bytes, offset)) return;
  if (s.waits_for_switch) {
    AssumeSwitch(0);
    return;
  }
  Stop(kind, s.held.offset(), "the other direction is not there, or far behind");
}

void HttpParser::FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  const htp_time_t time = ToHtpTime(time_ns);
  s.fed.Begin(bytes, offset);
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, bytes.data(), bytes.size())
                            : htp_connp_res_data(parser_, &time, bytes.data(), bytes.size());
  s.fed.Done();
  if (s.body.open && s.body.framing == BodyFraming::kChunked) {
    s.body.NoteBetweenChunks(AsText(bytes.subspan(s.fed.used())), false);
  }
  DestroyDone();
  if (switched_ || s.stopped) return;
  const size_t used = std::min(Consumed(kind), bytes.size());
  if (s.body.until_close) {
    FeedUntilClose(kind, bytes.subspan(used), offset + used);
    return;
  }
  if (s.fed.had_event()) s.fed.KeepOnly(bytes.subspan(s.fed.used()));
  if (StopWhereParserDid(kind, state)) return;
  s.blocked = state == HTP_STREAM_DATA_OTHER;
  if (!s.blocked) return;
  if (side(OtherKind(kind)).left) {
    Stop(kind, offset + used, kSwitchBehindLoss);
  } else if (used < bytes.size()) {
    // What is held is fed again.
    std::string& unused = s.fed.unused();
    unused.resize(unused.size() - std::min(unused.size(), bytes.size() - used));
    Hold(kind, bytes.subspan(used), offset + used);
  }
}

// Where libhtp takes nothing more of a side, behind the piece that it had.
bool HttpParser::StopWhereParserDid(HttpKind kind, int state) {
  if (state != HTP_STREAM_ERROR && state != HTP_STREAM_STOP && state != HTP_STREAM_TUNNEL) {
    return false;
  }
  const Side& s = side(kind);
  const uint64_t piece_bytes = s.fed.end() - s.fed.offset();
  Stop(kind, s.fed.offset() + std::min<uint64_t>(Consumed(kind), piece_bytes),
       !s.body.open                              ? "a head makes no sense, or is too large"
       : s.body.framing == BodyFraming::kChunked ? kBadChunk
                                                 : kNotHttp);
  return true;
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
    if (s.body.until_close) {
      FeedUntilClose(kind, bytes, offset);
      return;
    }
    if (!request && s.between && !FeedResponseStart(bytes, offset, time_ns)) return;
    // Empty lines between messages are forgiven.
    if (!request && s.between && (bytes[0] == '\r' || bytes[0] == '\n')) {
      bytes = bytes.subspan(1);
      s.fed.UnderstoodTo(++offset);
      continue;
    }
    if (s.between) s.begin = offset;
    size_t piece = bytes.size();
    if (request && s.body.open && s.body.framing == BodyFraming::kCounted && s.body.left > 0) {
      piece = static_cast<size_t>(std::min<uint64_t>(piece, s.body.left));
    } else if (request || side(HttpKind::kRequest).waits_for_switch) {
      const size_t head = s.line_ends.PastBlankLine(AsText(bytes));
      if (head > 0) piece = head;
    }
    s.line_ends.Note(AsText(bytes.first(piece)));
    FeedNow(kind, bytes.first(piece), offset, time_ns);
    if (request && transactions_ > kMaxUnanswered) LimitUnanswered(offset + piece);
    bytes = bytes.subspan(piece);
    offset += piece;
    s.between = s.fed.completed_end() == offset;
    if (!request && !switched_) FeedHeld(HttpKind::kRequest, time_ns);
  }
  // What is left belongs to what follows.
  if (switched_) switched_->rest[static_cast<size_t>(kind)].append(AsText(bytes));
}

void HttpParser::FeedHeld(HttpKind kind, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || switched_ || s.waits_for_switch || s.held.giving()) return;
  s.blocked = false;
  s.held.Give([&](ByteView bytes, uint64_t offset) {
    FeedPieces(kind, bytes, offset, time_ns);
    return !s.stopped && !switched_;
  });
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
    const uint64_t offset = s.fed.end();
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
  const bool counted = s.body.framing == BodyFraming::kCounted;
  if (s.body.until_close && s.body.open) {
    s.body.gap = true;
    events_->OnBodyGap({kind}, length);
    return;
  }
  if (s.blocked || s.waits_for_switch || !s.body.open || s.body.framing == BodyFraming::kNone) {
    // Where the next message begins is lost with the gap: no guess is made.
    Stop(kind, s.fed.end(), "bytes are missing outside a body");
    return;
  }
  if (s.body.framing == BodyFraming::kChunked) {
    FeedChunkGap(kind, length, time_ns);
    return;
  }
  if (counted && length > s.body.left) {
    if (s.body.left > 0) events_->OnBodyGap({kind}, s.body.left);
    s.body.left = 0;
    Stop(kind, s.fed.end(), "bytes are missing across the end of a body");
    return;
  }
  // libhtp takes bytes without content.
  const htp_time_t time = ToHtpTime(time_ns);
  s.fed.SkipTo(s.fed.end() + length);
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, nullptr, length)
                            : htp_connp_res_data(parser_, &time, nullptr, length);
  s.between = s.fed.completed_end() == s.fed.end();
  if (state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP) {
    Stop(kind, s.fed.end(), "bytes are missing");
  }
}

void HttpParser::EndHere(HttpKind kind) {
  Side& s = side(kind);
  // The beginning of a head that does not go on.
  const std::string start = std::exchange(s.start, {});
  if (!start.empty() && keeps_unused()) events_->OnUnused(kind, AsBytes(start));
  const bool empty = s.body.bytes == 0;  // as the answer to a HEAD
  if (s.body.open) EndBody(kind, empty, empty ? "" : "another message begins inside its body");
  s.stopped = true;
}

void HttpParser::Close(bool orderly, TimeNs time_ns) {
  if (switched_) return;
  closing_ = true;
  orderly_ = orderly;
  // One after the other may have asked.
  while (side(HttpKind::kRequest).waits_for_switch && !side(HttpKind::kResponse).fed.any()) {
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
    if (side(kind).body.open) side(kind).fed.unused().clear();
    if (keeps_unused()) side(kind).fed.unused() += side(kind).held.Take();
  }
  const htp_time_t time = ToHtpTime(time_ns);
  Side& response = side(HttpKind::kResponse);
  if (response.body.until_close && response.body.open) EndBody(HttpKind::kResponse, orderly_, "");
  htp_connp_close(parser_, &time);
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    GiveUnused(kind);
    if (side(kind).body.open) EndBody(kind, false, "");
  }
}

}  // namespace flowstitch
