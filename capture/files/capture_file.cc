#include "capture/files/capture_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

constexpr uint32_t kPcapMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kPcapNanoseconds = 0xa1b23c4d;
constexpr uint32_t kPcapExtended = 0xa1b2cd34;  // Alexey Kuznetzov's: 24-byte record headers
constexpr size_t kPcapHeaderBytes = 24;
constexpr size_t kPcapngBlockOverhead = 12;
constexpr uint16_t kPcapMajorVersion = 2;
constexpr int32_t kMostZoneSeconds = 24 * 3600;

bool IsPcapMagic(uint32_t magic) {
  return magic == kPcapMicroseconds || magic == kPcapNanoseconds || magic == kPcapExtended;
}

// Whether a whole header of another pcap begins there, where a record is due: as a record it would
// be one of no bytes, of the year 2055.
bool IsPcapHeader(ByteView bytes) {
  if (bytes.size() < kPcapHeaderBytes) return false;
  const bool little = IsPcapMagic(LoadLe32(bytes.data()));
  if (!little && !IsPcapMagic(LoadBe32(bytes.data()))) return false;
  const auto load16 = [&](size_t at) {
    return little ? LoadLe16(bytes.data() + at) : LoadBe16(bytes.data() + at);
  };
  const auto load32 = [&](size_t at) {
    return little ? LoadLe32(bytes.data() + at) : LoadBe32(bytes.data() + at);
  };
  const auto zone = static_cast<int32_t>(load32(8));
  return load16(4) == kPcapMajorVersion && load32(12) == 0 && load32(16) != 0 &&
         zone >= -kMostZoneSeconds && zone <= kMostZoneSeconds;
}

bool IsPcapngSection(ByteView bytes) {
  if (bytes.size() < kPcapngBlockOverhead || LoadLe32(bytes.data()) != kPcapngSection) return false;
  const uint32_t order = LoadLe32(bytes.data() + 8);
  return order == kPcapngByteOrder || LoadBe32(bytes.data() + 8) == kPcapngByteOrder;
}

// Captures of other programs, by how they begin.
constexpr std::pair<std::string_view, const char*> kForeignFormats[] = {
    {std::string_view("snoop\0\0\0", 8), "snoop (RFC 1761)"},
    {"RTSS", "Microsoft Network Monitor 1"},
    {"GMBU", "Microsoft Network Monitor 2"},
    {"TRSNIFF data", "DOS Sniffer"},
    {std::string_view("XCP\0", 4), "NetXRay"},
    {"iptrace 1.0", "AIX iptrace 1"},
    {"iptrace 2.0", "AIX iptrace 2"},
    {std::string_view("\x05VNF", 4), "Visual Networks"},
    {"\x7fver", "EtherPeek"},
    {std::string_view("\0\0\x02\0\x12\x05\0\x10", 8), "Tektronix K12"},
};

// "; it is a capture of …, which … converts", where that can be told.
std::string Foreign(const std::string& name, ByteView start) {
  const std::string_view text = AsText(start);
  for (const auto& [magic, program] : kForeignFormats) {
    if (text.substr(0, magic.size()) != magic) continue;
    return absl::StrFormat(
        "; it is one of %s: convert it with 'editcap %s %s.pcapng', which comes with Wireshark",
        program, name, name);
  }
  const bool erf = name.size() > 4 && name.compare(name.size() - 4, 4, ".erf") == 0;
  return erf ? absl::StrFormat(
                   "; ERF records are converted with 'editcap %s %s.pcapng', which "
                   "comes with Wireshark",
                   name, name)
             : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureFile>> CaptureFile::Open(const std::string& path) {
  auto input = InputBuffer::Open(path);
  if (!input.ok()) return input.status();
  return FromInput(path, *std::move(input));
}

absl::StatusOr<std::unique_ptr<CaptureFile>> CaptureFile::FromInput(
    const std::string& name, std::unique_ptr<InputBuffer> input) {
  auto file = std::unique_ptr<CaptureFile>(new CaptureFile(name, std::move(input)));
  const absl::Status status = file->ReadHeader();
  if (!status.ok()) return status;
  return file;
}

absl::Status CaptureFile::ReadHeader() {
  const ByteView start = input_->Peek(kPcapHeaderBytes);
  if (!input_->status().ok()) return input_->status();
  if (start.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("'%s' is empty: not a capture file", name_));
  }
  if (start.size() >= 4 && LoadLe32(start.data()) == kPcapngSection) {
    format_ = Format::kPcapng;
    return absl::OkStatus();
  }
  return ReadPcapHeader();
}

