// Bytes as both streams of a flow that speaks HTTP, with gaps, and content codings.
#include <filesystem>

#include "sinks/file_names.h"
#include "sinks/flow_files/flow_file_writer.h"
#include "sinks/http/content_coding.h"
#include "sinks/http/http_parser.h"
#include "tests/fuzz/fuzz.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

class Counter : public HttpEvents {
 public:
  void OnHead(HttpKind kind, const HttpHead& head) override {
    Must(head.number > last_[static_cast<size_t>(kind)], "messages are numbered upwards");
    last_[static_cast<size_t>(kind)] = head.number;
    absl::Status ignored = MakeContentDecoder(head.content_encoding, &decoder_);
    (void)ignored;
  }
  void OnBody(HttpKind, ByteView bytes, uint64_t) override {
    body_bytes += bytes.size();
    if (decoder_ == nullptr) return;
    const auto out = [this](ByteView decoded) {
      decoded_ += decoded.size();
      return decoded_ < (4 << 20) ? absl::OkStatus() : absl::ResourceExhaustedError("enough");
    };
    if (!decoder_->Feed(bytes, out).ok()) decoder_ = nullptr;
  }
  void OnBodyGap(HttpKind, uint64_t) override {}
  void OnEnd(HttpKind, bool) override { decoder_ = nullptr; }
  uint64_t body_bytes = 0;

 private:
  uint32_t last_[2] = {};
  uint64_t decoded_ = 0;
  std::unique_ptr<ContentDecoder> decoder_;
};

}  // namespace

// Pieces: one byte says which side and how long, 0xff is a gap.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const HttpParserConfig config;
  Counter events;
  HttpParser parser(config, &events);
  uint64_t offsets[2] = {};
  while (size > 0) {
    const uint8_t head = *data;
    ++data;
    --size;
    const HttpKind kind = head & 1 ? HttpKind::kResponse : HttpKind::kRequest;
    uint64_t& offset = offsets[head & 1];
    if (head >= 0xfe) {
      parser.Gap(kind, 10, 0);
      offset += 10;
      continue;
    }
    const size_t n = std::min<size_t>(size, head >> 1);
    parser.Feed(kind, {data, n}, offset, 0);
    offset += n;
    data += n;
    size -= n;
  }
  parser.Close(true, 0);
  Must(events.body_bytes <= offsets[0] + offsets[1], "bodies lie in the streams");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto pieces = [](bool response, const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); at += 126) {
      const std::string piece = text.substr(at, 126);
      out += static_cast<char>(piece.size() << 1 | (response ? 1 : 0));
      out += piece;
    }
    return out;
  };
  const std::string get = pieces(false, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\3\xcbH\xcd\xc9\xc9\7\0\x86\xa6\x10\x36\5\0\0\0",
                         25);
  return {
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
      get + pieces(true,
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" +
                             gzip),
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc") + "\xff" +
          pieces(true, "more of the body"),
      pieces(false,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc") +
          pieces(true, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
      pieces(false, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n") +
          pieces(true, "HTTP/1.1 200 OK\r\n\r\ntunnel"),
      get + get +
          pieces(true, "HTTP/1.0 200 OK\r\nContent-Encoding: deflate, br\r\n\r\nuntil the end"),
  };
}
