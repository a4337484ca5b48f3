#include "sinks/http/http_parser.h"

#include <htp/htp.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace flowstitch {
namespace {

// One header field, and one line of a head; more is an error of the message.
constexpr size_t kFieldLimitBytes = 64 << 10;
constexpr uint32_t kMaxHeaders = 1024;
// Bytes of one direction that wait while the parser wants the other.
constexpr size_t kMaxHeldBytes = size_t{1} << 20;

// RFC 9110, 15.2: any number of 1xx come before the response proper. 101 is one of them by its
// number, but nothing follows it here.
enum class Interim { kUnsure, kNo, kYes };

Interim IsInterim(std::string_view text) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const size_t n = std::min(text.size(), kVersion.size());
  if (text.substr(0, n) != kVersion.substr(0, n)) return Interim::kNo;
  if (text.size() > 8 && text[8] != ' ') return Interim::kNo;
  if (text.size() > 9 && text[9] != '1') return Interim::kNo;
  if (text.size() < 12) return Interim::kUnsure;
  return text.substr(9, 3) == "101" ? Interim::kNo : Interim::kYes;
}

// Length of a head with the blank line behind it; 0: it is not complete.
size_t HeadLength(std::string_view text) {
  const size_t crlf = text.find("\r\n\r\n");
  const size_t lf = text.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return 0;
  return crlf < lf ? crlf + 4 : lf + 2;
}

HttpParser* ParserOf(htp_connp_t* connp) {
  return static_cast<HttpParser*>(htp_connp_get_user_data(connp));
}

std::string Text(const bstr* text) {
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(bstr_ptr(text)), bstr_len(text)};
}

std::string Header(const htp_table_t* headers, const char* name) {
  if (headers == nullptr) return "";
  const auto* header = static_cast<const htp_header_t*>(htp_table_get_c(headers, name));
  return header == nullptr ? "" : Text(header->value);
}

void CopyFields(const htp_table_t* headers, HttpHead* head) {
  for (size_t i = 0; headers != nullptr && i < htp_table_size(headers); ++i) {
    const auto* header = static_cast<const htp_header_t*>(htp_table_get_index(headers, i, nullptr));
    head->fields.emplace_back(Text(header->name), Text(header->value));
  }
}

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
  htp_config_set_tx_auto_destroy(config_, 1);
  htp_config_set_response_decompression(config_, 0);
  htp_config_set_request_decompression(config_, 0);
  htp_config_set_parse_request_cookies(config_, 0);
  htp_config_set_parse_request_auth(config_, 0);
  htp_config_register_request_headers(config_, HttpParser::OnRequestHeaders);
  htp_config_register_request_body_data(config_, HttpParser::OnRequestBody);
  htp_config_register_request_complete(config_, HttpParser::OnRequestComplete);
  htp_config_register_response_line(config_, HttpParser::OnResponseLine);
  htp_config_register_response_headers(config_, HttpParser::OnResponseHeaders);
  htp_config_register_response_body_data(config_, HttpParser::OnResponseBody);
  htp_config_register_response_complete(config_, HttpParser::OnResponseComplete);
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

int HttpParser::OnRequestHeaders(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  HttpHead head;
  head.number = ++self->side(HttpKind::kRequest).messages;
  head.method = Text(tx->request_method);
  head.content_type = Header(tx->request_headers, "content-type");
  head.content_encoding = Header(tx->request_headers, "content-encoding");
  if (self->with_fields_) {
    head.target = Text(tx->request_uri);
    head.version = Text(tx->request_protocol);
    CopyFields(tx->request_headers, &head);
  }
  self->NoteEvent(HttpKind::kRequest, self->Consumed(HttpKind::kRequest));
  self->StartBody(HttpKind::kRequest, tx->request_transfer_coding, tx->request_content_length);
  self->events_->OnHead(HttpKind::kRequest, head);
  return HTP_OK;
}

// RFC 9112, 6.3: these have no body, whatever their headers say. libhtp believes a Content-Length,
// except in the answer to a HEAD.
int HttpParser::OnResponseLine(htp_tx_t* tx) {
  ParserOf(tx->connp)->side(HttpKind::kResponse).between = false;
  const int status = tx->response_status_number;
  if (status == 204 || status == 304) tx->request_method_number = HTP_M_HEAD;
  return HTP_OK;
}

