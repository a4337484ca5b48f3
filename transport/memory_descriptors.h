// Memory that the program which starts a process shares between it and its neighbours, as
// descriptors passed on.
#ifndef FLOWSTITCH_TRANSPORT_MEMORY_DESCRIPTORS_H_
#define FLOWSTITCH_TRANSPORT_MEMORY_DESCRIPTORS_H_

#include "base/option_table.h"

namespace flowstitch {

// -1: none.
struct MemoryDescriptors {
  int share = -1;  // payload of this process' batches goes there
  int read = -1;   // payload of its peers' batches lies there
};

// --share-memory and --read-memory. Both are meant for programs that start this one:
// SharedMemory::Make.
void AddShareMemoryOption(OptionTable* table, MemoryDescriptors* memory);
void AddReadMemoryOption(OptionTable* table, MemoryDescriptors* memory);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_MEMORY_DESCRIPTORS_H_
