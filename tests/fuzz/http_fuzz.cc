// Bytes as both directions of a flow, with gaps, through everything that looks for HTTP: HTTP/1 and
// its codings, HTTP/2, WebSockets, tunnels.
#include "sinks/content/http/http_dialogue.h"
#include "tests/fuzz/http_watcher.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const HttpParserConfig config(true);
  HttpWatcher events;
  HttpDialogue dialogue(config, {}, &events, /*opens_websockets=*/true,
                        /*from_start=*/size % 3 != 0);
  uint64_t offsets[2] = {};
  ForEachPiece(
      {data, size}, offsets,
      [&](Direction side, uint64_t offset, ByteView bytes) {
        // What its sender had, or what it says to have had.
        const uint64_t had = size % 5 == 0 ? offset : offsets[1 - side];
        dialogue.Bytes(side, offset, bytes, 0, size % 7 == 0 ? std::nullopt : std::optional(had));
      },
      [&](Direction side, uint64_t length) { dialogue.Gap(side, length); });
  dialogue.Close({size % 2 == 0, size % 3 == 0});
  events.Finish();
  Must(events.body_bytes <= offsets[0] + offsets[1], "bodies lie in the streams");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const std::string get = Pieces(0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\3\xcbH\xcd\xc9\xc9\7\0\x86\xa6\x10\x36\5\0\0\0",
                         25);
  const auto frame = Http2Frame;
  const std::string request_head = kHttp2RequestHead;
  const std::string response_head = kHttp2ResponseHead;
  const std::string client2 = std::string(kHttp2Preface) + frame(4, 0, 0, "") +
                              frame(1, 5, 1, request_head) + frame(1, 4, 3, request_head) +
                              frame(0, 9, 3, std::string("\2up\0\0", 5));
  const std::string server2 =
      frame(4, 0, 0, "") + frame(5, 4, 1, std::string("\0\0\0\2", 4) + request_head) +
      frame(1, 4, 1, response_head) + frame(0, 1, 1, "hello") + frame(1, 0, 3, response_head) +
      frame(9, 4, 3, "") + frame(3, 0, 3, "abcd");
  const std::string upgrade =
      "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  const std::string upgraded =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  return {
      get + Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
      get + Pieces(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      get + Pieces(1, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" +
                          gzip),
      get + Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc") + "\xff" +
          Pieces(1, "more of the body"),
      get + Pieces(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc") + "\xff" +
          Pieces(1, "more of the chunk"),
      Pieces(0,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc") +
          Pieces(1, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
      Pieces(0, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n") + Pieces(1, "HTTP/1.1 200 OK\r\n\r\n") +
          get + Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntunnel"),
      get + get +
          Pieces(1, "HTTP/1.0 200 OK\r\nContent-Encoding: deflate, br\r\n\r\nuntil the end"),
      get + "\xff" + Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") + get +
          Pieces(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab") + "\xff" + get +
          Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
      Pieces(0, "another protocol first") + get +
          Pieces(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
      Pieces(0, "GET /old\r\n") + Pieces(1, "an answer without a head"),
      Pieces(0, client2) + Pieces(1, server2),
      Pieces(0, upgrade) + Pieces(1, upgraded) +
          Pieces(0, std::string("\x81\x82\1\2\3\4\x69\x6b", 8)) +
          Pieces(1, std::string("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9)),
      Pieces(0, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n") +
          Pieces(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + server2) +
          Pieces(0, std::string(kHttp2Preface) + frame(4, 0, 0, "")),
  };
}
