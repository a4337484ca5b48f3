// Going on with HTTP/1 where it stopped or had not begun: behind lost bytes, malformed messages, or
// another protocol's opening. A message begins with a segment, says its first line, and does not
// contradict what the ends had of each other.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "sinks/content/http/http_dialogue.h"
#include "sinks/content/http/http_head.h"

namespace flowstitch {
namespace {

// A message whose head is longer does not begin anything.
constexpr size_t kMaxCandidateBytes = 16 << 10;
constexpr size_t kMaxLineBytes = 8 << 10;
// Of a direction that waits for the other.
constexpr size_t kMaxWaitingBytes = 64 << 10;

enum class Line { kNo, kUnsure, kYes };

bool IsTokenChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// RFC 9112, 3: "GET /target HTTP/1.1".
Line RequestLine(std::string_view text) {
  constexpr size_t kMaxMethodBytes = 24;
  size_t method = 0;
  while (method < text.size() && method <= kMaxMethodBytes &&
         (absl::ascii_isupper(static_cast<unsigned char>(text[method])) || text[method] == '-' ||
          text[method] == '_')) {
    ++method;
  }
  if (method == text.size()) return method > kMaxMethodBytes ? Line::kNo : Line::kUnsure;
  if (method < 3 || method > kMaxMethodBytes || text[method] != ' ') return Line::kNo;
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  const bool printable = std::none_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\r';
  });
  if (!printable) return Line::kNo;
  if (end == std::string_view::npos) return line.size() < kMaxLineBytes ? Line::kUnsure : Line::kNo;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  constexpr std::string_view kVersion = " HTTP/1.";
  const bool ends_so = line.size() > method + 1 + kVersion.size() &&
                       line.substr(line.size() - kVersion.size() - 1, kVersion.size()) == kVersion;
  return ends_so && (line.back() == '0' || line.back() == '1') ? Line::kYes : Line::kNo;
}

// RFC 9112, 4: "HTTP/1.1 200 OK".
Line StatusLine(std::string_view text) {
  constexpr std::string_view kPattern = "HTTP/1.d ddd";
  for (size_t i = 0; i < std::min(text.size(), kPattern.size()); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (kPattern[i] == 'd' ? !digit : text[i] != kPattern[i]) return Line::kNo;
  }
  if (text.size() <= kPattern.size()) return Line::kUnsure;
  const char behind = text[kPattern.size()];
  if (behind != ' ' && behind != '\r' && behind != '\n') return Line::kNo;
  return text.find('\n') == std::string_view::npos ? Line::kUnsure : Line::kYes;
}

// What stands behind a first line: a field, or the blank line.
Line SecondLine(std::string_view text) {
  text.remove_prefix(text.find('\n') + 1);
  if (text.empty()) return Line::kYes;  // nothing so far
  if (text[0] == '\n' || text.substr(0, 2) == "\r\n" || text == "\r") return Line::kYes;
  size_t name = 0;
  while (name < text.size() && IsTokenChar(text[name])) ++name;
  if (name == text.size()) return Line::kYes;
  return name > 0 && text[name] == ':' ? Line::kYes : Line::kNo;
}

Line FirstLine(HttpKind kind, std::string_view text) {
  const Line line = kind == HttpKind::kRequest ? RequestLine(text) : StatusLine(text);
  return line == Line::kYes ? SecondLine(text) : line;
}

}  // namespace

// A server that has more of its client than was read here answers what has not come so far.
bool HttpDialogue::Waits(Direction direction, uint64_t offset, ByteView bytes,
                         std::optional<uint64_t> acknowledged) {
  Side& side = sides_[direction];
  const Side& peer = other(direction);
  // What waits is not overtaken.
  if (side.waiting.empty() && (direction == client_ || waits_no_more_)) return false;
  const bool inside = side.speaks == Speaks::kHttp1 && !side.http1->between(side.kind);
  const bool ahead = acknowledged && *acknowledged > peer.position;
  if (side.waiting.empty() && (inside || !ahead || is_switched())) return false;
  side.waiting.push_back(
      {offset, std::string(AsText(bytes)), acknowledged.value_or(0), 0, now_ns_});
  side.waiting_bytes += bytes.size() + sizeof(Waiting);
  if (side.waiting_bytes > kMaxWaitingBytes) {
    waits_no_more_ = true;  // the other direction is not there
    FeedWaiting(direction, /*now=*/true);
  }
  return true;
}