absl::Status CaptureFile::ReadPcapHeader() {
  const ByteView header = input_->Peek(kPcapHeaderBytes);
  const uint32_t little = header.size() >= 4 ? LoadLe32(header.data()) : 0;
  const uint32_t big = header.size() >= 4 ? LoadBe32(header.data()) : 0;
  if (!IsPcapMagic(little) && !IsPcapMagic(big)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is not a capture file: it begins neither as pcap nor as pcapng%s",
                        name_, Foreign(name_, header)));
  }
  if (header.size() < kPcapHeaderBytes) {
    return absl::DataLossError(
        absl::StrFormat("'%s' is truncated: its header ends at offset %d of %d", name_,
                        header.size(), kPcapHeaderBytes));
  }
  swapped_ = IsPcapMagic(big);
  const uint32_t magic = swapped_ ? big : little;
  fraction_ns_ = magic == kPcapNanoseconds ? 1 : 1000;
  record_header_bytes_ = magic == kPcapExtended ? 24 : 16;
  // The upper half holds the FCS length, which the datagram's own length makes superfluous.
  link_type_ = Load32(header.data() + 20) & 0xffff;
  input_->Take(kPcapHeaderBytes);
  return absl::OkStatus();
}

bool CaptureFile::Damaged(std::string_view what) {
  if (!input_->status().ok()) {
    status_ = input_->status();
  } else {
    status_ = absl::DataLossError(
        absl::StrFormat("'%s' is damaged at offset %d: %s; all frames before it are used", name_,
                        input_->offset(), std::string(what)));
  }
  return false;
}

bool CaptureFile::Next(Frame* frame) {
  if (!status_.ok()) return false;
  input_->Take(taken_later_);
  taken_later_ = 0;
  if (!BeginJoined()) return false;
  return format_ == Format::kPcap ? NextPcap(frame) : NextPcapng(frame);
}

// Captures that were joined end to end: another one begins where a record, or a block, is due.
bool CaptureFile::BeginJoined() {
  while (true) {
    const ByteView start = input_->Peek(4);
    if (start.size() < 4) return true;
    const uint32_t little = LoadLe32(start.data());
    if (format_ == Format::kPcap && little == kPcapngSection &&
        IsPcapngSection(input_->Peek(kPcapngBlockOverhead))) {
      format_ = Format::kPcapng;
      return true;
    }
    if (!IsPcapMagic(little) && !IsPcapMagic(LoadBe32(start.data()))) return true;
    if (!IsPcapHeader(input_->Peek(kPcapHeaderBytes))) return true;
    format_ = Format::kPcap;
    status_ = ReadPcapHeader();
    if (!status_.ok()) return false;
  }
}

bool CaptureFile::NextPcap(Frame* frame) {
  ByteView record = input_->Peek(record_header_bytes_);
  if (record.empty()) {
    status_ = input_->status();
    return false;
  }
  if (record.size() < record_header_bytes_)
    return Damaged("the file ends inside a record's header");
  const uint32_t captured = Load32(record.data() + 8);
  if (captured > kMaxFrameBytes) {
    return Damaged(absl::StrFormat("a frame of %d bytes is impossible", captured));
  }
  frame->time_ns = MakeTimeNs(Load32(record.data()), Load32(record.data() + 4) * fraction_ns_);
  frame->wire_length = std::max(Load32(record.data() + 12), captured);
  frame->link_type = link_type_;
  record = input_->Peek(record_header_bytes_ + captured);
  if (record.size() < record_header_bytes_ + captured)
    return Damaged("the file ends inside a frame");
  frame->bytes = record.subspan(record_header_bytes_);
  taken_later_ = record.size();
  return true;
}

