#include "transport/memory_descriptors.h"

#include <climits>

namespace flowstitch {

void AddShareMemoryFlag(CLI::App& app, MemoryDescriptors* memory) {
  app.add_option("--share-memory", memory->share,
                 "A descriptor of memory to put payload into instead of into messages, for a peer "
                 "on this host that has it too (--read-memory); from the program that starts this "
                 "one, as 'flowstitch --processes' does.")
      ->type_name("FD")
      ->check(CLI::Range(0, INT_MAX));
}

void AddReadMemoryFlag(CLI::App& app, MemoryDescriptors* memory) {
  app.add_option("--read-memory", memory->read,
                 "A descriptor of the memory that the peer shares (its --share-memory).")
      ->type_name("FD")
      ->check(CLI::Range(0, INT_MAX));
}

}  // namespace flowstitch