void HttpDialogue::FeedWaiting(Direction direction, bool now) {
  Side& side = sides_[direction];
  while (!side.waiting.empty() &&
         (now || other(direction).position >= side.waiting.front().until)) {
    const Waiting next = std::move(side.waiting.front());
    side.waiting.pop_front();
    side.waiting_bytes -= next.bytes.size() + sizeof(Waiting);
    const TimeNs now_ns = std::exchange(now_ns_, next.time_ns);
    if (next.gap > 0) {
      TakeGap(direction, next.offset, next.gap);
    } else {
      Feed(direction, next.offset, AsBytes(next.bytes));
    }
    now_ns_ = now_ns;
  }
}

// This direction is not read from there on.
void HttpDialogue::Lose(Direction direction, uint64_t at, const char* why) {
  Side& side = sides_[direction];
  side.speaks = Speaks::kOther;
  if (*why != '\0') {
    side.unread_from = at;
    side.why_unread = why;
  }
  exchanges_.Lose(KindOf(direction), at);
  side.http1 = nullptr;
  const std::shared_ptr<HttpParser> peers = other(direction).http1;
  if (peers == nullptr) return;
  peers->Leave(KindOf(direction), now_ns_);
  NoteStop(Opposite(direction));
}

void HttpDialogue::GiveUnread(Direction direction, std::optional<uint64_t> end) {
  Side& side = sides_[direction];
  if (side.unread_from && (is_http1_ || http2_ != nullptr)) {
    events_->OnUnread(direction, {*side.unread_from, end, side.why_unread});
  }
  side.unread_from.reset();
}

void HttpDialogue::FeedOther(Direction direction, uint64_t offset, ByteView bytes) {
  Side& side = sides_[direction];
  if (!side.switched && !is_http1_ && !events_->reads_other() &&
      MayBeginAmidHttp2(direction, bytes)) {
    DropCandidate(direction);
    GiveUnread(direction, offset);
    side.first = AsText(bytes);
    side.first_offset = offset;
    Begin(direction, Speaks::kHttp2, KindOf(direction));
    return;
  }
  const bool follows = !side.first.empty();
  // Nothing is certain of one direction alone. What is no HTTP at all, and whole, is looked at
  // where another protocol's opening may end. Who has heard nothing new goes on with what was said.
  const bool behind_gap = side.gap_end == offset && side.gap_end > side.gap_begin;
  const bool may_begin =
      !side.switched && !events_->reads_other() &&
      (other(direction).position > 0 || exchanges_.Had(KindOf(direction), offset).has_value()) &&
      (is_http1_ || lost_bytes_ || !from_start_ || offset < kOpeningBytes) &&
      (follows || behind_gap || exchanges_.MayAnswerAt(KindOf(direction), offset));
  // Most is nothing like a message.
  const bool looks =
      may_begin && !bytes.empty() &&
      (follows || (absl::ascii_isupper(bytes[0]) && (RequestLine(AsText(bytes)) != Line::kNo ||
                                                     StatusLine(AsText(bytes)) != Line::kNo)));
  if (!looks) {
    PassOn(direction, offset, bytes);
    return;
  }
  // What is no message may be followed by one.
  if (follows && MayResume(direction) == Resumes::kUnsure && !is_http1_ &&
      FirstLine(KindOf(direction), AsText(bytes)) == Line::kYes) {
    DropCandidate(direction);
  }
  if (side.first.empty()) side.first_offset = offset;
  side.first.append(AsText(bytes));
  switch (MayResume(direction)) {
    case Resumes::kNo:
      DropCandidate(direction);
      break;
    case Resumes::kUnsure:
      if (side.first.size() > kMaxCandidateBytes) DropCandidate(direction);
      break;
    case Resumes::kYes:
      Resume(direction);
      break;
  }
}

// Frames of HTTP/2 in a flow of which something is not there.
bool HttpDialogue::MayBeginAmidHttp2(Direction direction, ByteView bytes) const {
  if ((from_start_ && !lost_bytes_) || sides_[Opposite(direction)].speaks == Speaks::kHttp1)
    return false;
  return HoldsHttp2Frames(bytes);
}

