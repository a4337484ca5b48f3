// HTTP/2 frames (RFC 9113) as a peer would make them.
#ifndef FLOWSTITCH_TESTS_SUPPORT_HTTP2_FRAMES_H_
#define FLOWSTITCH_TESTS_SUPPORT_HTTP2_FRAMES_H_
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "sinks/content/http/http_events.h"

namespace flowstitch::testing {

inline std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + payload;
}

// nghttp2's encoder, whose table lives on from head to head.
class Hpack {
 public:
  Hpack() { nghttp2_hd_deflate_new(&deflater_, 4096); }
  ~Hpack() { nghttp2_hd_deflate_del(deflater_); }
  std::string Encode(const HttpFields& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      pairs.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                       reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                       value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    std::string out(16 << 10, '\0');
    const ssize_t n = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(out.data()),
                                            out.size(), pairs.data(), pairs.size());
    EXPECT_GT(n, 0);
    out.resize(static_cast<size_t>(n));
    return out;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

// A head in one frame, or in pieces with a CONTINUATION for each.
inline std::string HeadFrames(std::mt19937_64* random, uint32_t stream, const std::string& block,
                              bool ends) {
  std::string out;
  size_t at = std::min<size_t>(block.size(), (*random)() % 2 == 0 ? block.size() : 1);
  const bool padded = (*random)() % 3 == 0;
  std::string first = block.substr(0, at);
  if (padded) first = std::string(1, '\5') + first + std::string(5, '\0');
  const auto flags = static_cast<uint8_t>((ends ? 1 : 0) | (padded ? 8 : 0));
  out = Frame(1, static_cast<uint8_t>(flags | (at == block.size() ? 4 : 0)), stream, first);
  while (at < block.size()) {
    const size_t n = std::min<size_t>(block.size() - at, 1 + (*random)() % 20);
    at += n;
    out += Frame(9, at == block.size() ? 4 : 0, stream, block.substr(at - n, n));
  }
  return out;
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_HTTP2_FRAMES_H_
