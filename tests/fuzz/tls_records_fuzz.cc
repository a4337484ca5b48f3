// A key log, an empty line, then bytes as both directions of a TLS connection, with gaps.
#include "sinks/content/tls/tls_connection.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"
#include "tests/support/tls_talk.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

class Plain : public TlsEvents {
 public:
  void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs) override {
    Must(offset == next_[direction], "bytes follow each other");
    next_[direction] += bytes.size();
    total += bytes.size();
  }
  void OnPlainGap(Direction direction, uint64_t length) override { next_[direction] += length; }
  uint64_t total = 0;

 private:
  uint64_t next_[2] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t blank = input.find("\n\n");
  if (blank == std::string_view::npos) return 0;
  TlsKeys keys;
  keys.Add(input.substr(0, blank + 1));
  TlsFacts facts;
  Plain plain;
  uint64_t offsets[2] = {};
  {
    TlsConnection connection(&keys, &facts, &plain);
    ForEachPiece(
        AsBytes(input.substr(blank + 2)), offsets,
        [&](Direction side, uint64_t, ByteView bytes) { connection.Bytes(side, bytes, 0); },
        [&](Direction side, uint64_t length) { connection.Gap(side, length); });
    connection.Close();
    for (const Direction side : kDirections)
      Must(connection.why_not(side).size() < 200, "a reason is short");
  }
  Must(plain.total <= offsets[0] + offsets[1], "nothing comes from nowhere");
  Must(!keys.waiting_is_full(), "nothing waits any more");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto input = [](int version, const char* cipher) {
    const TlsTalk talk(version, cipher);
    std::string out = talk.log() + "\n";
    for (const TlsTalk::Flight& flight : talk.flights()) out += Pieces(flight.end, flight.bytes);
    return out;
  };
  return {input(TLS1_3_VERSION, ""), input(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"),
          input(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"),
          input(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA"),
          "CLIENT_RANDOM 00 11\n# nothing\nRSA x y\n\n" + Pieces(0, "\x16\x03\x01\0\1\1")};
}
