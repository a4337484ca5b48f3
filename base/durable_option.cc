#include "base/durable_option.h"

#include <string>
#include <vector>

namespace flowstitch {
namespace {

// By their places in the enumeration.
const std::vector<std::string>& Words() {
  static const std::vector<std::string> words = {"off", "segment", "commit"};
  return words;
}

Durability DurabilityOf(const std::string& word) {
  if (word == "segment") return Durability::kSegment;
  return word == "commit" ? Durability::kCommit : Durability::kOff;
}

}  // namespace

void AddDurableOption(OptionTable* table, Durability* durable, const char* group) {
  table->Add(
      {"--durable", "off|segment|commit",
       "What a machine that stops leaves: off, what its kernel had written; segment, every "
       "file that is complete; commit, all that was acknowledged. [off]",
       WordOption{Words(), [durable](const std::string& word) { *durable = DurabilityOf(word); },
                  [durable] { return Words()[static_cast<size_t>(*durable)]; }, "off"},
       group});
}

}  // namespace flowstitch
