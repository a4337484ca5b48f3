// What every fuzz target gives.
#ifndef FLOWSTITCH_TESTS_FUZZ_FUZZ_H_
#define FLOWSTITCH_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace flowstitch::testing {

// Inputs to begin with, built and not copied from anywhere.
std::vector<std::string> FuzzSeeds();

// Ends the process when something that must always hold does not.
inline void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_FUZZ_FUZZ_H_
