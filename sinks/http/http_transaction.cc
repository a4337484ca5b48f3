#include "sinks/http/http_transaction.h"

#include <utility>

#include "absl/strings/match.h"

namespace flowstitch {
namespace {

constexpr int kSwitchingProtocols = 101;
// What an upgrade from HTTP/1 answers there (RFC 7540, 3.2).
constexpr uint32_t kUpgradedStream = 1;

}  // namespace

HttpMessage* HttpPairing::Find(HttpMessageId id) {
  if (id.kind == HttpKind::kResponse) {
    const auto it = responses_.find(id.stream);
    return it == responses_.end() ? nullptr : &it->second;
  }
  if (id.stream == 0) return requests_.empty() ? nullptr : &requests_.back();
  const auto it = stream_requests_.find(id.stream);
  return it == stream_requests_.end() ? nullptr : &it->second;
}

void HttpPairing::OnHead(HttpMessageId id, HttpMessage message) {
  if (id.kind == HttpKind::kResponse) {
    responses_[id.stream] = std::move(message);
  } else if (id.stream == 0) {
    requests_.push_back(std::move(message));
  } else {
    stream_requests_[id.stream] = std::move(message);
  }
}

void HttpPairing::OnTrailers(HttpMessageId id, const HttpFields& fields) {
  if (HttpMessage* message = Find(id)) message->trailers = fields;
}

void HttpPairing::OnEnd(HttpMessageId id, const BodyRecord* body, bool complete,
                        std::string_view why, const Taker& taker) {
  HttpMessage* message = Find(id);
  if (message == nullptr) return;
  message->complete = complete;
  message->note = std::string(why);
  if (body != nullptr) {
    message->body_path = body->path;
    message->body_bytes = body->bytes;
    if (!body->note.empty()) message->note = body->note;
  }
  if (id.kind == HttpKind::kRequest) {
    EndRequest(id, taker);
  } else {
    EndResponse(id, taker);
  }
}

void HttpPairing::EndRequest(HttpMessageId id, const Taker& taker) {
  if (id.stream == 0 && requests_.size() > kMaxOpen) {
    taker({0, "", std::move(requests_.front()), std::nullopt});
    requests_.pop_front();
  }
  if (id.stream != 0 && stream_requests_.size() > kMaxOpen) {
    const auto oldest = stream_requests_.begin();
    taker({oldest->first, "", std::move(oldest->second), std::nullopt});
    stream_requests_.erase(oldest);
  }
}

void HttpPairing::EndResponse(HttpMessageId id, const Taker& taker) {
  const auto it = responses_.find(id.stream);
  HttpTransaction transaction;
  transaction.stream = id.stream;
  transaction.response = std::move(it->second);
  responses_.erase(it);
  const HttpHead& head = transaction.response->head;
  if (head.status >= 100 && head.status < 200 && head.status != kSwitchingProtocols) return;
  // The request that asked for HTTP/2 is answered in HTTP/2.
  const bool to_http2 = head.status == kSwitchingProtocols &&
                        absl::EqualsIgnoreCase(FieldValue(head.fields, "upgrade"), "h2c");
  if (to_http2) return;
  const auto request = stream_requests_.find(id.stream);
  if (request != stream_requests_.end()) {
    transaction.request = std::move(request->second);
    stream_requests_.erase(request);
  } else if ((id.stream == 0 || id.stream == kUpgradedStream) && !requests_.empty()) {
    transaction.request = std::move(requests_.front());
    requests_.pop_front();
  }
  taker(transaction);
}

void HttpPairing::Finish(const Taker& taker) {
  while (!responses_.empty()) {
    EndResponse({HttpKind::kResponse, responses_.begin()->first}, taker);
  }
  for (HttpMessage& request : requests_) taker({0, "", std::move(request), std::nullopt});
  requests_.clear();
  for (auto& [stream, request] : stream_requests_) {
    taker({stream, "", std::move(request), std::nullopt});
  }
  stream_requests_.clear();
}

}  // namespace flowstitch