HttpKind HttpDialogue::CandidateKind(Direction direction) const {
  if (is_http1_) return KindOf(direction);
  const bool answers = FirstLine(HttpKind::kResponse, sides_[direction].first) != Line::kNo;
  return answers ? HttpKind::kResponse : HttpKind::kRequest;
}

HttpDialogue::Resumes HttpDialogue::MayResume(Direction direction) const {
  const Side& side = sides_[direction];
  if (!is_http1_) return MayResumeUnknown(direction);
  const HttpKind kind = CandidateKind(direction);
  const Line line = FirstLine(kind, side.first);
  if (line != Line::kYes) return line == Line::kNo ? Resumes::kNo : Resumes::kUnsure;
  const uint64_t from = side.gap_end == side.first_offset ? side.gap_begin : side.first_offset;
  return exchanges_.MayBeginAt(kind, side.first_offset, from) ? Resumes::kYes : Resumes::kNo;
}

// No message was read so far: there has to be a whole head, and an answer to it, or bytes that are
// not there.
HttpDialogue::Resumes HttpDialogue::MayResumeUnknown(Direction direction) const {
  const Side& side = sides_[direction];
  const Side& peer = sides_[Opposite(direction)];
  const HttpKind kind = CandidateKind(direction);
  const Line line = FirstLine(kind, side.first);
  if (line == Line::kNo) return Resumes::kNo;
  if (line == Line::kUnsure || HeadLength(side.first) == 0) return Resumes::kUnsure;
  const bool answers = kind == HttpKind::kResponse && !peer.first.empty() &&
                       FirstLine(HttpKind::kRequest, peer.first) == Line::kYes;
  if (answers) return Resumes::kYes;
  if (!from_start_ || lost_bytes_) return Resumes::kYes;
  return kind == HttpKind::kResponse ? Resumes::kNo : Resumes::kUnsure;
}

// What waited to be one is none.
void HttpDialogue::DropCandidate(Direction direction) {
  Side& side = sides_[direction];
  const std::string first = std::exchange(side.first, {});
  if (!first.empty()) events_->OnOther(direction, AsBytes(first), side.first_offset);
}

void HttpDialogue::Resume(Direction direction) {
  SetClient(CandidateKind(direction) == HttpKind::kRequest ? direction : Opposite(direction));
  const bool both = !is_http1_ && !other(direction).first.empty();
  is_http1_ = true;
  // Where nothing is lost, both sides are in step from here on.
  const bool in_step = both && from_start_ && !lost_bytes_;
  std::shared_ptr<HttpParser> shared;
  // The request's bytes first.
  for (const Direction d : {client_, Opposite(client_)}) {
    if (d != direction && !both) continue;
    Side& s = sides_[d];
    GiveUnread(d, s.first_offset);
    s.speaks = Speaks::kHttp1;
    s.kind = KindOf(d);
    exchanges_.Resume(s.kind, s.first_offset);
    s.http1 =
        shared != nullptr ? shared : std::make_shared<HttpParser>(config_, &exchanges_, events_);
    if (in_step) {
      shared = s.http1;
    } else {
      s.http1->Leave(OtherKind(s.kind), now_ns_);
    }
  }
  for (const Direction d : {client_, Opposite(client_)}) {
    if (d != direction && !both) continue;
    const std::string first = std::exchange(sides_[d].first, {});
    Feed(d, sides_[d].first_offset, AsBytes(first));
  }
}

// A body may be shorter than its head says: a HEAD's answer has none, chunks may lack their end.
// What a request is certainly answered with begins where it begins.
bool HttpDialogue::AnotherBegins(Direction direction, uint64_t offset, ByteView bytes) {
  const Side& side = sides_[direction];
  return side.kind == HttpKind::kResponse && !side.http1->between(side.kind) &&
         FirstLine(HttpKind::kResponse, AsText(bytes)) == Line::kYes &&
         exchanges_.AnsweredAt(offset) != nullptr;
}

void HttpDialogue::Restart(Direction direction) {
  Side& side = sides_[direction];
  const std::shared_ptr<HttpParser> before = side.http1;
  before->EndHere(side.kind);
  side.http1 = std::make_shared<HttpParser>(config_, &exchanges_, events_);
  side.http1->Leave(OtherKind(side.kind), now_ns_);
  if (other(direction).http1 != before) return;
  before->Leave(side.kind, now_ns_);
  NoteStop(Opposite(direction));
}

}  // namespace flowstitch
