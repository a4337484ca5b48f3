#include "transport/memory_descriptors.h"

#include <climits>

namespace flowstitch {

void AddShareMemoryOption(OptionTable* table, MemoryDescriptors* memory) {
  table->Add({"--share-memory", "FD",
              "A descriptor of memory to put payload into instead of into messages, for a peer on "
              "this host that has it too (--read-memory); from the program that starts this one, "
              "as 'flowstitch --processes' does.",
              NumberOption{&memory->share, 0, INT_MAX, /*unset=*/-1}, kHostsGroup});
}

void AddReadMemoryOption(OptionTable* table, MemoryDescriptors* memory) {
  table->Add({"--read-memory", "FD",
              "A descriptor of the memory that the peer shares (its --share-memory).",
              NumberOption{&memory->read, 0, INT_MAX, /*unset=*/-1}, kHostsGroup});
}

}  // namespace flowstitch
