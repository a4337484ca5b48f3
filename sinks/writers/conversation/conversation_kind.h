// --conversation.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_KIND_H_

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

class ConversationWriterKind : public WriterKind {
 public:
  std::string name() const override { return "conversation"; }
  std::string option() const override { return "--conversation"; }
  void Want(bool on) override { wanted_ = on; }
  bool wanted() const override { return wanted_; }
  bool replaces_flow_files() const override { return true; }
  void AddOptions(OptionTable* table) override;
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

 private:
  bool wanted_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_KIND_H_
