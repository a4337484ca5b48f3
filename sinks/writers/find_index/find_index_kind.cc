#include "sinks/writers/find_index/find_index_kind.h"

#include "sinks/writers/find_index/find_index_writer.h"

namespace flowstitch {

void FindIndexWriterKind::AddOptions(OptionTable* table) {
  table->Add({"--find-index", "",
              "Write NAME.findx beside each flow file: offset, time and length of each piece.",
              FlagOption{&wanted_}});
}

std::unique_ptr<Writer> FindIndexWriterKind::Make(const WriterContext& context) {
  if (!wanted_) return nullptr;
  return std::make_unique<FindIndexWriter>(context.state, context.max_bytes);
}

}  // namespace flowstitch
