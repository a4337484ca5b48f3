// Responses that are malformed, and that browsers accept all the same: each is read, and what is
// odd about it is said.
#include <htp/htp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "sinks/content/http/http_head.h"
#include "sinks/content/http/http_parser.h"
#include "sinks/content/http/response_start.h"

namespace flowstitch {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether a head says where a body ends, and nothing of another protocol.
bool IsFramed(std::string_view head) {
  const std::string fields = absl::AsciiStrToLower(std::string(head));
  return (absl::StrContains(fields, "content-length") ||
          absl::StrContains(fields, "transfer-encoding")) &&
         !absl::StrContains(fields, "upgrade:");
}

// Whether more of a response is needed before libhtp gets it: its whole head, or the reading would
// depend on where segments end; and where the status says that there is no body and the head that
// there is one, what follows. `text` begins as a response does.
bool NeedsMore(std::string_view text) {
  constexpr size_t kStatusAt = 9;
  constexpr size_t kMostBytes = 16 << 10;
  if (text.size() > kMostBytes) return false;
  const size_t head = HeadLength(text);
  if (head == 0) return true;
  // RFC 9110, 15.2 and 15.3.5.
  const bool none =
      head > kStatusAt + 3 && (text.substr(kStatusAt, 3) == "204" || text[kStatusAt] == '1');
  return none && text.size() == head && IsFramed(text);
}

}  // namespace

// Where a response begins. One whose first line libhtp would not take gets one that it does. True
// when `bytes` are to be fed as they are; else they were taken: fed, or held until more comes.
bool HttpParser::FeedResponseStart(ByteView bytes, uint64_t offset, TimeNs time_ns) {
  Side& s = side(HttpKind::kResponse);
  const bool first = s.fed.completed_end() == 0 && !s.body.open;
  std::string_view text = AsText(bytes);
  if (s.start.empty()) {
    const size_t ends = std::min(text.find_first_not_of("\r\n"), text.size());
    text.remove_prefix(ends);
    const bool plain = FindResponseStart(text).verdict == ResponseStart::Verdict::kPlain;
    if (text.empty() || (plain && !NeedsMore(text))) return true;
    s.start_offset = offset + ends;
    if (ends > 0) s.fed.UnderstoodTo(s.start_offset);
  }
  s.start.append(text);
  const ResponseStart start = FindResponseStart(s.start);
  switch (start.verdict) {
    case ResponseStart::Verdict::kUnsure:
      return false;
    case ResponseStart::Verdict::kNone:
      if (first && side(HttpKind::kRequest).fed.any()) {
        BeginWithoutHead();
        return false;
      }
      break;
    case ResponseStart::Verdict::kPlain:
      if (NeedsMore(s.start)) return false;
      break;
    case ResponseStart::Verdict::kOdd: {
      const std::string all = std::exchange(s.start, {});
      const uint64_t at = s.start_offset + start.skip;
      s.line_ends.Note(start.line);
      FeedNow(HttpKind::kResponse, AsBytes(start.line), at, time_ns);
      s.body.anomaly = start.anomaly;
      s.between = false;
      const ByteView rest = AsBytes(all).subspan(start.skip + start.length);
      if (!rest.empty()) FeedPieces(HttpKind::kResponse, rest, at + start.length, time_ns);
      return false;
    }
  }
  FeedStart(time_ns);
  return false;
}

// What was held back is a response after all, or libhtp says what it is.
void HttpParser::FeedStart(TimeNs time_ns) {
  Side& s = side(HttpKind::kResponse);
  const std::string all = std::exchange(s.start, {});
  s.between = false;
  FeedPieces(HttpKind::kResponse, AsBytes(all), s.start_offset, time_ns);
}

// At the end nothing more comes that could tell.
void HttpParser::FinishStart(TimeNs time_ns) {
  const std::string& start = side(HttpKind::kResponse).start;
  if (start.empty()) return;
  const bool first = side(HttpKind::kResponse).fed.completed_end() == 0;
  const bool plain = FindResponseStart(start).verdict == ResponseStart::Verdict::kPlain;
  if (plain || !first) {
    FeedStart(time_ns);
  } else {
    BeginWithoutHead();
  }
}

// As HTTP/0.9 answers: all of it is the body.
void HttpParser::BeginWithoutHead() {
  Side& s = side(HttpKind::kResponse);
  const std::string all = std::exchange(s.start, {});
  HttpHead head;
  head.version = "HTTP/0.9";
  StartBody(HttpKind::kResponse, HTP_CODING_IDENTITY, -1, false, false);
  s.body.anomaly = "it has no head";
  s.body.until_close = true;
  events_->OnHead({HttpKind::kResponse}, head);
  FeedUntilClose(HttpKind::kResponse, AsBytes(all), s.start_offset);
}

void HttpParser::FeedUntilClose(HttpKind kind, ByteView bytes, uint64_t offset) {
  Side& s = side(kind);
  s.fed.EndAt(offset + bytes.size());
  if (bytes.empty() || !s.body.open) return;
  s.fed.UnderstoodTo(s.fed.end());
  s.body.bytes += bytes.size();
  events_->OnBody({kind}, bytes, offset);
}

// Whether more than another response stands behind the head that is being fed.
bool HttpParser::BodyFollows() const {
  const Side& s = sides_[static_cast<size_t>(HttpKind::kResponse)];
  const size_t used = std::min(Consumed(HttpKind::kResponse), s.fed.piece().size());
  std::string_view text = AsText(s.fed.piece().subspan(used));
  if (!text.empty() && (text[0] == '\r' || text[0] == '\n')) return false;  // no fields
  const size_t head = HeadLength(text);
  if (head == 0) return false;
  // Else a body has no end, and what follows is something else.
  if (!IsFramed(text.substr(0, head))) return false;
  text.remove_prefix(head);
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  if (text.empty()) return false;
  const auto verdict = FindResponseStart(text).verdict;
  return verdict == ResponseStart::Verdict::kNone || verdict == ResponseStart::Verdict::kUnsure;
}

void HttpParser::NoteLastChunk(HttpKind kind) {
  Side& s = side(kind);
  if (!s.body.open || s.body.framing != BodyFraming::kChunked || closing_) return;
  const size_t from = s.fed.used();
  const size_t used = std::min(Consumed(kind), s.fed.piece().size());
  const ByteView between = s.fed.piece().first(std::max(from, used)).subspan(from);
  s.body.NoteBetweenChunks(AsText(between), true);
}

// Where Content-Length is no number, or something else says where the body ends, there are two
// readings.
void HttpParser::NoteLengths(htp_tx_t* tx, HttpHead* head) {
  Side& s = side(HttpKind::kResponse);
  const std::string told(
      absl::StripAsciiWhitespace(HtpField(tx->response_headers, "content-length")));
  s.body.doubtful_length = false;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(told.substr(0, std::min(told.find_first_not_of("0123456789"), told.size())),
                        &length)) {
    return;
  }
  const bool closes = absl::EqualsIgnoreCase(HtpField(tx->response_headers, "connection"), "close");
  const bool chunked = tx->response_transfer_coding == HTP_CODING_CHUNKED;
  s.body.doubtful_length = !IsNumber(told) && closes && !chunked;
  if (s.body.doubtful_length) s.body.anomaly = "its Content-Length is no number";
  if (s.body.doubtful_length || chunked) {
    head->other_length = length;
  }
}

}  // namespace flowstitch
