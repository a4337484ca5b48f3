// Requests with their responses, as libhtp and the flow's exchanges pair them; those that libhtp
// still holds.
#include <htp/htp.h>

#include <algorithm>
#include <utility>

#include "sinks/content/http/http_parser.h"

namespace flowstitch {
namespace {

HttpParser* ParserOf(htp_connp_t* connp) {
  return static_cast<HttpParser*>(htp_connp_get_user_data(connp));
}

// What libhtp holds of a head's fields.
size_t FieldBytes(const htp_table_t* fields) {
  constexpr size_t kPerField = 192;
  size_t bytes = 0;
  for (size_t i = 0; i < htp_table_size(fields); ++i) {
    const auto* field = static_cast<const htp_header_t*>(htp_table_get_index(fields, i, nullptr));
    bytes += kPerField + bstr_len(field->name) + bstr_len(field->value);
  }
  return bytes;
}

// What is remembered of a transaction: that its request's head was given out, that it is done.
char given;
char done;

}  // namespace

// Whether it is a response whose request was not given out.
bool HttpParser::IsAlone(const htp_tx_t* tx) { return htp_tx_get_user_data(tx) == nullptr; }

void HttpParser::GiveRequest(htp_tx_t* tx, HttpHead head) {
  htp_tx_set_user_data(tx, &given);
  field_bytes_ += FieldBytes(tx->request_headers);
  head.exchange = exchanges_->Begin(side(HttpKind::kRequest).begin, head);
  events_->OnHead({HttpKind::kRequest}, head);
}

void HttpParser::NoteExchange(HttpHead* head) {
  head->in_order = false;
  const Side& s = side(HttpKind::kResponse);
  HttpExchanges::Request* const of = exchanges_->AnsweredAt(s.begin);
  if (of == nullptr) {
    // Of a HEAD's answer this is the end.
    exchanges_->EndResponse(
        s.begin, s.fed.offset() + std::min(Consumed(HttpKind::kResponse), s.fed.piece().size()));
    return;
  }
  of->answered = true;
  head->exchange = of->number;
  head->method = of->method;
  head->target = of->target;
  head->host = of->host;
}

int HttpParser::OnTransactionComplete(htp_tx_t* tx) {
  // Each side may tell it.
  if (htp_tx_get_user_data(tx) == &done) return HTP_OK;
  HttpParser* self = ParserOf(tx->connp);
  htp_tx_set_user_data(tx, &done);
  self->done_.push_back(tx);
  return HTP_OK;
}

int HttpParser::OnRequestStart(htp_tx_t* tx) {
  ++ParserOf(tx->connp)->transactions_;
  return HTP_OK;
}

void HttpParser::Destroy(htp_tx_t* transaction) {
  if (transactions_ > 0) --transactions_;
  field_bytes_ -= std::min(field_bytes_, FieldBytes(transaction->request_headers));
  htp_tx_destroy(transaction);
}

// The last one may still be what libhtp's other side is at.
void HttpParser::DestroyDone() {
  while (done_.size() > 1) {
    Destroy(done_.front());
    done_.pop_front();
  }
}

// Each request that waits for its answer costs libhtp some kB. Of a capture that saw one direction
// only, the oldest are forgotten; where the other end does answer, nobody asks for so much at once.
void HttpParser::LimitUnanswered(uint64_t offset) {
  const Side& response = side(HttpKind::kResponse);
  if (response.fed.any() && !response.left) {
    Stop(HttpKind::kRequest, offset, kTooManyUnanswered);
  } else {
    ForgetUnanswered();
  }
}

void HttpParser::ForgetUnanswered() {
  const htp_list_t* all = htp_connp_get_connection(parser_)->transactions;
  while (transactions_ > kMaxUnanswered / 2 && next_forgotten_ < htp_list_size(all)) {
    auto* oldest = static_cast<htp_tx_t*>(htp_list_get(all, next_forgotten_));
    if (oldest != nullptr && oldest->request_progress != HTP_REQUEST_COMPLETE) return;
    ++next_forgotten_;
    if (oldest == nullptr) continue;
    oldest->response_progress = HTP_RESPONSE_COMPLETE;  // or libhtp would keep it
    Destroy(oldest);
    forgot_ = true;
  }
}

size_t HttpParser::memory_bytes() const {
  constexpr size_t kParserBytes = 4096;
  constexpr size_t kTransactionBytes = 2816;
  size_t bytes = kParserBytes + transactions_ * kTransactionBytes + field_bytes_;
  for (const Side& s : sides_) {
    bytes += s.held.memory_bytes() + s.fed.memory_bytes() + s.start.capacity();
  }
  return bytes;
}

}  // namespace flowstitch
