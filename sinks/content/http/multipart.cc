#include "sinks/content/http/multipart.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/utf8_text.h"

namespace flowstitch {
namespace {

// RFC 2046: 70 characters. Be generous, not limitless.
constexpr size_t kMaxBoundaryBytes = 256;
constexpr size_t kMaxFields = 100;
constexpr size_t kMaxFileNameBytes = 255;
// Blanks behind a boundary (RFC 2046: "transport padding").
constexpr size_t kMaxPaddingBytes = 256;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A token or a quoted string at `*at`; `*at` moves behind it.
std::string ParameterValue(std::string_view text, size_t* at) {
  std::string out;
  if (*at < text.size() && text[*at] == '"') {
    for (++*at; *at < text.size() && text[*at] != '"'; ++*at) {
      // Browsers send backslashes of Windows' paths as they are; only a quoted quote is one.
      if (text[*at] == '\\' && *at + 1 < text.size() &&
          (text[*at + 1] == '"' || text[*at + 1] == '\\')) {
        ++*at;
      }
      out += text[*at];
    }
    if (*at < text.size()) ++*at;
    return out;
  }
  while (*at < text.size() && text[*at] != ';') out += text[(*at)++];
  return std::string(absl::StripAsciiWhitespace(out));
}

HttpFields SplitFields(std::string_view text) {
  HttpFields fields;
  while (!text.empty() && fields.size() < kMaxFields) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty() && IsBlank(line[0]) && !fields.empty()) {  // folded
      absl::StrAppend(&fields.back().second, " ", absl::StripAsciiWhitespace(std::string(line)));
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    fields.emplace_back(absl::StripAsciiWhitespace(std::string(line.substr(0, colon))),
                        absl::StripAsciiWhitespace(std::string(line.substr(colon + 1))));
  }
  return fields;
}

}  // namespace

std::string FieldParameter(std::string_view value, std::string_view name) {
  std::string plain;
  size_t at = value.find(';');
  while (at < value.size()) {
    ++at;
    while (at < value.size() && IsBlank(value[at])) ++at;
    const size_t equals = value.find_first_of("=;", at);
    if (equals == std::string_view::npos) break;
    if (value[equals] == ';') {
      at = equals;
      continue;
    }
    const std::string key = absl::AsciiStrToLower(
        absl::StripAsciiWhitespace(std::string(value.substr(at, equals - at))));
    at = equals + 1;
    while (at < value.size() && IsBlank(value[at])) ++at;
    const std::string found = ParameterValue(value, &at);
    if (key == std::string(name) + "*") {
      const size_t language = found.find('\'');
      const size_t text = language == std::string::npos ? language : found.find('\'', language + 1);
      if (text != std::string::npos)
        return PercentDecoded(std::string_view(found).substr(text + 1));
    }
    if (key == name && plain.empty()) plain = found;
    at = value.find(';', at);
  }
  return plain;
}

std::string BoundaryOf(std::string_view content_type) {
  const std::string start =
      absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(std::string(content_type)));
  if (!absl::StartsWith(start, "multipart/")) return "";
  std::string boundary = FieldParameter(content_type, "boundary");
  const bool legal = boundary.size() <= kMaxBoundaryBytes &&
                     std::none_of(boundary.begin(), boundary.end(),
                                  [](char c) { return static_cast<uint8_t>(c) < 32; });
  return legal ? boundary : "";
}

bool IsMixedReplace(std::string_view content_type) {
  constexpr absl::string_view kType = "multipart/x-mixed-replace";
  return absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(std::string(content_type)),
                                    kType);
}

std::string SafeFileName(std::string_view name) {
  const size_t directory = name.find_last_of("/\\");
  if (directory != std::string_view::npos) name.remove_prefix(directory + 1);
  std::string safe;
  for (const char c : ToUtf8(std::string(name))) {
    const auto byte = static_cast<uint8_t>(c);
    safe += byte < 32 || byte == 127 || c == ':' ? '_' : c;
  }
  size_t size = std::min(safe.size(), kMaxFileNameBytes);
  while (size > 0 && size < safe.size() && (static_cast<uint8_t>(safe[size]) & 0xc0) == 0x80)
    --size;
  safe.resize(size);
  return safe == "." || safe == ".." ? "_" : safe;
}