bool CaptureFile::NextPcapng(Frame* frame) {
  PcapngBlock block;
  while (PeekBlock(&block)) {
    switch (block.type) {
      case kPcapngEnhancedPacket:
      case kPcapngSimplePacket:
      case kPcapngObsoletePacket:
        return TakeFrame(block, frame);
      case kPcapngInterfaceBlock:
        if (!TakeInterface(block)) return false;
        break;
      case kPcapngDecryptionSecrets:
        if (!TakeSecrets(block)) return false;
        break;
      default:
        if (!SkipBlock(block)) return false;
    }
  }
  return false;
}

// The head of the next block; one that begins a section says how the others' numbers are written.
bool CaptureFile::PeekBlock(PcapngBlock* block) {
  const ByteView head = input_->Peek(kPcapngBlockOverhead);
  if (head.empty()) {
    status_ = input_->status();
    return false;
  }
  if (head.size() < kPcapngBlockOverhead) return Damaged("the file ends inside a block's header");
  if (LoadLe32(head.data()) == kPcapngSection) {
    swapped_ = LoadLe32(head.data() + 8) != kPcapngByteOrder;
    if (swapped_ && LoadBe32(head.data() + 8) != kPcapngByteOrder) {
      return Damaged("a section's byte-order magic is wrong");
    }
    interfaces_.clear();
  }
  *block = {Load32(head.data()), Load32(head.data() + 4)};
  if (block->length < kPcapngBlockOverhead || block->length % 4 != 0) {
    return Damaged(absl::StrFormat("a block of %d bytes is impossible", block->length));
  }
  return true;
}

bool CaptureFile::SkipBlock(const PcapngBlock& block) {
  return input_->Skip(block.length) || Damaged("the file ends inside a block");
}

// What a block says, without its head and its end; not yet taken from the input.
bool CaptureFile::PeekBody(const PcapngBlock& block, ByteView* body) {
  if (block.length > InputBuffer::kMaxPeek) {
    return Damaged(absl::StrFormat("a frame's block of %d bytes is impossible", block.length));
  }
  const ByteView bytes = input_->Peek(block.length);
  if (bytes.size() < block.length) return Damaged("the file ends inside a block");
  *body = bytes.subspan(8, block.length - kPcapngBlockOverhead);
  return true;
}

bool CaptureFile::TakeInterface(const PcapngBlock& block) {
  ByteView body;
  if (!PeekBody(block, &body)) return false;
  const auto interface = ReadPcapngInterface(body, {swapped_});
  if (!interface) return Damaged("an interface description makes no sense");
  interfaces_.push_back(*interface);
  input_->Take(block.length);
  return true;
}

bool CaptureFile::TakeSecrets(const PcapngBlock& block) {
  if (block.length > InputBuffer::kMaxPeek) return SkipBlock(block);
  ByteView body;
  if (!PeekBody(block, &body)) return false;
  tls_secrets_.Add(ReadPcapngTlsSecrets(body, {swapped_}));
  input_->Take(block.length);
  return true;
}

// The block is taken with the next one: the frame's bytes stay valid until then.
bool CaptureFile::TakeFrame(const PcapngBlock& block, Frame* frame) {
  ByteView body;
  if (!PeekBody(block, &body)) return false;
  const auto found = ReadPcapngFrame(block.type, body, {swapped_}, interfaces_);
  if (!found) return Damaged("a packet block makes no sense");
  *frame = *found;
  if (frame->bytes.size() > kMaxFrameBytes) return Damaged("a frame is larger than is possible");
  frame->wire_length =
      std::max<uint32_t>(frame->wire_length, static_cast<uint32_t>(frame->bytes.size()));
  taken_later_ = block.length;
  return true;
}

}  // namespace flowstitch
