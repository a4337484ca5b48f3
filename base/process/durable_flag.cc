#include "base/process/durable_flag.h"

#include <map>
#include <string>

namespace flowstitch {
namespace {

const std::map<std::string, Durability>& Names() {
  static const std::map<std::string, Durability> names = {{"off", Durability::kOff},
                                                          {"segment", Durability::kSegment},
                                                          {"commit", Durability::kCommit}};
  return names;
}

}  // namespace

void AddDurableFlag(CLI::App& app, Durability* durable) {
  app.add_option(
         "--durable", *durable,
         "What a machine that stops leaves: off, what its kernel had written; segment, every "
         "file that is complete; commit, all that was acknowledged. [off]")
      ->transform(CLI::CheckedTransformer(Names(), CLI::ignore_case))
      ->type_name("off|segment|commit");
}

const char* DurabilityName(Durability durable) {
  for (const auto& [name, value] : Names()) {
    if (value == durable) return name.c_str();
  }
  return "off";
}

}  // namespace flowstitch
