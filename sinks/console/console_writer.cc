#include "sinks/console/console_writer.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "sinks/safe_file.h"

namespace flowstitch {
namespace {

constexpr size_t kBytesPerLine = 32;

char Printable(uint8_t byte) { return byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.'; }

}  // namespace

std::string HexDump(ByteView bytes) {
  std::string text;
  // The widest line: 16 groups of four digits and the blanks between them.
  constexpr size_t kHexWidth = kBytesPerLine * 2 + kBytesPerLine / 2;
  for (size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    const ByteView line = bytes.subspan(at, std::min(kBytesPerLine, bytes.size() - at));
    absl::StrAppendFormat(&text, "%04x: ", at);
    std::string hex;
    std::string plain;
    for (size_t i = 0; i < line.size(); ++i) {
      absl::StrAppendFormat(&hex, "%02x", line[i]);
      if (i % 2 == 1) hex += ' ';
      plain += Printable(line[i]);
    }
    hex.resize(std::max(hex.size(), kHexWidth), ' ');
    text += hex + " " + plain + "\n";
  }
  return text;
}

void ConsoleWriter::OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes,
                            TimeNs /*time_ns*/, BatchHold* /*hold*/) {
  if (options_.max_bytes >= 0) {
    const auto limit = static_cast<uint64_t>(options_.max_bytes);
    if (offset >= limit) return;
    bytes = bytes.first(std::min<size_t>(bytes.size(), limit - offset));
  }
  std::string text;
  if (options_.header) {
    text = flow.streams[static_cast<size_t>(direction)].path + ": ";
  }
  if (options_.hex) {
    if (options_.header) text += '\n';
    text += HexDump(bytes);
  } else if (options_.binary) {
    text.append(AsText(bytes));
  } else {
    for (const uint8_t byte : bytes) {
      text += byte == '\n' || byte == '\r' ? static_cast<char>(byte) : Printable(byte);
    }
  }
  if (options_.newline) text += '\n';
  if (std::fwrite(text.data(), 1, text.size(), options_.out) != text.size()) Fail();
}

void ConsoleWriter::Fail() {
  if (status_.ok()) status_ = FileError("write to", "standard output");
}

}  // namespace flowstitch
