// --find-index.
#ifndef FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_KIND_H_

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

class FindIndexWriterKind : public WriterKind {
 public:
  std::string name() const override { return "findx"; }
  void Want(bool on) override { wanted_ = on; }
  bool wanted() const override { return wanted_; }
  void AddOptions(OptionTable* table) override;
  // Its files stand beside those of another writer.
  bool needs_directory() const override { return false; }
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

 private:
  bool wanted_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_KIND_H_
