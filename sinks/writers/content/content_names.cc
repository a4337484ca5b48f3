#include "sinks/writers/content/content_names.h"

#include <magic.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sinks/writers/content/media_types.h"

namespace flowstitch {
namespace {

std::string BareType(std::string_view content_type) {
  return absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(std::string(content_type.substr(0, content_type.find(';')))));
}

// Types that say nothing about the content.
bool SaysNothing(const std::string& type) {
  static constexpr std::string_view kWords[] = {
      "",        "application/octet-stream",   "binary/octet-stream",    "application/binary",
      "unknown", "application/force-download", "application/x-download", "application/download",
      "*/*",     "application/unknown",        "unknown/unknown",        "application/x-unknown"};
  return std::find(std::begin(kWords), std::end(kWords), type) != std::end(kWords);
}

bool IsTextual(const std::string& type) {
  return absl::StartsWith(type, "text/") || absl::StrContains(type, "json") ||
         absl::StrContains(type, "xml") || absl::StrContains(type, "javascript") ||
         type == "application/x-www-form-urlencoded";
}

// Control characters that no text has, in its first bytes.
bool LooksBinary(ByteView start) {
  const ByteView look = start.first(std::min<size_t>(start.size(), 512));
  // UTF-16 and UTF-32 begin with a mark.
  if (look.size() >= 2 &&
      ((look[0] == 0xff && look[1] == 0xfe) || (look[0] == 0xfe && look[1] == 0xff))) {
    return false;
  }
  return std::any_of(look.begin(), look.end(),
                     [](uint8_t c) { return c < 8 || (c > 13 && c < 32 && c != 27); });
}

// What files of a type begin with.
struct Signature {
  std::string_view type;
  std::string_view start;
};
constexpr Signature kSignatures[] = {
    {"image/png", "\x89PNG"},
    {"image/jpeg", "\xff\xd8\xff"},
    {"image/jpg", "\xff\xd8\xff"},
    {"image/gif", "GIF8"},
    {"application/pdf", "%PDF"},
    {"application/zip", "PK"},
    {"application/gzip", "\x1f\x8b"},
    {"image/webp", "RIFF"},
    {"image/bmp", "BM"},
    {"application/x-gzip", "\x1f\x8b"},
    {"audio/x-wav", "RIFF"},
};

bool Contradicts(const std::string& type, ByteView start) {
  if (IsTextual(type)) return LooksBinary(start);
  for (const Signature& signature : kSignatures) {
    if (type == signature.type) {
      return AsText(start).substr(0, signature.start.size()) != signature.start;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContentNames>> ContentNames::Open() {
  magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR |
                             MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_TOKENS);
  if (magic == nullptr) return absl::InternalError("libmagic does not start");
  if (magic_load(magic, nullptr) != 0) {
    const absl::Status status =
        absl::NotFoundError(absl::StrCat("libmagic has no database: ", magic_error(magic)));
    magic_close(magic);
    return status;
  }
  return std::unique_ptr<ContentNames>(new ContentNames(magic));
}

ContentNames::~ContentNames() { magic_close(magic_); }

std::string ContentNames::ByContent(ByteView start) {
  const char* type = magic_buffer(magic_, start.data(), std::min(start.size(), kStartBytes));
  return type == nullptr ? "" : ExtensionFor(type);
}

std::string ContentNames::Extension(std::string_view content_type, ByteView start) {
  const std::string type = BareType(content_type);
  const std::string declared = type == "text/javascript" ? "js" : ExtensionFor(type);
  const bool form =
      type == "application/x-www-form-urlencoded" || absl::StartsWith(type, "multipart/");
  const bool unsure = SaysNothing(type) || (declared.empty() && !form);
  if (start.empty() || (!unsure && !Contradicts(type, start))) return declared;
  const std::string found = ByContent(start);
  // "Some text" and "some bytes" overrule nothing.
  const bool weak = found.empty() || found == "bin" || (found == "txt" && !unsure);
  return weak ? declared : found;
}

}  // namespace flowstitch
