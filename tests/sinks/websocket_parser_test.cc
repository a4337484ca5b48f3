#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <random>

#include "tests/support/http_log.h"
#include "tests/support/random_text.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

std::string Masked(std::string text, uint32_t mask) {
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(text[i] ^ static_cast<char>(mask >> (24 - 8 * (i % 4))));
  }
  return text;
}

std::string WebSocketFrame(std::mt19937_64* random, uint8_t first, const std::string& payload,
                           bool client) {
  std::string out(1, static_cast<char>(first));
  const auto mask_bit = static_cast<uint8_t>(client ? 0x80 : 0);
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>(static_cast<uint64_t>(payload.size()) >> shift);
    }
  }
  if (!client) return out + payload;
  const auto mask = static_cast<uint32_t>((*random)());
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(mask >> shift);
  return out + Masked(payload, mask);
}

TEST(WebSocketParser, AnyFragmentsMasksAndCompressionGiveTheMessages) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random(seed);
    const bool client = seed % 2 == 0;
    const bool deflates = seed % 3 != 0;
    const bool keeps = seed % 5 != 0;
    z_stream z = {};
    deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string stream;
    std::string wanted;
    for (int i = 0; i < 12; ++i) {
      const bool binary = random() % 2 == 0;
      const std::string text = RandomText(&random, random() % (i == 5 ? 70'000 : 400), "abcabcabc");
      std::string data = text;
      const bool packed = deflates && !text.empty() && random() % 4 != 0;
      if (packed) {
        data.assign(deflateBound(&z, text.size()) + 64, '\0');
        z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        z.avail_in = static_cast<uInt>(text.size());
        z.next_out = reinterpret_cast<Bytef*>(data.data());
        z.avail_out = static_cast<uInt>(data.size());
        deflate(&z, Z_SYNC_FLUSH);
        data.resize(data.size() - z.avail_out - 4);
        if (!keeps) deflateReset(&z);
      }
      size_t at = 0;
      bool first = true;
      do {
        const size_t n = std::min<size_t>(data.size() - at, random() % 3 == 0 ? data.size() : 50);
        const bool last = at + n == data.size();
        auto head = static_cast<uint8_t>((last ? 0x80 : 0) | (first ? (binary ? 2 : 1) : 0));
        if (first && packed) head |= 0x40;
        stream += WebSocketFrame(&random, head, data.substr(at, n), client);
        if (random() % 4 == 0) stream += WebSocketFrame(&random, 0x89, "ping", client);
        at += n;
        first = false;
      } while (at < data.size());
      wanted += std::string(binary ? "binary " : "text ") + text + "\nend \n";
    }
    deflateEnd(&z);
    const std::string extensions =
        !deflates ? "x-none"
                  : std::string("permessage-deflate") +
                        (keeps ? "" : "; client_no_context_takeover; server_no_context_takeover");
    const std::string ask =
        "GET /w HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Extensions: " +
        extensions + "\r\n\r\n";
    const int side = client ? 0 : 1;
    // Its bytes may come with the upgrade, and the client's before the answer is seen.
    for (uint64_t cut : {uint64_t{0}, seed}) {
      const Log log = client ? Read({{0, ask + stream}, {1, answer}}, cut)
                             : Read({{0, ask}, {1, answer + stream}}, cut);
      // Not printed: it is long.
      EXPECT_TRUE(log.websocket[side] == wanted)
          << "seed " << seed << " cut " << cut << ": " << log.websocket[side].size()
          << " bytes for " << wanted.size() << ", stopped " << log.stops[side];
    }
  }
}

}  // namespace
}  // namespace flowstitch
