#include "base/process/memory_flag.h"

#include "base/memory/memory_plan.h"

namespace flowstitch {

void AddMemoryFlag(CLI::App& app, uint64_t* bytes) {
  app.add_option("--memory", *bytes,
                 "What traffic may make the process hold: open flows, bytes behind holes, HTTP and "
                 "TLS parsers, decoders (also 256M, 2G). Limits that would take more are lowered. "
                 "[a quarter of the machine's, or of the control group's]")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(kLeastMemory, uint64_t{1} << 50))
      ->type_name("BYTES");
}

}  // namespace flowstitch
