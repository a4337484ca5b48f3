// The option --memory, the same in all programs that have it.
#ifndef FLOWSTITCH_BASE_MEMORY_MEMORY_OPTION_H_
#define FLOWSTITCH_BASE_MEMORY_MEMORY_OPTION_H_

#include <cstdint>

#include "base/option_table.h"

namespace flowstitch {

// `bytes` stays 0 where the option is not given: then DefaultMemory() is meant.
void AddMemoryOption(OptionTable* table, uint64_t* bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_MEMORY_MEMORY_OPTION_H_
