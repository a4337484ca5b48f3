#include "sinks/content/http/http_dialogue.h"

#include <algorithm>
#include <utility>

#include "sinks/content/http/response_start.h"

namespace flowstitch {
namespace {

// A direction is recognised by its first line, which is not longer than this.
constexpr size_t kSniffBytes = 64 << 10;
// Nobody's method is longer.
constexpr size_t kMethodBytes = 24;

enum class Sniff { kUnsure, kRequest, kOldRequest, kResponse, kOther };

Sniff SniffHttp1(std::string_view text) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  // Servers and clients are forgiven empty lines before a message (RFC 9112, 2.2).
  const size_t start = text.find_first_not_of("\r\n");
  if (start == std::string_view::npos) {
    return text.size() < kMethodBytes ? Sniff::kUnsure : Sniff::kOther;
  }
  text.remove_prefix(start);
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
  return line.substr(0, 5) == "GET /" ? Sniff::kOldRequest : Sniff::kOther;
}

// What a server sends without a head is believed to be an answer where it is text: an alert of TLS,
// or another protocol's bytes, are none.
bool IsText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && byte != '\r' && byte != '\n' && byte != '\t' && byte != '\f') ||
           byte == 0x7f;
  });
}

bool BeginsAs(std::string_view text, std::string_view start) {
  const size_t n = std::min(text.size(), start.size());
  return text.substr(0, n) == start.substr(0, n);
}

}  // namespace

HttpDialogue::HttpDialogue(const HttpParserConfig& config, const DecodeLimits& limits,
                           HttpEvents* events, bool opens_websockets, bool from_start)
    : config_(config),
      limits_(limits),
      events_(events),
      opens_websockets_(opens_websockets),
      from_start_(from_start) {}

// A direction begins with nothing that is read.
void HttpDialogue::GiveUp(Direction direction, size_t before) {
  Side& side = sides_[direction];
  const std::string first = std::exchange(side.first, {});
  const uint64_t at = side.first_offset;
  Lose(direction, at, first.empty() ? "" : "it does not begin as HTTP/1");
  if (before > 0) FeedOther(direction, at, AsBytes(first).first(before));
  if (before < first.size()) FeedOther(direction, at + before, AsBytes(first).subspan(before));
}

// What the first bytes of a direction are; kOther also for what cannot be, beside the other one.
HttpDialogue::Speaks HttpDialogue::Recognise(Direction direction, HttpKind* kind) {
  const Side& side = sides_[direction];
  const Side& peer = other(direction);
  const std::string_view text = side.first;
  const bool peer_known = peer.speaks == Speaks::kHttp1 || peer.speaks == Speaks::kHttp2;
  *kind = HttpKind::kRequest;
  if (BeginsAs(text, kHttp2Preface)) {
    if (text.size() < kHttp2Preface.size()) return Speaks::kUnsure;
    return peer_known && peer.speaks == Speaks::kHttp1 ? Speaks::kOther : Speaks::kHttp2;
  }
  if (peer.speaks != Speaks::kHttp1 && MayBeginHttp2Server(text)) {
    *kind = HttpKind::kResponse;
    return text.size() < kHttp2FrameHeaderBytes ? Speaks::kUnsure : Speaks::kHttp2;
  }
  if (MayBeginAmidHttp2(direction, AsBytes(text))) {
    *kind = KindOf(direction);
    return Speaks::kHttp2;
  }
  if (peer.speaks == Speaks::kHttp1 && peer.without_version) {
    *kind = HttpKind::kResponse;  // all of it is the body
    return Speaks::kHttp1;
  }
  const Sniff sniff = SniffHttp1(text);
  if (sniff == Sniff::kOther || sniff == Sniff::kOldRequest) {
    const Speaks odd = RecogniseOddResponse(direction);
    if (odd != Speaks::kOther) *kind = HttpKind::kResponse;
    if (odd != Speaks::kOther || sniff == Sniff::kOther) return odd;
  }
  if (sniff == Sniff::kUnsure) return Speaks::kUnsure;
  // A server that does not know HTTP/2 answers its preface in HTTP/1.
  if (peer.speaks == Speaks::kHttp2 && sniff != Sniff::kResponse) return Speaks::kOther;
  *kind = sniff == Sniff::kResponse ? HttpKind::kResponse : HttpKind::kRequest;
  // Both directions cannot speak the same part.
  if (peer_known && peer.kind == *kind) return Speaks::kOther;
  return Speaks::kHttp1;
}

