// Bytes as one direction of a WebSocket, with gaps. The first byte chooses the extension.
#include "sinks/content/http/websocket_parser.h"
#include "tests/fuzz/http_watcher.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr const char* kExtensions[] = {"", "permessage-deflate",
                                                "permessage-deflate; server_no_context_takeover"};
  if (size == 0) return 0;
  DecodeLimits limits;
  limits.max_bytes = 4 << 20;
  HttpWatcher events;
  WebSocketParser parser(kServerToClient, false, kExtensions[data[0] % 3], limits, &events);
  uint64_t offsets[2] = {};
  ForEachPiece(
      {data + 1, size - 1}, offsets,
      [&](int, uint64_t, ByteView bytes) { parser.Feed(bytes, offsets[0] + offsets[1]); },
      [&](int, uint64_t length) { parser.Gap(length); });
  parser.Close();
  events.Finish();
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const std::string text("\x81\x05hello", 7);
  const std::string masked("\x82\x82\1\2\3\4\x69\x6b", 8);
  const std::string parts("\x01\x03hel\x89\x01p\x80\x02lo", 13);
  const std::string deflated("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9);
  const std::string long_one = std::string("\x82\x7e\0\x80", 4) + std::string(128, 'x');
  return {std::string(1, '\0') + Pieces(0, text + masked + parts),
          "\1" + Pieces(0, deflated + deflated + text),
          "\2" + Pieces(0, deflated + std::string("\x88\x02\x03\xe8", 4)),
          std::string(1, '\0') + Pieces(0, long_one.substr(0, 50)) + "\xfe" + Pieces(0, long_one)};
}
