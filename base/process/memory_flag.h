// The flag --memory, the same in all programs that have it.
#ifndef FLOWSTITCH_BASE_PROCESS_MEMORY_FLAG_H_
#define FLOWSTITCH_BASE_PROCESS_MEMORY_FLAG_H_

#include <CLI/CLI.hpp>
#include <cstdint>

namespace flowstitch {

// `bytes` stays 0 where the flag is not given: then DefaultMemory() is meant.
void AddMemoryFlag(CLI::App& app, uint64_t* bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_MEMORY_FLAG_H_
