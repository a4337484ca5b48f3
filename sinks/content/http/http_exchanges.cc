#include "sinks/content/http/http_exchanges.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

template <typename T>
void DropHalf(std::vector<T>* all) {
  all->erase(all->begin(), all->begin() + static_cast<std::ptrdiff_t>(all->size() / 2));
}

}  // namespace

void HttpExchanges::NoteBytes(HttpKind kind, uint64_t offset, uint64_t end,
                              std::optional<uint64_t> acknowledged) {
  positions_[static_cast<size_t>(kind)] = end;
  if (last_had_[static_cast<size_t>(kind)] == acknowledged) return;
  last_had_[static_cast<size_t>(kind)] = acknowledged;
  auto& marks = marks_[static_cast<size_t>(kind)];
  if (marks.size() == kMostMarks) DropHalf(&marks);
  marks.push_back({offset, acknowledged});
}

std::optional<uint64_t> HttpExchanges::Had(HttpKind kind, uint64_t offset) const {
  const auto& marks = marks_[static_cast<size_t>(kind)];
  const auto behind =
      std::upper_bound(marks.begin(), marks.end(), offset,
                       [](uint64_t at, const Mark& mark) { return at < mark.offset; });
  return behind == marks.begin() ? std::nullopt : std::prev(behind)->acknowledged;
}

bool HttpExchanges::MayAnswerAt(HttpKind kind, uint64_t offset) const {
  const auto& marks = marks_[static_cast<size_t>(kind)];
  const auto at = std::lower_bound(marks.begin(), marks.end(), offset,
                                   [](const Mark& mark, uint64_t o) { return mark.offset < o; });
  const bool changes = at != marks.end() && at->offset == offset;
  return changes || pipelines_ || !Had(kind, offset);
}

void HttpExchanges::SwapSides() {
  std::swap(last_had_[0], last_had_[1]);
  std::swap(marks_[0], marks_[1]);
  std::swap(positions_[0], positions_[1]);
  std::swap(lost_from_[0], lost_from_[1]);
  std::swap(resumed_at_[0], resumed_at_[1]);
}

// Whether no request can be lost in front of this one that had no response when it was sent: a
// response lies between that to the last known request and it.
bool HttpExchanges::IsCertain(size_t index) const {
  const Request& request = requests_[index];
  if (!request.lost_from) return true;
  const auto had = Had(HttpKind::kRequest, request.begin);
  std::optional<uint64_t> answered;
  if (index == 0) {
    if (*request.lost_from == 0) answered = 0;
  } else if (IsCertain(index - 1)) {  // else what begins there may answer another one
    const auto asked = Had(HttpKind::kRequest, requests_[index - 1].begin);
    const auto answer = std::find_if(responses_.begin(), responses_.end(),
                                     [&](const auto& r) { return r.first == asked; });
    const auto& from = lost_from_[static_cast<size_t>(HttpKind::kResponse)];
    const auto& to = resumed_at_[static_cast<size_t>(HttpKind::kResponse)];
    if (answer != responses_.end()) {
      answered = answer->second;
    } else if (from && to && *from <= asked && asked < to) {
      answered = to;  // it is lost
    }
  }
  return answered && std::any_of(responses_.begin(), responses_.end(), [&](const auto& r) {
           return r.first >= *answered && r.second == had;
         });
}