MultipartSplitter::MultipartSplitter(std::string boundary, MultipartEvents* events, bool frames)
    : delimiter_("--" + boundary),
      max_parts_(frames ? kMaxFrames : kMaxParts),
      frames_(frames),
      events_(events) {}

// What the body begins with: false where more of it is needed to tell.
bool MultipartSplitter::Begin() {
  if (!frames_) {  // others may have a preamble
    state_ = State::kPreamble;
    return true;
  }
  constexpr size_t kLookedAt = 2 * kMaxBoundaryBytes;
  const std::string head = buffer_.substr(0, kLookedAt);
  const bool is_all = head.size() == kLookedAt;
  const size_t start = std::min(head.find_first_not_of("\r\n"), head.size());
  const size_t end = head.find('\n', start);
  if (end == std::string::npos) {
    if (is_all) state_ = State::kPreamble;
    return is_all;
  }
  const std::string line(absl::StripTrailingAsciiWhitespace(head.substr(start, end - start)));
  const size_t second_end = head.find('\n', end + 1);
  const bool declared = absl::StartsWith(line, delimiter_);
  if (!declared && second_end == std::string::npos && !is_all) return false;
  state_ = State::kPreamble;
  if (declared) return true;
  const auto is_field = [](const std::string& text) {
    return absl::StartsWithIgnoreCase(text, "content-") && absl::StrContains(text, ":");
  };
  const std::string second = head.substr(end + 1, second_end - end - 1);
  if (is_field(line)) {
    anomaly_ = "its first part has no delimiter before it";
    state_ = State::kFields;
    buffer_.erase(0, start);
    position_ += start;
  } else if (is_field(second) && (absl::StartsWith(line, "--") || "--" + line == delimiter_)) {
    anomaly_ = "its delimiter is written otherwise than it is declared";
    delimiter_ = line;
  }
  return true;
}

void MultipartSplitter::Feed(ByteView bytes) {
  if (state_ == State::kEpilogue) return;
  buffer_.append(AsText(bytes));
  while (Step()) {
  }
}

// What stands at `at`, behind the boundary, on its line; `end`: behind the line.
MultipartSplitter::Line MultipartSplitter::LineAt(size_t at, size_t* end) const {
  if (at + 2 > buffer_.size() && (at == buffer_.size() || buffer_[at] == '-')) return Line::kUnsure;
  if (buffer_[at] == '-' && buffer_[at + 1] == '-') {
    *end = at + 2;
    return Line::kLast;
  }
  const size_t limit = at + kMaxPaddingBytes;
  while (at < buffer_.size() && at < limit && IsBlank(buffer_[at])) ++at;
  if (at == buffer_.size()) return Line::kUnsure;
  if (buffer_[at] == '\r') {
    if (at + 1 == buffer_.size()) return Line::kUnsure;
    ++at;
  }
  if (buffer_[at] != '\n') return Line::kNone;
  *end = at + 1;
  return Line::kDelimiter;
}

// Finds the first delimiter: it stands from `begin` to `end`, its line break included. Without one,
// the first `safe` bytes are certainly none of it.
bool MultipartSplitter::FindDelimiter(size_t* begin, size_t* end, Line* line, size_t* safe) const {
  size_t at = 0;
  while (true) {
    at = buffer_.find(delimiter_, at);
    if (at == std::string::npos) break;
    const bool line_start = at == 0 ? at_start_ : buffer_[at - 1] == '\n';
    if (line_start) {
      *line = LineAt(at + delimiter_.size(), end);
      if (*line == Line::kUnsure) break;
      if (*line != Line::kNone) {
        *begin = at > 0 ? at - 1 : 0;
        if (*begin > 0 && buffer_[*begin - 1] == '\r') --*begin;
        return true;
      }
    }
    ++at;
  }
  // A delimiter that may have begun: with the line break before it.
  const size_t tail = delimiter_.size() + 2;
  size_t keep = at != std::string::npos ? at - std::min<size_t>(at, 2)
                                        : buffer_.size() - std::min(buffer_.size(), tail);
  *safe = keep;
  return false;
}

