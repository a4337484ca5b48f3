// Options of a table as flags of a program, and as arguments of a child.
#ifndef FLOWSTITCH_BASE_PROCESS_OPTION_FLAGS_H_
#define FLOWSTITCH_BASE_PROCESS_OPTION_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/option_table.h"

namespace flowstitch {

// `letters`: further names of options, by their names: {"--find-index", "-I"}.
void AddOptions(CLI::App& app, const OptionTable& table,
                const std::map<std::string, std::string>& letters = {});

// What a program has to be given so that its options of that table are as these.
std::vector<std::string> OptionArguments(const OptionTable& table);

// A number of bytes: digits, and k, M, G or T (of 1024 each) behind them; "-1" where it may be.
bool ParseBytes(const std::string& text, int64_t* bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_OPTION_FLAGS_H_
