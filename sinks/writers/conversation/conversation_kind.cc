#include "sinks/writers/conversation/conversation_kind.h"

#include "sinks/writers/conversation/conversation_writer.h"

namespace flowstitch {

void ConversationWriterKind::AddOptions(OptionTable* table) {
  table->Add({option(), "",
              table->one_host() ? "Write both directions of a flow into one file, "
                                  "NAME-CONVERSATION, instead of two."
                                : "Write NAME-CONVERSATION: both directions of a flow, as their "
                                  "bytes came.",
              FlagOption{&wanted_}});
}

std::unique_ptr<Writer> ConversationWriterKind::Make(const WriterContext& context) {
  if (!wanted_) return nullptr;
  return std::make_unique<ConversationWriter>(context.state, context.digests, context.max_bytes,
                                              context.names, context.records, context.ledger);
}

}  // namespace flowstitch
