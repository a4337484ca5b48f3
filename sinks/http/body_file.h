// The file of one HTTP body: decoded as it comes, or as it came where it does not decode. Written
// beside its name; an incomplete one says so in its name.
#ifndef FLOWSTITCH_SINKS_HTTP_BODY_FILE_H_
#define FLOWSTITCH_SINKS_HTTP_BODY_FILE_H_

#include <memory>
#include <string>

#include "sinks/digests.h"
#include "sinks/http/content_coding.h"
#include "sinks/safe_file.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

class BodyFile {
 public:
  // `stem` is the path without extension, `extension` may be empty. Nothing is made before the
  // first byte.
  BodyFile(std::string stem, std::string extension, const DigestChoice& digests);

  // Content-Encoding's value; called before the first byte.
  void SetCoding(const std::string& content_encoding);
  // An error is one of the disk.
  absl::Status Add(ByteView bytes, uint64_t stream_offset, TimeNs time_ns);
  absl::Status AddGap(uint64_t length);
  // Gives the file its name, and the record of it; nothing when there was no byte.
  absl::Status Finish(bool complete, BodyRecord* record);

  bool empty() const { return !started_; }
  // The name of a complete body.
  std::string path() const;

 private:
  absl::Status Write(ByteView bytes);
  absl::Status KeepRaw(ByteView bytes);
  absl::Status FallBackToRaw(std::string why);

  const std::string stem_;
  const std::string extension_;
  const DigestChoice digest_choice_;
  std::unique_ptr<Digests> digests_;
  std::unique_ptr<ContentDecoder> decoder_;
  std::string note_;
  PartFile file_;
  std::string raw_;    // what came, while it is decoded and may turn out not to decode
  PartFile raw_file_;  // where it goes when it gets large
  bool started_ = false;
  bool gap_ = false;
  uint64_t leading_gap_ = 0;  // missing before the first byte
  uint64_t first_offset_ = 0;
  uint64_t end_offset_ = 0;
  TimeNs time_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_BODY_FILE_H_