int HttpParser::OnResponseHeaders(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  Side& side = self->side(HttpKind::kResponse);
  side.messages += 1 + static_cast<uint32_t>(std::max(0, tx->seen_100continue));
  HttpHead head;
  head.number = side.messages;
  head.status = tx->response_status_number;
  head.method = Text(tx->request_method);
  head.content_type = Header(tx->response_headers, "content-type");
  head.content_encoding = Header(tx->response_headers, "content-encoding");
  if (self->with_fields_) {
    head.target = Text(tx->request_uri);
    head.version = Text(tx->response_protocol);
    head.reason = Text(tx->response_message);
    CopyFields(tx->response_headers, &head);
  }
  self->NoteEvent(HttpKind::kResponse, self->Consumed(HttpKind::kResponse));
  self->StartBody(HttpKind::kResponse, tx->response_transfer_coding, tx->response_content_length);
  self->events_->OnHead(HttpKind::kResponse, head);
  return HTP_OK;
}

// Only where a body's length is known, or is all that follows, is it certain where a gap in it
// ends.
void HttpParser::StartBody(HttpKind kind, int transfer_coding, int64_t content_length) {
  Side& s = side(kind);
  const bool counted = content_length > 0;
  s.in_body = true;
  s.gap_allowed =
      transfer_coding == HTP_CODING_IDENTITY && (counted || kind == HttpKind::kResponse);
  s.body_left = counted ? static_cast<uint64_t>(content_length) : UINT64_MAX;
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
}

void HttpParser::GiveUnused(HttpKind kind) {
  const std::string unused = std::exchange(side(kind).unused, {});
  if (!unused.empty()) events_->OnUnused(kind, AsBytes(unused));
}

void HttpParser::EndBody(HttpKind kind, bool complete) {
  // At the end, libhtp completes also what has only begun.
  if (!closing_) NoteEvent(kind, Consumed(kind));
  side(kind).in_body = false;
  events_->OnEnd(kind, complete);
}

void HttpParser::Body(HttpKind kind, const uint8_t* data, size_t length) {
  if (length == 0) return;
  Side& s = side(kind);
  s.body_left -= std::min<uint64_t>(s.body_left, length);
  if (data == nullptr) {
    events_->OnBodyGap(kind, length);
    return;
  }
  const std::less_equal<const uint8_t*> before;
  const bool inside = !s.feeding.empty() && before(s.feeding.data(), data) &&
                      before(data, s.feeding.data() + s.feeding.size());
  const uint64_t within = inside ? static_cast<uint64_t>(data - s.feeding.data()) : 0;
  if (inside || closing_) NoteEvent(kind, within + length);
  events_->OnBody(kind, {data, length}, s.feeding_offset + within);
}

int HttpParser::OnRequestBody(htp_tx_data_t* data) {
  ParserOf(data->tx->connp)->Body(HttpKind::kRequest, data->data, data->len);
  return HTP_OK;
}

int HttpParser::OnResponseBody(htp_tx_data_t* data) {
  ParserOf(data->tx->connp)->Body(HttpKind::kResponse, data->data, data->len);
  return HTP_OK;
}

int HttpParser::OnRequestComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  const bool short_body =
      tx->request_content_length > 0 && tx->request_message_len < tx->request_content_length;
  const bool cut_chunks = self->closing_ && tx->request_transfer_coding == HTP_CODING_CHUNKED;
  self->EndBody(HttpKind::kRequest, !short_body && !cut_chunks);
  return HTP_OK;
}

int HttpParser::OnResponseComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  bool complete = true;
  if (tx->response_content_length > 0) {
    complete = tx->response_message_len >= tx->response_content_length;
  } else if (self->closing_) {
    // Chunks have an end of their own; a body without any length ends with the flow.
    complete = tx->response_transfer_coding != HTP_CODING_CHUNKED && self->orderly_;
  }
  self->side(HttpKind::kResponse).between = true;
  self->EndBody(HttpKind::kResponse, complete);
  return HTP_OK;
}

ByteView HttpParser::SkipInterim(ByteView bytes, uint64_t* offset) {
  Side& s = side(HttpKind::kResponse);
  if (s.interim.empty()) s.interim_offset = *offset;
  s.interim.append(AsText(bytes));
  std::string_view rest = s.interim;
  while (IsInterim(rest) == Interim::kYes) {
    const size_t length = HeadLength(rest);
    if (length == 0) break;
    ++s.messages;
    rest.remove_prefix(length);
    s.interim_offset += length;
  }
  const Interim kind = IsInterim(rest);
  const bool waits = !closing_ && kind != Interim::kNo && rest.size() < kFieldLimitBytes;
  s.interim = std::string(rest);
  if (waits) return {};
  *offset = s.interim_offset;
  return AsBytes(s.interim);
}

