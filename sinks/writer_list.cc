#include "sinks/writer_list.h"

#include <algorithm>

#include "sinks/writers/captures/capture_kinds.h"
#include "sinks/writers/console/console_kind.h"
#include "sinks/writers/content/content_kind.h"
#include "sinks/writers/conversation/conversation_kind.h"
#include "sinks/writers/find_index/find_index_kind.h"
#include "sinks/writers/netviz/netviz_kind.h"
#include "sinks/writers/tls/tls_watcher_kind.h"

namespace flowstitch {
namespace {

template <typename... Kinds>
std::vector<std::shared_ptr<WriterKind>> MakeKinds() {
  return {std::make_shared<Kinds>()...};
}

}  // namespace

WriterList::WriterList()
    : kinds_(MakeKinds<FindIndexWriterKind,     //
                       FlowCaptureWriterKind,   //
                       OtherFramesWriterKind,   //
                       ConversationWriterKind,  //
                       TlsWriterKind,           //
                       ContentWriterKind,       //
                       ConsoleWriterKind,       //
                       NetvizWriterKind>()) {}

WriterKind* WriterList::Named(std::string_view name) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [name](const auto& kind) {
    return !name.empty() && kind->name() == name;
  });
  return found == kinds_.end() ? nullptr : found->get();
}

bool WriterList::AnyWanted(bool (WriterKind::*property)() const) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [property](const auto& kind) {
    return kind->wanted() && (kind.get()->*property)();
  });
}

OptionTable WriterList::Options(bool one_host) const {
  OptionTable table(one_host);
  for (const auto& kind : kinds_) kind->AddOptions(&table);
  return table;
}

}  // namespace flowstitch
