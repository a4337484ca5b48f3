// Bytes as both sides of an HTTP/2 connection, with gaps.
#include "sinks/content/http/http2_parser.h"
#include "tests/fuzz/http_watcher.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  HttpWatcher events;
  Http2Parser parser(true, &events);
  uint64_t offsets[2] = {};
  // The preface is always there: what comes behind it is what is tried.
  parser.Feed(HttpKind::kRequest, AsBytes(kHttp2Preface), 0);
  offsets[0] = kHttp2Preface.size();
  ForEachPiece(
      {data, size}, offsets,
      [&](Direction side, uint64_t offset, ByteView bytes) {
        parser.Feed(static_cast<HttpKind>(side), bytes, offset);
      },
      [&](Direction side, uint64_t length) { parser.Gap(static_cast<HttpKind>(side), length); });
  parser.Close();
  events.Finish();
  Must(events.body_bytes <= offsets[0] + offsets[1], "bodies lie in the streams");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const std::string request = kHttp2RequestHead;
  const std::string response = kHttp2ResponseHead;
  const std::string settings = Http2Frame(4, 0, 0, std::string("\0\1\0\0\0\0", 6));
  // A literal with indexing: "a: b".
  const std::string literal = "\x40\1a\1b";
  return {
      Pieces(0, settings + Http2Frame(1, 5, 1, request)) +
          Pieces(1, settings + Http2Frame(1, 4, 1, response) + Http2Frame(0, 1, 1, "hello")),
      Pieces(0, Http2Frame(1, 4, 1, request) + Http2Frame(0, 9, 1, std::string("\2up\0\0", 5))) +
          Pieces(1, Http2Frame(1, 0, 1, response) + Http2Frame(9, 4, 1, literal) +
                        Http2Frame(0, 0, 1, "hello") + Http2Frame(1, 5, 1, literal)),
      Pieces(0, Http2Frame(1, 0x2d, 1,
                           std::string("\1\0\0\0\0\0", 6) + request + std::string(1, '\0'))) +
          Pieces(1, Http2Frame(5, 4, 1, std::string("\0\0\0\2", 4) + request) +
                        Http2Frame(1, 4, 2, response) + Http2Frame(0, 1, 2, "pushed") +
                        Http2Frame(3, 0, 1, std::string("\0\0\0\x8", 4))),
      Pieces(0, Http2Frame(1, 5, 1, request)) +
          Pieces(1, Http2Frame(1, 4, 1, response) +
                        Http2Frame(0, 1, 1, std::string(100, 'x')).substr(0, 60)) +
          "\xff" + Pieces(1, std::string(39, 'y')),
  };
}
