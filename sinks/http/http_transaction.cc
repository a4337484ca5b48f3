#include "sinks/http/http_transaction.h"

#include <utility>

namespace flowstitch {
namespace {

constexpr int kSwitchingProtocols = 101;

void Note(const BodyRecord* body, bool complete, HttpMessage* message) {
  message->complete = complete;
  if (body == nullptr) return;
  message->body_path = body->path;
  message->body_bytes = body->bytes;
}

}  // namespace

void HttpPairing::OnHead(HttpKind kind, const HttpHead& head, TimeNs time_ns) {
  HttpMessage message;
  message.head = head;
  message.time_ns = time_ns;
  if (kind == HttpKind::kRequest) {
    requests_.push_back(std::move(message));
  } else {
    response_ = std::move(message);
  }
}

void HttpPairing::OnEnd(HttpKind kind, const BodyRecord* body, bool complete, const Taker& taker) {
  if (kind == HttpKind::kRequest) {
    if (requests_.empty()) return;
    Note(body, complete, &requests_.back());
    if (requests_.size() <= kMaxOpen) return;
    taker({std::move(requests_.front()), std::nullopt});
    requests_.pop_front();
    return;
  }
  if (!response_) return;
  HttpTransaction transaction;
  transaction.response = std::exchange(response_, std::nullopt);
  const int status = transaction.response->head.status;
  if (status >= 100 && status < 200 && status != kSwitchingProtocols) return;
  Note(body, complete, &*transaction.response);
  if (!requests_.empty()) {
    transaction.request = std::move(requests_.front());
    requests_.pop_front();
  }
  taker(transaction);
}

void HttpPairing::Finish(const Taker& taker) {
  if (response_) OnEnd(HttpKind::kResponse, nullptr, false, taker);
  for (HttpMessage& request : requests_) taker({std::move(request), std::nullopt});
  requests_.clear();
}

}  // namespace flowstitch
