// What libhtp tells of messages: heads, bodies and where they end.
#include "sinks/content/http/http_parser.h"

#include <htp/htp.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "sinks/content/http/http_head.h"

namespace flowstitch {
namespace {

HttpParser* ParserOf(htp_connp_t* connp) {
  return static_cast<HttpParser*>(htp_connp_get_user_data(connp));
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

}  // namespace

// The hooks. After a switch nothing is given out any more, whatever libhtp makes of the rest.

int HttpParser::OnRequestHeaders(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kRequest);
  HttpHead head = RequestHead(tx, self->with_fields_);
  const std::string upgrade = absl::AsciiStrToLower(HtpField(tx->request_headers, "upgrade"));
  const bool answer_comes = !self->side(HttpKind::kResponse).left;
  if (answer_comes && (IsTunnelRequest(tx) || !upgrade.empty())) {
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
  self->GiveRequest(tx, std::move(head));
  return HTP_OK;
}

// RFC 9112, 6.3: these have no body, whatever their headers say. libhtp believes a Content-Length,
// except in the answer to a HEAD.
int HttpParser::OnResponseLine(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  const int status = tx->response_status_number;
  Side& side = self->side(HttpKind::kResponse);
  side.told_status = 0;
  // The first of several in a piece begins where it does, the others behind each other.
  side.begin = std::max(side.begin, side.fed.understood_end());
  const HttpExchanges::Request* const of =
      self->IsAlone(tx) ? self->exchanges_->AnsweredAt(side.begin) : nullptr;
  if (of != nullptr && of->method == "HEAD") tx->request_method_number = HTP_M_HEAD;
  const bool has_none = status == 204 || (status >= 100 && status < 200);
  if (has_none && self->BodyFollows()) {
    // Against the RFC, and as browsers do.
    side.body.anomaly = "its status says that it has no body";
    side.told_status = status;
    tx->response_status_number = 200;
    return HTP_OK;
  }
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
  if (side.told_status != 0) head.status = side.told_status;
  // A request that nobody saw was answered: counting is of no use any more.
  if (self->IsAlone(tx)) self->in_step_ = false;
  if (!self->in_step_) self->NoteExchange(&head);
  self->NoteLengths(tx, &head);
  head.interims = side.interims + static_cast<uint32_t>(std::max(0, tx->seen_100continue));
  side.interims = 0;
  self->NoteEvent(HttpKind::kResponse, self->Consumed(HttpKind::kResponse));
  const bool no_body = tx->request_method_number == HTP_M_HEAD;
  self->StartBody(HttpKind::kResponse, tx->response_transfer_coding, tx->response_content_length,
                  no_body, IsChunked(tx->response_headers));
  side.head_fields = htp_table_size(tx->response_headers);
  self->events_->OnHead({HttpKind::kResponse}, head);
  self->NoteAnswerToSwitch(tx, head);
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
  if (!with_fields_ || switched_ || !side(kind).body.open) return;
  const HttpFields trailers = HtpFields(fields, side(kind).head_fields);
  if (!trailers.empty()) events_->OnTrailers({kind}, trailers);
}

int HttpParser::OnRequestComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kRequest);
  if (side.left) return HTP_OK;  // a response came before what libhtp has of its request was whole
  if (!side.body.open && tx->is_protocol_0_9) {  // a line, and no head
    self->StartBody(HttpKind::kRequest, HTP_CODING_NO_BODY, -1, true, false);
    self->GiveRequest(tx, RequestHead(tx, false));
  }
  const bool short_body = side.body.framing == BodyFraming::kCounted && side.body.left > 0;
  const bool cut_chunks = self->closing_ && side.body.framing == BodyFraming::kChunked &&
                          tx->request_progress < HTP_REQUEST_TRAILER;
  side.waits_for_switch = self->asked_.has_value();
  self->NoteLastChunk(HttpKind::kRequest);
  self->NoteCompleted(HttpKind::kRequest);
  self->EndBody(HttpKind::kRequest, !short_body && !cut_chunks, "");
  return HTP_OK;
}

int HttpParser::OnResponseComplete(htp_tx_t* tx) {
  HttpParser* self = ParserOf(tx->connp);
  if (self->switched_) return HTP_STOP;
  Side& side = self->side(HttpKind::kResponse);
  if (side.left) return HTP_OK;
  bool complete = true;
  switch (side.body.framing) {
    case BodyFraming::kNone:
      break;
    case BodyFraming::kCounted:
      complete = side.body.left == 0;
      break;
    case BodyFraming::kChunked:
      // Chunks have an end of their own.
      complete = !self->closing_ || tx->response_progress > HTP_RESPONSE_TRAILER;
      break;
    case BodyFraming::kUntilClose:
      // A body without any length ends with the flow.
      complete = !self->closing_ || self->orderly_;
      break;
  }
  if (side.body.doubtful_length && side.body.open && !self->closing_) {
    side.body.until_close = true;
    return HTP_STOP;
  }
  self->NoteLastChunk(HttpKind::kResponse);
  self->NoteCompleted(HttpKind::kResponse);
  self->EndBody(HttpKind::kResponse, complete, "");
  return HTP_OK;
}

// RFC 9112, 6.3.
BodyFraming HttpParser::FramingOf(HttpKind kind, int transfer_coding, int64_t content_length,
                                  bool chunked) {
  if (transfer_coding == HTP_CODING_CHUNKED && (chunked || content_length < 0)) {
    return BodyFraming::kChunked;
  }
  if (content_length >= 0) return BodyFraming::kCounted;
  return kind == HttpKind::kResponse ? BodyFraming::kUntilClose : BodyFraming::kNone;
}

