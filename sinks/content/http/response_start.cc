#include "sinks/content/http/response_start.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

using Verdict = ResponseStart::Verdict;

constexpr std::string_view kPlain = "HTTP/1.";
// A status line is not longer.
constexpr size_t kMaxLineBytes = 8 << 10;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsJunk(char c) { return static_cast<unsigned char>(c) <= ' '; }

bool BeginsIgnoringCase(std::string_view text, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(absl::string_view(text.data(), text.size()),
                                    absl::string_view(prefix.data(), prefix.size()));
}

// What a line means that begins as some HTTP's status line, or as ICY's; nothing: it is none.
std::optional<std::string> Meaning(std::string_view line) {
  const bool icy = BeginsIgnoringCase(line, "icy ");
  if (!icy && !BeginsIgnoringCase(line, "http")) return std::nullopt;
  // The version goes up to the status: three digits behind a blank.
  size_t at = icy ? 3 : 4;
  while (at < line.size() && !IsBlank(line[at])) ++at;
  const size_t version_end = at;
  while (at < line.size() && IsBlank(line[at])) ++at;
  const bool status = at + 3 <= line.size() && IsDigit(line[at]) && IsDigit(line[at + 1]) &&
                      IsDigit(line[at + 2]) && (at + 3 == line.size() || !IsDigit(line[at + 3]));
  if (!status) return std::nullopt;
  // HTTP/0.x and 1.0 have no chunks; any other version is read as HTTP/1.1.
  const std::string_view version = line.substr(4, version_end > 4 ? version_end - 4 : 0);
  const bool old = icy || version == "/1.0" || version.substr(0, 3) == "/0.";
  return absl::StrCat(old ? "HTTP/1.0 " : "HTTP/1.1 ", std::string(line.substr(at)));
}

}  // namespace

ResponseStart FindResponseStart(std::string_view text) {
  const size_t n = std::min(text.size(), kPlain.size());
  if (text.substr(0, n) == kPlain.substr(0, n)) return {Verdict::kPlain};
  // At the beginning, behind junk, or behind a line.
  for (size_t at = 0; at < std::min(text.size(), kMaxResponseJunkBytes);) {
    const std::string_view rest = text.substr(at);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      const bool more = rest.size() < kMaxLineBytes && text.size() < kMaxResponseJunkBytes;
      const bool may_be = BeginsIgnoringCase(rest, "http") || BeginsIgnoringCase(rest, "icy ");
      if (more || (may_be && rest.size() < kMaxLineBytes)) return {Verdict::kUnsure};
      return {};
    }
    std::string_view line = rest.substr(0, end);
    while (!line.empty() && (line.back() == '\r' || IsBlank(line.back()))) line.remove_suffix(1);
    size_t junk = 0;
    while (junk < line.size() && IsJunk(line[junk])) ++junk;
    if (const auto meaning = Meaning(line.substr(junk))) {
      const bool odd_line = line.substr(junk, kPlain.size()) != kPlain;
      const bool icy = BeginsIgnoringCase(line.substr(junk), "icy");
      return {Verdict::kOdd, at + junk, end + 1 - junk, *meaning + "\r\n",
              icy        ? "its status line is ICY's"
              : odd_line ? "the version in its status line is odd"
                         : "something stands before its status line"};
    }
    at += end + 1;
  }
  return text.size() < kMaxResponseJunkBytes ? ResponseStart{Verdict::kUnsure} : ResponseStart{};
}

}  // namespace flowstitch
