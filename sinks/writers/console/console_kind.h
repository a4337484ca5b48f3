// The console, and its options.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_KIND_H_

#include "sinks/streams/writer_kind.h"
#include "sinks/writers/console/console_writer.h"

namespace flowstitch {

class ConsoleWriterKind : public WriterKind {
 public:
  std::string option() const override { return "--console"; }
  bool wanted() const override { return on; }
  void AddOptions(OptionTable* table) override;
  bool needs_directory() const override { return false; }
  bool needs_one_worker() const override { return true; }
  bool needs_flow_frames() const override { return form.packet_order; }
  std::vector<std::string> OwnOutputs(const std::string& /*directory*/) const override {
    return {"-"};
  }
  void AddFiles(std::vector<std::string>* reads, std::vector<std::string>* writes) const override;
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

  bool on = false;
  ConsoleOptions form;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONSOLE_CONSOLE_KIND_H_