void HttpParser::StartBody(HttpKind kind, int transfer_coding, int64_t content_length, bool no_body,
                           bool chunked) {
  // What libhtp took for HTTP/0.9 has a head after all.
  EndBody(kind, false, kNotHttp);
  const BodyFraming framing =
      no_body ? BodyFraming::kNone : FramingOf(kind, transfer_coding, content_length, chunked);
  side(kind).body.Start(framing, static_cast<uint64_t>(content_length));
}

void HttpParser::EndBody(HttpKind kind, bool complete, const char* why) {
  Side& s = side(kind);
  if (!s.body.open) return;
  const HttpBody::End end = s.body.Finish(complete, why);
  events_->OnEnd({kind}, end.complete, end.why);
}

bool HttpParser::BodyPiece::only_line_ends() const {
  return data != nullptr &&
         std::all_of(data, data + length, [](uint8_t c) { return c == '\r' || c == '\n'; });
}

// Empty lines between messages are forgiven.
int HttpParser::PassLineEnds(const BodyPiece& piece) {
  NoteEvent(piece.kind, piece.place ? *piece.place + piece.length : Consumed(piece.kind));
  return HTP_OK;
}

// libhtp takes what is not the next message for more body.
int HttpParser::StopBehindMessage(HttpKind kind) {
  EndBody(kind, true, "");
  Stop(kind, side(kind).fed.understood_end(), kNotHttp);
  return HTP_STOP;
}

int HttpParser::Body(HttpKind kind, htp_tx_data_t* data) {
  if (switched_) return HTP_STOP;
  Side& s = side(kind);
  if (data->len == 0 || s.stopped) return HTP_OK;
  const htp_tx_t* const tx = data->tx;
  const bool request = kind == HttpKind::kRequest;
  if (!s.body.open && tx->is_protocol_0_9 && !request) {
    // HTTP/0.9's answer has no head: all of it is the body.
    HttpHead head = ResponseHead(tx, false);
    head.version = "HTTP/0.9";
    head.status = 0;
    StartBody(kind, HTP_CODING_IDENTITY, -1, false, false);
    events_->OnHead({kind}, head);
  }
  if (!s.body.open) {  // a line that is no head's first
    Stop(kind, s.fed.understood_end(), kNotHttp);
    return HTP_STOP;
  }
  const int coding = request ? tx->request_transfer_coding : tx->response_transfer_coding;
  const BodyPiece piece = {kind,
                           data->data,
                           data->len,
                           s.fed.PlaceOf(data->data),
                           coding == HTP_CODING_CHUNKED,
                           request ? tx->request_progress > HTP_REQUEST_BODY
                                   : tx->response_progress > HTP_RESPONSE_BODY};
  switch (s.body.framing) {
    case BodyFraming::kChunked:
      return TakeChunked(piece);
    case BodyFraming::kNone:
    case BodyFraming::kCounted:
      return TakeCounted(piece);
    case BodyFraming::kUntilClose:
      break;
  }
  GiveBody(piece);
  return HTP_OK;
}

int HttpParser::TakeChunked(const BodyPiece& piece) {
  Side& s = side(piece.kind);
  if (piece.behind && piece.only_line_ends()) return PassLineEnds(piece);
  if (piece.behind) return StopBehindMessage(piece.kind);
  if (!piece.chunked && (s.body.bytes > 0 || s.feeding_gap)) {
    Stop(piece.kind, s.fed.understood_end(), s.feeding_gap ? kGapInChunks : kBadChunk);
    return HTP_STOP;
  }
  // Not one chunk: it is kept, as it came.
  if (!piece.chunked) s.body.wrong = "it is called chunked and is not: kept as it came";
  if (piece.place) {
    const size_t from = s.fed.used();
    const size_t place = static_cast<size_t>(*piece.place);
    const ByteView between = s.fed.piece().first(std::max(from, place)).subspan(from);
    s.body.NoteBetweenChunks(AsText(between), true);
  }
  GiveBody(piece);
  return HTP_OK;
}

int HttpParser::TakeCounted(const BodyPiece& piece) {
  Side& s = side(piece.kind);
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(s.body.left, piece.length));
  if (wanted == 0 && piece.only_line_ends()) return PassLineEnds(piece);
  s.body.left -= wanted;
  if (wanted < piece.length && !s.body.doubtful_length) {
    const uint64_t place = piece.place.value_or(0);
    if (wanted > 0) {
      NoteEvent(piece.kind, place + wanted);
      events_->OnBody({piece.kind}, piece.bytes(wanted), s.fed.offset() + place);
    }
    return StopBehindMessage(piece.kind);
  }
  if (wanted < piece.length) s.body.framing = BodyFraming::kUntilClose;
  GiveBody(piece);
  return HTP_OK;
}

void HttpParser::GiveBody(const BodyPiece& piece) {
  Side& s = side(piece.kind);
  s.body.bytes += piece.length;
  if (piece.data == nullptr || s.feeding_gap) {
    s.gap_used += piece.length;
    s.body.gap = true;
    events_->OnBodyGap({piece.kind}, piece.length);
    return;
  }
  const uint64_t place = piece.place.value_or(0);
  if (piece.place || closing_) NoteEvent(piece.kind, place + piece.length);
  events_->OnBody({piece.kind}, piece.bytes(piece.length), s.fed.offset() + place);
}

}  // namespace flowstitch
