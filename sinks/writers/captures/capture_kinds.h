// --flow-captures and --other-frames.
#ifndef FLOWSTITCH_SINKS_WRITERS_CAPTURES_CAPTURE_KINDS_H_
#define FLOWSTITCH_SINKS_WRITERS_CAPTURES_CAPTURE_KINDS_H_

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

class FlowCaptureWriterKind : public WriterKind {
 public:
  std::string name() const override { return "pcap"; }
  std::string option() const override { return "--flow-captures"; }
  void Want(bool on) override { wanted_ = on; }
  bool wanted() const override { return wanted_; }
  bool replaces_flow_files() const override { return true; }
  void AddOptions(OptionTable* table) override;
  bool needs_flow_frames() const override { return true; }
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

 private:
  bool wanted_ = false;
};

class OtherFramesWriterKind : public WriterKind {
 public:
  std::string option() const override { return "--other-frames"; }
  bool wanted() const override { return !path_.empty(); }
  void AddOptions(OptionTable* table) override;
  bool needs_directory() const override { return false; }
  bool needs_other_frames() const override { return true; }
  std::vector<std::string> OwnOutputs(const std::string& /*directory*/) const override {
    return {path_};
  }
  // The first worker's writes the frames of all.
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

 private:
  std::string path_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CAPTURES_CAPTURE_KINDS_H_
