// All kinds of writers.
#ifndef FLOWSTITCH_SINKS_WRITER_LIST_H_
#define FLOWSTITCH_SINKS_WRITER_LIST_H_

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

// The kinds, with the options that they hold; copies share them.
class WriterList {
 public:
  // All that there are. Their writers run in this order, behind the one of flow files.
  WriterList();
  // One more, behind these.
  void Add(std::shared_ptr<WriterKind> kind) { kinds_.push_back(std::move(kind)); }

  auto begin() const { return kinds_.begin(); }
  auto end() const { return kinds_.end(); }
  // Null: there is none of that name.
  WriterKind* Named(std::string_view name) const;
  template <typename Kind>
  Kind& Get() const {
    for (const auto& kind : kinds_) {
      if (auto* found = dynamic_cast<Kind*>(kind.get())) return *found;
    }
    std::abort();  // each is in the list
  }
  // Whether one that is wanted has the property.
  bool AnyWanted(bool (WriterKind::*property)() const) const;
  OptionTable Options(bool one_host) const;

 private:
  std::vector<std::shared_ptr<WriterKind>> kinds_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITER_LIST_H_
