// The one flag --durable of every program that writes.
#ifndef FLOWSTITCH_BASE_PROCESS_DURABLE_FLAG_H_
#define FLOWSTITCH_BASE_PROCESS_DURABLE_FLAG_H_

#include <CLI/CLI.hpp>

#include "base/durability.h"

namespace flowstitch {

void AddDurableFlag(CLI::App& app, Durability* durable);

// As the flag has it.
const char* DurabilityName(Durability durable);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_DURABLE_FLAG_H_