void MultipartSplitter::Emit(size_t count) {
  if (!in_part_ || count == 0) return;
  if (part_left_) *part_left_ -= std::min<uint64_t>(*part_left_, count);
  events_->OnPartBytes(AsBytes(buffer_).first(count));
}

void MultipartSplitter::EndPart(bool complete) {
  if (in_part_) events_->OnPartEnd(complete);
  in_part_ = false;
}

void MultipartSplitter::StartPart(std::string_view fields) {
  if (++parts_ > max_parts_) {
    limited_ = true;
    state_ = State::kEpilogue;
    return;
  }
  in_part_ = true;
  const HttpFields split = SplitFields(fields);
  uint64_t length = 0;
  part_left_.reset();
  if (absl::SimpleAtoi(FieldValue(split, "content-length"), &length)) part_left_ = length;
  events_->OnPart(split, position_);
}

// Whether there may be more to do with what is there.
bool MultipartSplitter::Step() {
  const auto take = [this](size_t count) {
    buffer_.erase(0, count);
    position_ += count;
    if (count > 0) at_start_ = false;
  };
  if (state_ == State::kEpilogue) {
    take(buffer_.size());
    return false;
  }
  if (state_ == State::kStart) return Begin();
  if (state_ == State::kFields) {
    // A blank line ends them; it may be the first.
    size_t end = std::string::npos;
    size_t length = 0;
    if (buffer_.rfind("\r\n", 0) == 0 || buffer_.rfind("\n", 0) == 0) {
      end = 0;
      length = buffer_[0] == '\n' ? 1 : 2;
    } else {
      const size_t crlf = buffer_.find("\n\r\n");
      const size_t lf = buffer_.find("\n\n");
      end = std::min(crlf, lf);
      length = end == std::string::npos ? 0 : end == crlf ? 3 : 2;
    }
    if (end == std::string::npos) {
      if (buffer_.size() <= kMaxFieldBytes) return false;
      limited_ = true;
      state_ = State::kEpilogue;
      return true;
    }
    const std::string fields = buffer_.substr(0, end);
    take(end + length);
    // An empty content ends with the line break that ended the fields.
    at_start_ = true;
    state_ = State::kContent;
    StartPart(fields);
    return true;
  }
  size_t begin = 0;
  size_t end = 0;
  size_t safe = 0;
  Line line = Line::kNone;
  if (!FindDelimiter(&begin, &end, &line, &safe)) {
    if (safe > 0) {
      Emit(safe);
      take(safe);
    }
    return false;
  }
  Emit(begin);
  EndPart(true);
  take(end);
  state_ = line == Line::kLast ? State::kEpilogue : State::kFields;
  return true;
}

void MultipartSplitter::Gap(uint64_t length) {
  if (state_ == State::kEpilogue) return;
  Emit(buffer_.size());
  if (in_part_) {
    // It may have ended in the gap: what follows up to the next delimiter is not known to be its
    // own.
    EndPart(false);
  }
  position_ += buffer_.size() + length;
  buffer_.clear();
  state_ = State::kPreamble;
  at_start_ = false;
}

void MultipartSplitter::Finish() {
  if (state_ == State::kStart) state_ = State::kPreamble;
  while (Step()) {
  }
  // What is left is the last part's, without the line break of a delimiter that did not come.
  size_t left = buffer_.size();
  const bool ends_in_line = left >= 2 && buffer_.compare(left - 2, 2, "\r\n") == 0;
  if (part_left_ && ends_in_line && *part_left_ + 2 == left) left -= 2;
  Emit(left);
  buffer_.clear();
  const bool whole = frames_ && in_part_ && part_left_ == uint64_t{0};
  ended_ = whole || (frames_ && state_ == State::kFields);
  EndPart(whole);
}

}  // namespace flowstitch
