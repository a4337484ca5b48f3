// Capture files: pcap (draft-ietf-opsawg-pcap: microseconds and nanoseconds, both byte orders, and
// the variant with 24-byte records) and pcapng (draft-ietf-opsawg-pcapng: sections, interfaces of
// several link types and time resolutions). Damage ends the file with an error that names file and
// offset; the frames before it have been given out.
#ifndef FLOWSTITCH_CAPTURE_FILES_CAPTURE_FILE_H_
#define FLOWSTITCH_CAPTURE_FILES_CAPTURE_FILE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/frame.h"
#include "base/key_log_lines.h"
#include "capture/files/input_buffer.h"
#include "capture/files/pcapng_blocks.h"

namespace flowstitch {

class CaptureFile {
 public:
  // Reads the file's header; the error says what the file is not.
  static absl::StatusOr<std::unique_ptr<CaptureFile>> Open(const std::string& path);
  static absl::StatusOr<std::unique_ptr<CaptureFile>> FromInput(const std::string& name,
                                                                std::unique_ptr<InputBuffer> input);

  // The next frame; its bytes are valid until the next call, or as long as its block is kept. False
  // at the end: status() tells which.
  bool Next(Frame* frame);
  // The block that the last frame's bytes are in; see InputBuffer.
  const std::shared_ptr<uint8_t[]>& KeepBlock() { return input_->KeepBlock(); }
  // Secrets that a file may carry between two frames; what is more is passed over.
  static constexpr size_t kMaxTlsSecretsBytes = size_t{4} << 20;

  // Those that stood before the last frame, or before the end; to be cleared by who takes them.
  KeyLogLines& tls_secrets() { return tls_secrets_; }
  // OK after an orderly end.
  const absl::Status& status() const { return status_; }

  // How much of the file was read, for progress.
  uint64_t file_offset() const { return input_->file_offset(); }
  uint64_t file_bytes() const { return input_->file_bytes(); }

 private:
  enum class Format { kPcap, kPcapng };

  CaptureFile(std::string name, std::unique_ptr<InputBuffer> input)
      : name_(std::move(name)), input_(std::move(input)) {}

  absl::Status ReadHeader();
  absl::Status ReadPcapHeader();
  bool BeginJoined();
  bool NextPcap(Frame* frame);
  bool NextPcapng(Frame* frame);

  // The blocks of pcapng, one after the other. Each call is false at the end and after damage.
  struct PcapngBlock {
    uint32_t type = 0;
    uint32_t length = 0;  // with both of its lengths
  };
  bool PeekBlock(PcapngBlock* block);
  bool SkipBlock(const PcapngBlock& block);
  bool PeekBody(const PcapngBlock& block, ByteView* body);
  bool TakeInterface(const PcapngBlock& block);
  bool TakeSecrets(const PcapngBlock& block);
  bool TakeFrame(const PcapngBlock& block, Frame* frame);

  bool Damaged(std::string_view what);
  uint32_t Load32(const uint8_t* p) const { return swapped_ ? LoadBe32(p) : LoadLe32(p); }

  std::string name_;
  std::unique_ptr<InputBuffer> input_;
  Format format_ = Format::kPcap;
  bool swapped_ = false;    // the file is big-endian
  size_t taken_later_ = 0;  // of the record that was given out last
  absl::Status status_;

  // pcap
  uint32_t link_type_ = 0;
  int64_t fraction_ns_ = 1000;
  size_t record_header_bytes_ = 16;

  // pcapng
  std::vector<PcapngInterface> interfaces_;
  KeyLogLines tls_secrets_{kMaxTlsSecretsBytes};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILES_CAPTURE_FILE_H_