uint64_t HttpExchanges::Begin(uint64_t begin, const HttpHead& head) {
  Request request;
  request.number = next_number_++;
  request.begin = begin;
  request.method = head.method;
  request.target = head.target;
  request.host = head.host;
  if (resumed_at_[static_cast<size_t>(HttpKind::kRequest)] == begin) {
    request.lost_from = lost_from_[static_cast<size_t>(HttpKind::kRequest)];
  }
  // Nothing of a response lies between it and the one before.
  const auto had = Had(HttpKind::kRequest, begin);
  if (had && !requests_.empty() && had == Had(HttpKind::kRequest, requests_.back().begin)) {
    pipelines_ = true;
  }
  if (requests_.size() == kMostRequests) DropHalf(&requests_);
  requests_.push_back(std::move(request));
  if (requests_.size() > kMostNamed) {
    Request& old = requests_[requests_.size() - 1 - kMostNamed];
    for (std::string* text : {&old.method, &old.target, &old.host}) std::string().swap(*text);
  }
  named_bytes_ = 0;
  for (size_t i = requests_.size() - std::min(requests_.size(), kMostNamed); i < requests_.size();
       ++i) {
    named_bytes_ += requests_[i].method.capacity() + requests_[i].target.capacity() +
                    requests_[i].host.capacity();
  }
  return requests_.back().number;
}

void HttpExchanges::End(uint64_t end) {
  if (!requests_.empty()) requests_.back().end = end;
}

void HttpExchanges::EndResponse(uint64_t begin, uint64_t end) {
  if (responses_.size() == kMostRequests) DropHalf(&responses_);
  responses_.emplace_back(begin, end);
}

void HttpExchanges::Lose(HttpKind kind, uint64_t from) {
  lost_from_[static_cast<size_t>(kind)] = from;
  resumed_at_[static_cast<size_t>(kind)].reset();
}

HttpExchanges::Request* HttpExchanges::AnsweredAt(uint64_t begin) {
  const auto had = Had(HttpKind::kResponse, begin);
  if (!had || pipelines_) return nullptr;
  std::optional<size_t> found;
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (Had(HttpKind::kRequest, requests_[i].begin) != begin) continue;
    if (found) return nullptr;
    found = i;
  }
  if (!found) return nullptr;
  Request& request = requests_[*found];
  const bool whole = request.end && *request.end <= *had;
  return whole && !request.answered && IsCertain(*found) ? &request : nullptr;
}

// The last request that was complete at this place of its direction.
const HttpExchanges::Request* HttpExchanges::LastBefore(uint64_t end) const {
  for (auto it = requests_.rbegin(); it != requests_.rend(); ++it) {
    if (it->end && *it->end <= end) return &*it;
  }
  return nullptr;
}

// Since its client had everything up to a place, it has asked for nothing: what was begun there
// goes on, unless nothing of it was seen.
bool HttpExchanges::ResponseMayBegin(uint64_t begin, uint64_t had, uint64_t gap_from) const {
  const Request* const last = LastBefore(had);
  if (last == nullptr) return true;
  const auto& lost = lost_from_[static_cast<size_t>(HttpKind::kRequest)];
  if (lost && *lost >= *last->end && *lost < had) return true;  // it may have asked there
  const auto answer = Had(HttpKind::kRequest, last->begin);
  return !answer || *answer >= begin || *answer >= gap_from;
}

// A request follows a response: its client has all of that one, and nothing of another. A body that
// was under way when bytes were lost may hold whatever it likes.
bool HttpExchanges::RequestMayBegin(uint64_t had) const {
  const bool under_way = !requests_.empty() && !requests_.back().end;
  if (under_way && Had(HttpKind::kRequest, requests_.back().begin) == had) return false;
  const auto& lost = lost_from_[static_cast<size_t>(HttpKind::kResponse)];
  const auto& resumed = resumed_at_[static_cast<size_t>(HttpKind::kResponse)];
  if (lost && *lost <= had && had <= resumed.value_or(had)) return true;
  if (had > positions_[static_cast<size_t>(HttpKind::kResponse)]) return !under_way;
  return had == 0 || std::any_of(responses_.begin(), responses_.end(),
                                 [had](const auto& r) { return r.second == had; });
}

bool HttpExchanges::MayBeginAt(HttpKind kind, uint64_t begin, uint64_t gap_from) const {
  const auto had = Had(kind, begin);
  if (!had || pipelines_) return true;
  return kind == HttpKind::kResponse ? ResponseMayBegin(begin, *had, gap_from)
                                     : RequestMayBegin(*had);
}

}  // namespace flowstitch
