// Bytes as a capture file.
#include "capture/files/capture_file.h"
#include "capture/frame_filter.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/conversation.h"

using namespace flowstitch;
using namespace flowstitch::testing;

constexpr uint64_t kMostBytes = 16 << 20;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = CaptureFile::FromInput("input", InputBuffer::FromMemory({data, size}));
  if (!file.ok()) return 0;
  Frame frame;
  uint64_t bytes = 0;
  // What decompresses to more than a capture of this size could be is not read to its end.
  while (bytes < kMostBytes && (*file)->Next(&frame)) {
    bytes += frame.bytes.size();
    Must(frame.bytes.size() <= kMaxFrameBytes, "frames are bounded");
    Must(frame.wire_length >= frame.bytes.size(), "no more is captured than was on the wire");
    for (const uint8_t byte : frame.bytes) bytes += byte & 0;
  }
  if (!LooksCompressed({data, size})) Must(bytes <= size, "no byte is given out twice");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  Talk talk(End("10.0.0.1", 4000), End("10.0.0.2", 80));
  talk.Handshake().Client("GET").Close();
  auto mixed = talk.packets;
  mixed[1].link_type = kLinkRaw;
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
  return {gzip + std::string("\1\5\0\xfa\xff"
                             "hello",
                             10),
          "BZh9",
          std::string("\xfd"
                      "7zXZ\0",
                      6),
          PcapFile(talk.packets),
          PcapFile(talk.packets) + PcapngFile(mixed) + PcapFile(mixed, true),
          PcapFile(talk.packets, true, false),
          PcapngFile(mixed),
          PcapngFile(talk.packets, true)};
}
