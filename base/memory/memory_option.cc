#include "base/memory/memory_option.h"

#include "base/memory/memory_plan.h"

namespace flowstitch {

void AddMemoryOption(OptionTable* table, uint64_t* bytes) {
  table->Add({"--memory", "BYTES",
              "What traffic may make the process hold: open flows, bytes behind holes, HTTP and "
              "TLS parsers, decoders (also 256M, 2G). Limits that would take more are lowered. [a "
              "quarter of the machine's, or of the control group's]",
              SizeOption{bytes, kLeastMemory, uint64_t{1} << 50, /*unset=*/0}, kLimitsGroup});
}

}  // namespace flowstitch
