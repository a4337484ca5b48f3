#include "sinks/records/http_transaction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace flowstitch {
namespace {

constexpr int kSwitchingProtocols = 101;
// What an upgrade from HTTP/1 answers there (RFC 7540, 3.2).
constexpr uint32_t kUpgradedStream = 1;

size_t FieldBytes(const HttpMessage& message) {
  size_t bytes = 0;
  for (const auto& [name, value] : message.head.fields) bytes += name.size() + value.size() + 64;
  return bytes;
}

}  // namespace

HttpPairing::Request* HttpPairing::FindRequest(uint32_t stream) {
  if (stream == 0) return requests_.empty() ? nullptr : &requests_.back();
  const auto it = stream_requests_.find(stream);
  return it == stream_requests_.end() ? nullptr : &it->second;
}

HttpMessage* HttpPairing::Find(HttpMessageId id) {
  if (id.kind == HttpKind::kResponse) {
    const auto it = responses_.find(id.stream);
    return it == responses_.end() ? nullptr : &it->second;
  }
  const auto it = answered_.find(id.stream);
  if (it != answered_.end()) return &*it->second.request;
  Request* request = FindRequest(id.stream);
  return request == nullptr || request->ended ? nullptr : &request->message;
}

void HttpPairing::OnHead(HttpMessageId id, HttpMessage message) {
  const size_t bytes = FieldBytes(message);
  if (field_bytes_ + bytes > kMaxFieldBytes) {
    message.head.fields.clear();
    message.note = "its fields are left out: those of other open messages are too many";
  } else {
    field_bytes_ += bytes;
  }
  if (id.kind == HttpKind::kResponse) {
    responses_[id.stream] = std::move(message);
  } else if (id.stream == 0) {
    requests_.push_back({std::move(message)});
  } else {
    stream_requests_[id.stream] = {std::move(message)};
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
  if (!why.empty()) message->note = std::string(why);
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

void HttpPairing::Give(HttpTransaction transaction, const Taker& taker) {
  for (const auto& message : {&transaction.request, &transaction.response}) {
    if (*message) field_bytes_ -= std::min(field_bytes_, FieldBytes(**message));
  }
  taker(std::move(transaction));
}

void HttpPairing::EndRequest(HttpMessageId id, const Taker& taker) {
  const auto answered = answered_.find(id.stream);
  if (answered != answered_.end()) {
    HttpTransaction transaction = std::move(answered->second);
    answered_.erase(answered);
    Give(std::move(transaction), taker);
    return;
  }
  FindRequest(id.stream)->ended = true;
  if (id.stream == 0 && requests_.size() > kMaxOpen) {
    HttpTransaction oldest{0, "", std::move(requests_.front().message), std::nullopt};
    requests_.pop_front();
    Give(std::move(oldest), taker);
  }
  if (id.stream != 0 && stream_requests_.size() > kMaxOpen) {
    const auto first = stream_requests_.begin();
    HttpTransaction oldest{first->first, "", std::move(first->second.message), std::nullopt};
    stream_requests_.erase(first);
    Give(std::move(oldest), taker);
  }
}

// The request of HTTP/1 that this response answers. Those before it have no answer any more.
bool HttpPairing::TakeRequest(const HttpHead& response, Request* out, const Taker& taker) {
  if (!response.in_order && !response.exchange) return false;
  const auto is_it = [&](const Request& request) {
    return response.in_order || request.message.head.exchange == response.exchange;
  };
  const auto found = std::find_if(requests_.begin(), requests_.end(), is_it);
  if (found == requests_.end()) return false;
  *out = std::move(*found);
  const auto before = static_cast<size_t>(found - requests_.begin());
  for (size_t i = 0; i < before; ++i) {
    HttpTransaction alone{0, "", std::move(requests_.front().message), std::nullopt};
    requests_.pop_front();
    Give(std::move(alone), taker);
  }
  requests_.pop_front();
  return true;
}

void HttpPairing::EndResponse(HttpMessageId id, const Taker& taker) {
  const auto it = responses_.find(id.stream);
  HttpTransaction transaction;
  transaction.stream = id.stream;
  transaction.response = std::move(it->second);
  responses_.erase(it);
  const HttpHead& head = transaction.response->head;
  const bool interim =
      head.status >= 100 && head.status < 200 && head.status != kSwitchingProtocols;
  // The request that asked for HTTP/2 is answered in HTTP/2.
  const bool to_http2 = head.status == kSwitchingProtocols &&
                        absl::EqualsIgnoreCase(FieldValue(head.fields, "upgrade"), "h2c");
  if (interim || to_http2) return;
  bool ended = true;
  const auto request = stream_requests_.find(id.stream);
  if (request != stream_requests_.end()) {
    ended = request->second.ended;
    transaction.request = std::move(request->second.message);
    stream_requests_.erase(request);
  } else if (Request taken;
             (id.stream == 0 || id.stream == kUpgradedStream) && TakeRequest(head, &taken, taker)) {
    ended = taken.ended;
    transaction.request = std::move(taken.message);
  }
  // An answer may come before all of the request has.
  const bool waits = !ended && answered_.count(id.stream) == 0;
  if (waits) {
    answered_[id.stream] = std::move(transaction);
  } else {
    Give(std::move(transaction), taker);
  }
}

void HttpPairing::Finish(const Taker& taker) {
  while (!responses_.empty()) {
    EndResponse({HttpKind::kResponse, responses_.begin()->first}, taker);
  }
  for (auto& [stream, transaction] : answered_) taker(std::move(transaction));
  answered_.clear();
  for (Request& request : requests_) taker({0, "", std::move(request.message), std::nullopt});
  requests_.clear();
  for (auto& [stream, request] : stream_requests_) {
    taker({stream, "", std::move(request.message), std::nullopt});
  }
  stream_requests_.clear();
}

size_t HttpPairing::memory_bytes() const {
  const size_t messages =
      requests_.size() + stream_requests_.size() + responses_.size() + 2 * answered_.size();
  return messages * sizeof(Request) + field_bytes_;
}

}  // namespace flowstitch