// The answer to a request of HTTP/1, whatever it looks like: browsers take most for a response.
HttpDialogue::Speaks HttpDialogue::RecogniseOddResponse(Direction direction) const {
  const std::string_view text = sides_[direction].first;
  const Side& peer = sides_[Opposite(direction)];
  const bool asked = peer.speaks == Speaks::kHttp1 && peer.kind == HttpKind::kRequest;
  if (!asked && peer.speaks != Speaks::kUnsure) return Speaks::kOther;
  const ResponseStart start = FindResponseStart(text);
  if (start.verdict == ResponseStart::Verdict::kOdd && (asked || start.skip == 0)) {
    return Speaks::kHttp1;
  }
  if (!asked || !from_start_) return Speaks::kOther;
  if (start.verdict == ResponseStart::Verdict::kUnsure) return Speaks::kUnsure;
  return IsText(text) ? Speaks::kHttp1 : Speaks::kOther;
}

void HttpDialogue::SetClient(Direction direction) {
  if (direction == client_) return;
  client_ = direction;
  exchanges_.SwapSides();
}

void HttpDialogue::Begin(Direction direction, Speaks speaks, HttpKind kind) {
  Side& side = sides_[direction];
  Side& peer = other(direction);
  side.speaks = speaks;
  side.kind = kind;
  side.without_version = SniffHttp1(side.first) == Sniff::kOldRequest;
  SetClient(kind == HttpKind::kRequest ? direction : Opposite(direction));
  if (speaks == Speaks::kHttp1) {
    is_http1_ = true;
    const bool joins = peer.http1 != nullptr && !peer.http1->left(kind);
    side.http1 = joins ? peer.http1 : std::make_shared<HttpParser>(config_, &exchanges_, events_);
    if (!joins && (peer.http1 != nullptr || peer.speaks == Speaks::kOther)) {
      side.http1->Leave(OtherKind(kind), now_ns_);
    }
  }
  if (speaks == Speaks::kHttp2 && http2_ == nullptr) {
    http2_ = std::make_unique<Http2Parser>(config_.with_fields(), events_);
  }
  const std::string first = std::exchange(side.first, {});
  if (speaks == Speaks::kHttp2 && MayBeginAmidHttp2(direction, AsBytes(first))) {
    http2_->BeginAmid(kind, lost_bytes_);
  }
  Feed(direction, side.first_offset, AsBytes(first));
}

// Whether nothing is looked for in the bytes there any more, as long as none are lost. Most flows
// are no HTTP: beyond their openings they cost this look.
bool HttpDialogue::PassesOn(Direction direction, uint64_t offset) const {
  const Side& side = sides_[direction];
  return side.speaks == Speaks::kOther && offset >= kOpeningBytes && from_start_ && !lost_bytes_ &&
         !is_http1_ && side.first.empty() && side.waiting.empty() &&
         sides_[Opposite(direction)].waiting.empty();
}

void HttpDialogue::Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
                         std::optional<uint64_t> acknowledged) {
  now_ns_ = time_ns;
  sides_[direction].position = offset + bytes.size();
  passed_on_ = false;
  if (PassesOn(direction, offset)) {
    PassOn(direction, offset, bytes);
    return;
  }
  exchanges_.NoteBytes(KindOf(direction), offset, offset + bytes.size(), acknowledged);
  if (!Waits(direction, offset, bytes, acknowledged)) Feed(direction, offset, bytes);
  if (!sides_[Opposite(direction)].waiting.empty()) FeedWaiting(Opposite(direction));
  // It turned out to be the side that asks: nothing of it waits.
  if (!sides_[client_].waiting.empty()) FeedWaiting(client_, /*now=*/true);
}

