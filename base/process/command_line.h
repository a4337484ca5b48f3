// What every program's command line has beside its own options: --help, --version, and the man page
// and shell completions, which are made of the options themselves, so that they are always true.
#ifndef FLOWSTITCH_BASE_PROCESS_COMMAND_LINE_H_
#define FLOWSTITCH_BASE_PROCESS_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace flowstitch {

// The flags -V and --generate-docs are added. `most_used`: what -h lists; empty: everything. A
// value is the exit status with which the program has to end now: something was printed, or the
// command line is wrong.
std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv,
                                    const std::vector<std::string>& most_used = {});

// A page for man(1), in roff.
std::string ManPage(const CLI::App& app);
// To be sourced by bash, and to lie in zsh's fpath.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_COMMAND_LINE_H_
