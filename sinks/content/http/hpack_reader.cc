#include "sinks/content/http/hpack_reader.h"

#include <nghttp2/nghttp2.h>

#include <string>

namespace flowstitch {
namespace {

// RFC 7541, 4.1: what an entry of the table counts beside its text.
constexpr size_t kEntryBytes = 32;

constexpr char kDoesNotDecode[] = "HPACK does not decode";

std::string Text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

HpackReader::HpackReader() {
  nghttp2_hd_inflate_new(&inflater_);
  // The peer may allow a larger table than the default at any time: what it allows need not be
  // known, only bounded.
  if (inflater_ != nullptr) nghttp2_hd_inflate_change_table_size(inflater_, kMaxTableBytes);
}

HpackReader::~HpackReader() { nghttp2_hd_inflate_del(inflater_); }

const char* HpackReader::Read(ByteView block, HttpFields* fields) {
  if (inflater_ == nullptr) return "HPACK does not start";
  const uint8_t* at = block.data();
  size_t left = block.size();
  size_t decoded = 0;
  coded_bytes_ += left;
  bool final = false;
  while (!final) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
    if (used < 0) return kDoesNotDecode;
    at += used;
    left -= static_cast<size_t>(used);
    const bool emits = (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    if (emits) {
      decoded += field.namelen + field.valuelen + kEntryBytes;
      decoded_bytes_ += field.namelen + field.valuelen + kEntryBytes;
      if (decoded > kMaxDecodedHeadBytes ||
          decoded_bytes_ > kFreeHeadBytes + kMaxHeadRatio * coded_bytes_) {
        return "a head of HTTP/2 is too large";
      }
      fields->emplace_back(Text(field.name, field.namelen), Text(field.value, field.valuelen));
    }
    final = (flags & NGHTTP2_HD_INFLATE_FINAL) != 0;
    if (!final && used == 0 && !emits) return kDoesNotDecode;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return nullptr;
}

}  // namespace flowstitch