void HttpDialogue::Feed(Direction direction, uint64_t offset, ByteView bytes) {
  Side& side = sides_[direction];
  if (bytes.empty()) return;
  switch (side.speaks) {
    case Speaks::kUnsure: {
      if (side.first.empty()) side.first_offset = offset;
      const size_t before = side.first.size();
      side.first.append(AsText(bytes));
      HttpKind kind;
      const Speaks speaks = Recognise(direction, &kind);
      if (speaks == Speaks::kOther) GiveUp(direction, before);
      if (speaks == Speaks::kHttp1 || speaks == Speaks::kHttp2) Begin(direction, speaks, kind);
      return;
    }
    case Speaks::kHttp1:
      if (AnotherBegins(direction, offset, bytes)) Restart(direction);
      side.http1->Feed(side.kind, bytes, offset, now_ns_);
      if (side.http1->switched()) {
        FollowSwitch(side.http1.get());
        return;
      }
      break;
    case Speaks::kHttp2:
      http2_->Feed(side.kind, bytes, offset);
      break;
    case Speaks::kWebSocket:
      websockets_[direction]->Feed(bytes, offset);
      break;
    case Speaks::kOther:
      FeedOther(direction, offset, bytes);
      return;
  }
  for (const Direction d : kDirections) NoteStop(d);
}

// A parser that cannot go on: what follows is something else.
void HttpDialogue::NoteStop(Direction direction) {
  Side& side = sides_[direction];
  const auto note = [&](uint64_t at, const char* why) {
    // HTTP/2 may go on behind lost bytes.
    const bool may_go_on = side.speaks == Speaks::kHttp2;
    side.switched = !may_go_on;
    side.speaks = Speaks::kOther;
    if (may_go_on && *why != '\0') {
      side.unread_from = at;
      side.why_unread = why;
      return;
    }
    if (*why != '\0') events_->OnUnread(direction, {at, std::nullopt, why});
  };
  if (side.speaks == Speaks::kHttp1 && side.http1->stopped(side.kind)) {
    Lose(direction, side.http1->stopped_at(side.kind), side.http1->why_stopped(side.kind));
  } else if (side.speaks == Speaks::kHttp2 && http2_->stopped(side.kind)) {
    note(http2_->stopped_at(side.kind), http2_->why_stopped(side.kind));
  } else if (side.speaks == Speaks::kWebSocket && websockets_[direction]->stopped()) {
    note(websockets_[direction]->stopped_at(), websockets_[direction]->why_stopped());
  }
}

// The ends have agreed on something else: it begins, with what has come of it already.
void HttpDialogue::FollowSwitch(HttpParser* parser) {
  const HttpSwitch next = *std::move(parser->switched());
  const Direction client = client_;
  for (const Direction d : kDirections) GiveUnread(d, std::nullopt);
  is_http1_ = false;
  // A client that spoke HTTP/2 all the same: what it has begun has an end.
  if (http2_ != nullptr) http2_->Close();
  http2_ = nullptr;
  const bool tunnel = next.protocol.empty() && ++tunnels_ <= kMaxTunnels;
  const bool http2 = next.protocol == "h2c";
  const bool websocket = next.protocol == "websocket" && opens_websockets_;
  if (http2) http2_ = std::make_unique<Http2Parser>(config_.with_fields(), events_);
  for (const Direction d : {client, Opposite(client)}) {
    Side& side = sides_[d];
    Side next_side;
    next_side.position = side.position;
    next_side.waiting = std::move(side.waiting);
    next_side.waiting_bytes = side.waiting_bytes;
    side = std::move(next_side);
    side.switched = !tunnel;
    side.kind = d == client ? HttpKind::kRequest : HttpKind::kResponse;
    side.speaks = tunnel      ? Speaks::kUnsure
                  : http2     ? Speaks::kHttp2
                  : websocket ? Speaks::kWebSocket
                              : Speaks::kOther;
    if (websocket) {
      websockets_[d] =
          std::make_unique<WebSocketParser>(d, d == client, next.extensions, limits_, events_);
    }
  }
  // The client's first: servers answer.
  for (const Direction d : {client, Opposite(client)}) {
    const auto kind = static_cast<size_t>(d == client ? HttpKind::kRequest : HttpKind::kResponse);
    Feed(d, next.rest_offset[kind], AsBytes(next.rest[kind]));
  }
}

