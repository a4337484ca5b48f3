// Bytes as the beginning of a TLS connection: alternating pieces of the two directions.
#include "sinks/content/tls/handshake_messages.h"
#include "sinks/content/tls/handshake_parser.h"
#include "tests/fuzz/fuzz.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  HandshakeParser parsers[2];
  TlsFacts facts;
  while (size > 0) {
    const size_t n = std::min<size_t>(size - 1, data[0] >> 1);
    parsers[data[0] & 1].Feed({data + 1, n}, &facts);
    data += 1 + n;
    size -= 1 + n;
  }
  Must(facts.certificates.size() <= kMaxCertificates, "certificates are bounded");
  Must(facts.alpn_offered.size() <= kMaxProtocols, "protocols are bounded");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto bytes = [](std::initializer_list<int> values) {
    return std::string(values.begin(), values.end());
  };
  const std::string random(32, 'r');
  const std::string client_body = bytes({3, 3}) + random + bytes({0, 0, 2, 0x13, 1, 1, 0, 0, 16}) +
                                  bytes({0, 0, 0, 6, 0, 4, 0, 0, 1, 'h', 0, 43, 0, 2, 1, 3});
  const std::string server_body =
      bytes({3, 3}) + random + bytes({0, 0xc0, 0x2f, 0, 0, 9, 0, 16, 0, 5, 0, 3, 2, 'h', '2'});
  const auto record = [&](int type, const std::string& body, int direction) {
    const std::string message = bytes({type, 0, 0, static_cast<int>(body.size())}) + body;
    const std::string whole = bytes({22, 3, 3, 0, static_cast<int>(message.size())}) + message;
    return bytes({static_cast<int>(whole.size()) << 1 | direction}) + whole;
  };
  return {record(1, client_body, 0) + record(2, server_body, 1) +
              record(11, bytes({0, 0, 8, 0, 0, 5, 0x30, 3, 2, 1, 1}), 1) + record(14, "", 1),
          record(2, server_body, 1)};
}
