#include "sinks/writers/content/media_types.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Sorted by type. Where several extensions are in use, the one tcpflow gives.
constexpr Pair kExtensions[] = {
    {"application/atom+xml", "atom"},
    {"application/dash+xml", "mpd"},
    {"application/epub+zip", "epub"},
    {"application/gzip", "gz"},
    {"application/java-archive", "jar"},
    {"application/javascript", "js"},
    {"application/json", "json"},
    {"application/ld+json", "jsonld"},
    {"application/msword", "doc"},
    {"application/ocsp-response", "ors"},
    {"application/octet-stream", "bin"},
    {"application/ogg", "ogx"},
    {"application/pdf", "pdf"},
    {"application/pgp-signature", "pgp"},
    {"application/pkix-cert", "cer"},
    {"application/pkix-crl", "crl"},
    {"application/postscript", "ai"},
    {"application/rss+xml", "rss"},
    {"application/rtf", "rtf"},
    {"application/vnd.android.package-archive", "apk"},
    {"application/vnd.apple.mpegurl", "m3u8"},
    {"application/vnd.debian.binary-package", "deb"},
    {"application/vnd.microsoft.portable-executable", "exe"},
    {"application/vnd.ms-cab-compressed", "cab"},
    {"application/vnd.ms-excel", "xls"},
    {"application/vnd.ms-fontobject", "eot"},
    {"application/vnd.ms-htmlhelp", "chm"},
    {"application/vnd.ms-powerpoint", "ppt"},
    {"application/vnd.oasis.opendocument.text", "odt"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
    {"application/vnd.sqlite3", "sqlite"},
    {"application/wasm", "wasm"},
    {"application/x-7z-compressed", "7z"},
    {"application/x-bittorrent", "torrent"},
    {"application/x-bzip", "bz"},
    {"application/x-bzip2", "bz2"},
    {"application/x-debian-package", "deb"},
    {"application/x-dosexec", "exe"},
    {"application/x-executable", "elf"},
    {"application/x-font-woff", "woff"},
    {"application/x-gzip", "gz"},
    {"application/x-iso9660-image", "iso"},
    {"application/x-java-applet", "class"},
    {"application/x-javascript", "js"},
    {"application/x-lzma", "lzma"},
    {"application/x-ms-dos-executable", "exe"},
    {"application/x-msdownload", "exe"},
    {"application/x-ole-storage", "doc"},
    {"application/x-pie-executable", "elf"},
    {"application/x-rar", "rar"},
    {"application/x-rar-compressed", "rar"},
    {"application/x-rpm", "rpm"},
    {"application/x-sh", "sh"},
    {"application/x-sharedlib", "so"},
    {"application/x-shockwave-flash", "swf"},
    {"application/x-tar", "tar"},
    {"application/x-x509-ca-cert", "der"},
    {"application/x-xz", "xz"},
    {"application/xhtml+xml", "xhtml"},
    {"application/xml", "xml"},
    {"application/zip", "zip"},
    {"application/zstd", "zst"},
    {"audio/basic", "au"},
    {"audio/flac", "flac"},
    {"audio/midi", "mid"},
    {"audio/mp4", "mp4a"},
    {"audio/mpeg", "mpga"},
    {"audio/ogg", "oga"},
    {"audio/webm", "weba"},
    {"audio/x-aac", "aac"},
    {"audio/x-m4a", "m4a"},
    {"audio/x-wav", "wav"},
    {"font/otf", "otf"},
    {"font/ttf", "ttf"},
    {"font/woff", "woff"},
    {"font/woff2", "woff2"},
    {"image/avif", "avif"},
    {"image/bmp", "bmp"},
    {"image/gif", "gif"},
    {"image/heic", "heic"},
    {"image/jpeg", "jpg"},
    {"image/png", "png"},
    {"image/svg+xml", "svg"},
    {"image/tiff", "tiff"},
    {"image/vnd.microsoft.icon", "ico"},
    {"image/webp", "webp"},
    {"image/x-icon", "ico"},
    {"image/x-ms-bmp", "bmp"},
    {"message/rfc822", "eml"},
    {"text/calendar", "ics"},
    {"text/css", "css"},
    {"text/csv", "csv"},
    {"text/html", "html"},
    {"text/plain", "txt"},
    {"text/x-php", "php"},
    {"text/x-script.python", "py"},
    {"text/x-shellscript", "sh"},
    {"text/x-vcard", "vcf"},
    {"text/xml", "xml"},
    {"video/3gpp", "3gp"},
    {"video/mp4", "m4v"},
    {"video/mpeg", "mpeg"},
    {"video/ogg", "ogv"},
    {"video/quicktime", "qt"},
    {"video/webm", "webm"},
    {"video/x-flv", "flv"},
    {"video/x-matroska", "mkv"},
    {"video/x-ms-wmv", "wmv"},
    {"video/x-msvideo", "avi"},
};
static_assert(std::is_sorted(std::begin(kExtensions), std::end(kExtensions)));

}  // namespace

std::string ExtensionFor(std::string_view content_type) {
  const size_t end = content_type.find(';');
  const std::string type =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(std::string(content_type.substr(0, end))));
  const auto it =
      std::lower_bound(std::begin(kExtensions), std::end(kExtensions), type,
                       [](const Pair& pair, const std::string& t) { return pair.first < t; });
  if (it == std::end(kExtensions) || it->first != type) return "";
  return std::string(it->second);
}

}  // namespace flowstitch
