// How outputs are kept on the disk: the one flag --durable of every program that writes.
#ifndef FLOWSTITCH_BASE_DURABILITY_H_
#define FLOWSTITCH_BASE_DURABILITY_H_

#include <CLI/CLI.hpp>

namespace flowstitch {

// When the disk is asked whether it has what was written. A killed process loses the same by each
// of them, a machine that stops:
enum class Durability {
  kOff,      // what the kernel had not written, some 30 s: also of files that are complete
  kSegment,  // nothing of a file that has its final name, or is told to be complete
  kCommit,   // nothing that a killed process would not lose: batches are acknowledged after it
};

void AddDurableFlag(CLI::App& app, Durability* durable);
// As the flag has it.
const char* DurabilityName(Durability durable);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DURABILITY_H_
