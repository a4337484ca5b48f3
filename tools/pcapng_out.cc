#include "tools/pcapng_out.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kIfName = 2;
constexpr uint16_t kIfTsResol = 9;

template <typename T>
void Put(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));  // the section's own order
}

void Pad(std::string* out) { out->resize((out->size() + 3) / 4 * 4, '\0'); }

void PutOption(std::string* out, uint16_t code, std::string_view value) {
  Put(out, code);
  Put(out, static_cast<uint16_t>(value.size()));
  out->append(value);
  Pad(out);
}

}  // namespace

PcapngOut::~PcapngOut() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
}

absl::Status PcapngOut::Failed() const {
  return absl::UnavailableError(
      absl::StrFormat("cannot write '%s': %s", path_, std::strerror(errno)));
}

absl::Status PcapngOut::Open(const std::string& path) {
  path_ = path;
  file_ = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file_ == nullptr) return Failed();
  std::string body;
  Put(&body, uint32_t{0x1a2b3c4d});
  Put(&body, uint16_t{1});
  Put(&body, uint16_t{0});
  Put(&body, int64_t{-1});  // the section's length is not known
  Block(kSectionHeader, std::move(body));
  return Flush();
}

void PcapngOut::Block(uint32_t type, std::string body) {
  Pad(&body);
  const auto length = static_cast<uint32_t>(body.size() + 12);
  std::string block;
  Put(&block, type);
  Put(&block, length);
  block += body;
  Put(&block, length);
  std::fwrite(block.data(), 1, block.size(), file_);
}

uint32_t PcapngOut::InterfaceOf(const std::string& source, uint32_t link_type) {
  const auto [it, is_new] =
      interfaces_.try_emplace({source, link_type}, static_cast<uint32_t>(interfaces_.size()));
  if (!is_new) return it->second;
  std::string body;
  Put(&body, static_cast<uint16_t>(link_type));
  Put(&body, uint16_t{0});
  Put(&body, uint32_t{0});  // no limit of captured bytes
  PutOption(&body, kIfName, std::string_view(source).substr(0, 256));
  PutOption(&body, kIfTsResol, "\x09");
  Put(&body, uint32_t{0});
  Block(kInterfaceDescription, std::move(body));
  return it->second;
}

absl::Status PcapngOut::Write(const std::string& source, uint32_t link_type, TimeNs time_ns,
                              uint32_t wire_length, ByteView frame) {
  const uint32_t interface = InterfaceOf(source, link_type);
  const auto time = static_cast<uint64_t>(std::max<TimeNs>(time_ns, 0));
  std::string body;
  Put(&body, interface);
  Put(&body, static_cast<uint32_t>(time >> 32));
  Put(&body, static_cast<uint32_t>(time));
  Put(&body, static_cast<uint32_t>(frame.size()));
  Put(&body, wire_length);
  body.append(AsText(frame));
  Block(kEnhancedPacket, std::move(body));
  return std::ferror(file_) != 0 ? Failed() : absl::OkStatus();
}

absl::Status PcapngOut::Flush() {
  return std::fflush(file_) != 0 || std::ferror(file_) != 0 ? Failed() : absl::OkStatus();
}

}  // namespace flowstitch
