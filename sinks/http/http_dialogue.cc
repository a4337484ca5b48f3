#include "sinks/http/http_dialogue.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

// A direction is recognised by its first line, which is not longer than this.
constexpr size_t kSniffBytes = 64 << 10;
// Nobody's method is longer.
constexpr size_t kMethodBytes = 24;

enum class Sniff { kUnsure, kRequest, kResponse, kOther };

Sniff SniffBytes(std::string_view text) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  const size_t n = std::min(text.size(), kVersion.size());
  if (text.substr(0, n) == kVersion.substr(0, n)) {
    return n == kVersion.size() ? Sniff::kResponse : Sniff::kUnsure;
  }
  // A method is a word of capital letters (some have '-' or '_'), and a blank follows it. Other
  // protocols' commands look like that too: the version at the end of the line tells.
  size_t method = 0;
  while (method < text.size() && text[method] != ' ' && text[method] != '\t') {
    const char c = text[method++];
    const bool fits = (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (!fits || method > kMethodBytes) return Sniff::kOther;
  }
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return text.size() < kSniffBytes ? Sniff::kUnsure : Sniff::kOther;
  }
  const std::string_view line = text.substr(0, end);
  if (method >= 3 && line.find("HTTP/") != std::string_view::npos) return Sniff::kRequest;
  // HTTP/0.9 knows one method, and no version.
  return line.substr(0, 5) == "GET /" ? Sniff::kRequest : Sniff::kOther;
}

}  // namespace

bool ClosedInOrder(const SinkFlow& flow, int response_direction) {
  return flow.close_reason == "finished" || flow.close_reason == "reset" ||
         flow.streams[static_cast<size_t>(response_direction)].summary.fin_seen;
}

int HttpDialogue::DirectionOf(HttpKind kind) const {
  for (int d : {kClientToServer, kServerToClient}) {
    if (sides_[d].kind == kind) return d;
  }
  return kind == HttpKind::kRequest ? kClientToServer : kServerToClient;
}

void HttpDialogue::GiveUp(int direction) {
  Side& side = sides_[direction];
  side.other = true;
  const std::string first = std::exchange(side.first, {});
  if (!first.empty()) events_->OnOther(direction, AsBytes(first));
}

// True when `side.first` is complete and the direction is HTTP.
bool HttpDialogue::Recognise(int direction, ByteView bytes) {
  Side& side = sides_[direction];
  side.first.append(AsText(bytes));
  const Sniff sniff = SniffBytes(side.first);
  if (sniff == Sniff::kUnsure) return false;
  const HttpKind kind = sniff == Sniff::kRequest ? HttpKind::kRequest : HttpKind::kResponse;
  // Both directions cannot speak the same part.
  if (sniff == Sniff::kOther || sides_[1 - direction].kind == kind) {
    GiveUp(direction);
    return false;
  }
  side.kind = kind;
  if (parser_ == nullptr) parser_ = std::make_unique<HttpParser>(config_, events_);
  return true;
}

void HttpDialogue::Bytes(int direction, uint64_t offset, ByteView bytes, TimeNs time_ns) {
  Side& side = sides_[direction];
  now_ns_ = time_ns;
  if (side.kind && parser_->stopped(*side.kind)) side.other = true;
  if (side.other) {
    events_->OnOther(direction, bytes);
    return;
  }
  if (side.kind) {
    parser_->Feed(*side.kind, bytes, offset, time_ns);
    return;
  }
  if (!Recognise(direction, bytes)) return;
  const std::string first = std::exchange(side.first, {});
  parser_->Feed(*side.kind, AsBytes(first), offset + bytes.size() - first.size(), time_ns);
}

void HttpDialogue::Gap(int direction, uint64_t length) {
  Side& side = sides_[direction];
  if (side.kind) {
    parser_->Gap(*side.kind, length, now_ns_);
  } else {
    GiveUp(direction);  // its beginning is not there
  }
}

void HttpDialogue::Close(const SinkFlow& flow) {
  for (int direction : {kClientToServer, kServerToClient}) {
    if (!sides_[direction].kind && !sides_[direction].other) GiveUp(direction);
  }
  if (parser_ == nullptr) return;
  parser_->Close(ClosedInOrder(flow, DirectionOf(HttpKind::kResponse)), now_ns_);
  parser_ = nullptr;
}

}  // namespace flowstitch
