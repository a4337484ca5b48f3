// --help: options in groups, wrapped to the terminal, with their defaults in one form.
#ifndef FLOWSTITCH_BASE_PROCESS_HELP_TEXT_H_
#define FLOWSTITCH_BASE_PROCESS_HELP_TEXT_H_

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/option_table.h"

namespace flowstitch {

// `names`: of options that the program has, with their dashes; those that it has not are passed
// over, for the same words can stand in several programs.
void GroupOptions(CLI::App& app, const char* group, std::initializer_list<const char*> names);

// An option as help and documents need it.
struct DescribedOption {
  std::vector<std::string> names;  // with their dashes; empty: positional
  std::string positional;
  std::string value;                 // what it takes; empty: a flag
  std::vector<std::string> choices;  // where it is one of these
  std::string text;                  // ends with the default in brackets, where there is one
  std::string group;
  bool repeats = false;
};
std::vector<DescribedOption> DescribeOptions(const CLI::App& app);

// "16M" for 16777216; what no unit divides stays as it is.
std::string SizeText(const std::string& digits);

// All of it, `width` columns wide.
std::string HelpText(const CLI::App& app, size_t width);
// Only the options of these names, and how to see the others.
std::string ShortHelpText(const CLI::App& app, const std::vector<std::string>& names, size_t width);
// Of the terminal that standard output is, else what COLUMNS says, else 100.
size_t HelpWidth();

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_HELP_TEXT_H_
