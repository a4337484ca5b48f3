#include "sinks/writers/captures/capture_kinds.h"

#include "sinks/writers/captures/flow_capture_writer.h"
#include "sinks/writers/captures/other_frames_writer.h"

namespace flowstitch {

void FlowCaptureWriterKind::AddOptions(OptionTable* table) {
  table->Add({option(), "",
              table->one_host()
                  ? "Write a capture file a stream, NAME.pcap, instead of flow files."
                  : "Write NAME.pcap: the frames of each stream. Needs --frames flows at the "
                    "reassembler.",
              FlagOption{&wanted_}});
}

std::unique_ptr<Writer> FlowCaptureWriterKind::Make(const WriterContext& context) {
  if (!wanted_) return nullptr;
  return std::make_unique<FlowCaptureWriter>(context.names, context.ledger);
}

void OtherFramesWriterKind::AddOptions(OptionTable* table) {
  table->Add({option(), "FILE",
              table->one_host() ? "Write the frames that became part of no flow to this capture "
                                  "file; '-' is standard output."
                                : "Write the frames that became part of no flow to this capture "
                                  "file. Needs --frames others at the reassembler.",
              TextOption{&path_}});
}

std::unique_ptr<Writer> OtherFramesWriterKind::Make(const WriterContext& context) {
  if (!wanted() || !context.first) return nullptr;
  return std::make_unique<OtherFramesWriter>(path_);
}

}  // namespace flowstitch
