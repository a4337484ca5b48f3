#include "capture/capture_file.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

constexpr uint32_t kPcapMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kPcapNanoseconds = 0xa1b23c4d;
constexpr uint32_t kPcapExtended = 0xa1b2cd34;  // Alexey Kuznetzov's: 24-byte record headers
constexpr size_t kPcapHeaderBytes = 24;
constexpr size_t kPcapngBlockOverhead = 12;

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
  const auto is_magic = [](uint32_t m) {
    return m == kPcapMicroseconds || m == kPcapNanoseconds || m == kPcapExtended;
  };
  const uint32_t little = header.size() >= 4 ? LoadLe32(header.data()) : 0;
  const uint32_t big = header.size() >= 4 ? LoadBe32(header.data()) : 0;
  if (!is_magic(little) && !is_magic(big)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "'%s' is not a capture file: it begins neither as pcap nor as pcapng", name_));
  }
  if (header.size() < kPcapHeaderBytes) {
    return absl::DataLossError(
        absl::StrFormat("'%s' is truncated: its header ends at offset %d of %d", name_,
                        header.size(), kPcapHeaderBytes));
  }
  swapped_ = is_magic(big);
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
  return format_ == Format::kPcap ? NextPcap(frame) : NextPcapng(frame);
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
  while (true) {
    ByteView head = input_->Peek(kPcapngBlockOverhead);
    if (head.empty()) {
      status_ = input_->status();
      return false;
    }
    if (head.size() < kPcapngBlockOverhead) return Damaged("the file ends inside a block's header");
    const bool section = LoadLe32(head.data()) == kPcapngSection;
    if (section) {
      const uint32_t order = LoadLe32(head.data() + 8);
      swapped_ = order != kPcapngByteOrder;
      if (swapped_ && LoadBe32(head.data() + 8) != kPcapngByteOrder) {
        return Damaged("a section's byte-order magic is wrong");
      }
      interfaces_.clear();
    }
    const uint32_t type = Load32(head.data());
    const uint32_t length = Load32(head.data() + 4);
    if (length < kPcapngBlockOverhead || length % 4 != 0) {
      return Damaged(absl::StrFormat("a block of %d bytes is impossible", length));
    }
    const bool frame_block = type == kPcapngEnhancedPacket || type == kPcapngSimplePacket ||
                             type == kPcapngObsoletePacket;
    if (type == kPcapngDecryptionSecrets && length <= InputBuffer::kMaxPeek) {
      const ByteView secrets = input_->Peek(length);
      if (secrets.size() < length) return Damaged("the file ends inside a block");
      const std::string_view text =
          ReadPcapngTlsSecrets(secrets.subspan(8, length - kPcapngBlockOverhead), {swapped_});
      if (!text.empty() && tls_secrets_bytes_ + text.size() <= kMaxTlsSecretsBytes) {
        tls_secrets_.emplace_back(text);
        tls_secrets_bytes_ += text.size();
      }
      input_->Take(length);
      continue;
    }
    if (!frame_block && type != kPcapngInterfaceBlock) {
      if (!input_->Skip(length)) return Damaged("the file ends inside a block");
      continue;
    }
    if (length > InputBuffer::kMaxPeek) {
      return Damaged(absl::StrFormat("a frame's block of %d bytes is impossible", length));
    }
    const ByteView block = input_->Peek(length);
    if (block.size() < length) return Damaged("the file ends inside a block");
    const ByteView body = block.subspan(8, length - kPcapngBlockOverhead);
    if (type == kPcapngInterfaceBlock) {
      const auto interface = ReadPcapngInterface(body, {swapped_});
      if (!interface) return Damaged("an interface description makes no sense");
      interfaces_.push_back(*interface);
      input_->Take(length);
      continue;
    }
    const auto found = ReadPcapngFrame(type, body, {swapped_}, interfaces_);
    if (!found) return Damaged("a packet block makes no sense");
    *frame = *found;
    if (frame->bytes.size() > kMaxFrameBytes) return Damaged("a frame is larger than is possible");
    frame->wire_length =
        std::max<uint32_t>(frame->wire_length, static_cast<uint32_t>(frame->bytes.size()));
    taken_later_ = length;
    return true;
  }
}

}  // namespace flowstitch
