// The frames that became part of no flow (tcpflow's -w), in a capture file.
#ifndef FLOWSTITCH_SINKS_WRITERS_CAPTURES_OTHER_FRAMES_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_CAPTURES_OTHER_FRAMES_WRITER_H_

#include <map>

#include "absl/status/status.h"
#include "base/direction.h"
#include "sinks/streams/safe_file.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

class OtherFramesWriter : public Writer {
 public:
  explicit OtherFramesWriter(std::string path) : path_(std::move(path)) {}

  void OnBytes(SinkFlow& /*flow*/, Direction /*direction*/, uint64_t /*offset*/, ByteView /*bytes*/,
               TimeNs /*time_ns*/, BatchHold* /*hold*/) override {}
  void OnFrame(SinkFlow* flow, const FrameRecord& frame) override;
  bool buffers() const override { return true; }
  void Flush() override;
  // Gives the files their names; without a frame there is an empty capture file.
  void Finish() override;

  absl::Status status() const override { return status_; }

 private:
  struct One {
    PartFile file;
    std::string path;
    std::string buffer;
  };
  void Append(One* one, std::string_view bytes);
  One* FileFor(uint32_t link_type);

  const std::string path_;
  std::map<uint32_t, One> files_;  // by link type
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CAPTURES_OTHER_FRAMES_WRITER_H_