void HttpParser::Hold(Side* s, ByteView bytes, uint64_t offset) {
  if (s->held.size() + bytes.size() > kMaxHeldBytes) {
    s->stopped = true;
    if (!keeps_unused()) return;
    s->unused += std::exchange(s->held, {});
    s->unused.append(AsText(bytes));
    GiveUnused(s == &side(HttpKind::kRequest) ? HttpKind::kRequest : HttpKind::kResponse);
    return;
  }
  if (s->held.empty()) s->held_offset = offset;
  s->held.append(AsText(bytes));
}

void HttpParser::FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  const htp_time_t time = ToHtpTime(time_ns);
  s.feeding = bytes;
  s.feeding_offset = offset;
  s.had_event = false;
  s.event_end = 0;
  if (keeps_unused() && s.unused.size() + bytes.size() <= kMaxHeldBytes)
    s.unused.append(AsText(bytes));
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, bytes.data(), bytes.size())
                            : htp_connp_res_data(parser_, &time, bytes.data(), bytes.size());
  s.feeding = {};
  if (keeps_unused() && s.had_event) s.unused.assign(AsText(bytes.subspan(s.event_end)));
  if (state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP || state == HTP_STREAM_TUNNEL) {
    s.stopped = true;
    GiveUnused(kind);
    return;
  }
  s.blocked = state == HTP_STREAM_DATA_OTHER;
  if (!s.blocked) return;
  const size_t used =
      request ? htp_connp_req_data_consumed(parser_) : htp_connp_res_data_consumed(parser_);
  if (used < bytes.size()) {
    // What is held is fed again.
    s.unused.resize(s.unused.size() - std::min(s.unused.size(), bytes.size() - used));
    Hold(&s, bytes.subspan(used), offset + used);
  }
}

void HttpParser::FeedHeld(HttpKind kind, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || !s.blocked) return;
  s.blocked = false;
  if (s.held.empty()) return;
  const std::string held = std::exchange(s.held, {});
  FeedNow(kind, AsBytes(held), s.held_offset, time_ns);
}

void HttpParser::Feed(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped || bytes.empty()) return;
  if (s.blocked) {
    Hold(&s, bytes, offset);
    return;
  }
  if (kind == HttpKind::kResponse && s.between) {
    bytes = SkipInterim(bytes, &offset);
    if (bytes.empty()) return;
    const std::string response = std::exchange(s.interim, {});
    FeedNow(kind, AsBytes(response), offset, time_ns);
  } else {
    FeedNow(kind, bytes, offset, time_ns);
  }
  const HttpKind other = kind == HttpKind::kRequest ? HttpKind::kResponse : HttpKind::kRequest;
  FeedHeld(other, time_ns);
}

void HttpParser::Gap(HttpKind kind, uint64_t length, TimeNs time_ns) {
  Side& s = side(kind);
  if (s.stopped) return;
  if (s.blocked || !s.in_body || !s.gap_allowed || length > s.body_left) {
    // Where the next message begins is lost with the gap: no guess is made.
    s.stopped = true;
    if (keeps_unused()) s.unused += std::exchange(s.held, {});
    GiveUnused(kind);
    if (s.in_body) EndBody(kind, false);
    return;
  }
  // libhtp takes bytes without content.
  const htp_time_t time = ToHtpTime(time_ns);
  const bool request = kind == HttpKind::kRequest;
  const int state = request ? htp_connp_req_data(parser_, &time, nullptr, length)
                            : htp_connp_res_data(parser_, &time, nullptr, length);
  s.stopped = state == HTP_STREAM_ERROR || state == HTP_STREAM_STOP;
}

void HttpParser::Close(bool orderly, TimeNs time_ns) {
  closing_ = true;
  orderly_ = orderly;
  if (Side& s = side(HttpKind::kResponse); !s.interim.empty() && !s.stopped) {
    const std::string rest = std::exchange(s.interim, {});
    FeedNow(HttpKind::kResponse, AsBytes(rest), s.interim_offset, time_ns);
  }
  FeedHeld(HttpKind::kRequest, time_ns);
  FeedHeld(HttpKind::kResponse, time_ns);
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    // Inside a body it is what codes it; outside, the beginning of a head without an end.
    if (side(kind).in_body) side(kind).unused.clear();
    if (keeps_unused()) side(kind).unused += std::exchange(side(kind).held, {});
  }
  const htp_time_t time = ToHtpTime(time_ns);
  htp_connp_close(parser_, &time);
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    GiveUnused(kind);
    if (side(kind).in_body) EndBody(kind, false);
  }
}

}  // namespace flowstitch