void HttpDialogue::Gap(Direction direction, uint64_t length) {
  Side& side = sides_[direction];
  lost_bytes_ = true;
  const uint64_t offset = std::exchange(side.position, side.position + length);
  if (side.waiting.empty()) {
    TakeGap(direction, offset, length);
  } else {
    side.waiting.push_back({offset, "", 0, length, now_ns_});
    side.waiting_bytes += sizeof(Waiting);
  }
  FeedWaiting(Opposite(direction));
}

void HttpDialogue::TakeGap(Direction direction, uint64_t offset, uint64_t length) {
  Side& side = sides_[direction];
  if (side.gap_end != offset) side.gap_begin = offset;
  side.gap_end = offset + length;
  switch (side.speaks) {
    case Speaks::kUnsure:
      if (side.first.empty()) {
        Lose(direction, offset, "bytes are missing where it begins");
      } else {
        GiveUp(direction);  // its beginning is not all there
        DropCandidate(direction);
      }
      events_->OnOtherGap(direction, length);
      break;
    case Speaks::kHttp1:
      side.http1->Gap(side.kind, length, now_ns_);
      if (side.http1->switched()) FollowSwitch(side.http1.get());
      break;
    case Speaks::kHttp2:
      http2_->Gap(side.kind, length);
      break;
    case Speaks::kWebSocket:
      websockets_[direction]->Gap(length);
      break;
    case Speaks::kOther:
      DropCandidate(direction);
      events_->OnOtherGap(direction, length);
      break;
  }
  NoteStop(direction);
}

void HttpDialogue::Close(const bool (&orderly)[2]) {
  for (const Direction direction : kDirections) FeedWaiting(direction, /*now=*/true);
  // The end of HTTP/1 may show what it had switched to: as often as there are tunnels.
  for (int round = 0; round <= kMaxTunnels + 1; ++round) {
    for (const Direction direction : kDirections) {
      if (sides_[direction].speaks != Speaks::kUnsure) continue;
      const std::string& first = sides_[direction].first;
      if (!first.empty() && IsText(first) && RecogniseOddResponse(direction) == Speaks::kUnsure) {
        Begin(direction, Speaks::kHttp1, HttpKind::kResponse);
      } else {
        GiveUp(direction);
      }
    }
    // What waited for an answer has none.
    for (const Direction direction : kDirections) {
      if (sides_[direction].speaks == Speaks::kOther) DropCandidate(direction);
    }
    bool switched = false;
    for (const Direction direction : kDirections) {
      // Closing may show a switch, and this side be another's.
      const std::shared_ptr<HttpParser> http1 = sides_[direction].http1;
      const bool closed = direction == kServerToClient && http1 == sides_[kClientToServer].http1;
      if (http1 == nullptr || closed || switched) continue;
      http1->Close(orderly[DirectionOf(HttpKind::kResponse)], now_ns_);
      switched = http1->switched().has_value();
      if (switched) FollowSwitch(http1.get());
    }
    if (!switched) break;
  }
  for (const Direction direction : kDirections) {
    NoteStop(direction);
    GiveUnread(direction, std::nullopt);
    if (websockets_[direction] != nullptr) websockets_[direction]->Close();
    sides_[direction].http1 = nullptr;
  }
  if (http2_ != nullptr) http2_->Close();
}

size_t HttpDialogue::memory_bytes() const {
  size_t bytes = exchanges_.memory_bytes();
  for (const Side& side : sides_) {
    bytes += side.first.capacity() + side.waiting_bytes;
    const bool counted = &side == &sides_[1] && side.http1 == sides_[0].http1;
    if (side.http1 != nullptr && !counted) bytes += side.http1->memory_bytes();
  }
  if (http2_ != nullptr) bytes += http2_->memory_bytes();
  for (const auto& websocket : websockets_) {
    if (websocket != nullptr) bytes += websocket->memory_bytes();
  }
  return bytes;
}

}  // namespace flowstitch
