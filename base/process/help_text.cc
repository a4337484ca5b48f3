#include "base/process/help_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

constexpr size_t kNamesColumns = 28;
constexpr char kOtherGroup[] = "Other";
constexpr const char* kGroups[] = {kInputGroup,   kSelectionGroup, kOutputGroup, kHttpGroup,
                                   kConsoleGroup, kHostsGroup,     kLimitsGroup, kOtherGroup};

// CLI11 puts the checks' descriptions behind the type: "ORDER:{stream,packet}", and for what words
// mean "FORM:value in {array->0,hex->1} OR {0,1}".
void ReadType(const std::string& type, DescribedOption* out) {
  out->value = type.substr(0, type.find_first_of(":["));
  const size_t open = type.find('{');
  const size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return;
  out->choices = absl::StrSplit(type.substr(open + 1, close - open - 1), ',');
  for (std::string& choice : out->choices) choice = choice.substr(0, choice.find("->"));
}

// The text in lines of this width, all but the first indented.
std::string Wrapped(const std::string& text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > indent && column + 1 + word.size() > width) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    absl::StrAppend(&out, word);
    column += word.size();
  }
  return out;
}

std::string NamesOf(const DescribedOption& option) {
  const std::string names =
      option.names.empty() ? option.positional : absl::StrJoin(option.names, ", ");
  const std::string value =
      option.choices.empty() ? option.value : absl::StrJoin(option.choices, "|");
  return absl::StrCat(names, value.empty() || option.names.empty() ? "" : " ",
                      option.names.empty() ? "" : value);
}

std::string Entry(const DescribedOption& option, size_t width) {
  std::string out = "  " + NamesOf(option);
  out += out.size() + 2 > kNamesColumns ? "\n" + std::string(kNamesColumns, ' ')
                                        : std::string(kNamesColumns - out.size(), ' ');
  return absl::StrCat(out, Wrapped(option.text, kNamesColumns, width), "\n");
}

bool IsOneOf(const DescribedOption& option, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&option](const std::string& name) {
    return name == option.positional ||
           std::find(option.names.begin(), option.names.end(), name) != option.names.end();
  });
}

std::string Opening(const CLI::App& app, const std::vector<DescribedOption>& options,
                    size_t width) {
  std::string out;
  for (const absl::string_view line : absl::StrSplit(app.get_description(), '\n')) {
    absl::StrAppend(&out, Wrapped(std::string(line), 0, width), "\n");
  }
  absl::StrAppend(&out, "Usage: ", app.get_name(), " [OPTIONS]");
  for (const DescribedOption& option : options) {
    if (option.names.empty()) absl::StrAppend(&out, " [", option.positional, " ...]");
  }
  return out + "\n";
}

}  // namespace

void GroupOptions(CLI::App& app, const char* group, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (CLI::Option* const option = app.get_option_no_throw(name)) option->group(group);
  }
}

std::string SizeText(const std::string& digits) {
  constexpr char kUnits[] = {'k', 'M', 'G', 'T'};
  uint64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number == 0) return digits;
  size_t units = 0;
  while (units < std::size(kUnits) && number % 1024 == 0) {
    number /= 1024;
    ++units;
  }
  return units == 0 ? digits : absl::StrCat(number, std::string(1, kUnits[units - 1]));
}

std::vector<DescribedOption> DescribeOptions(const CLI::App& app) {
  std::vector<DescribedOption> all;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    DescribedOption one;
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    one.positional = one.names.empty() ? option->get_name() : "";
    if (option->get_items_expected_max() > 0) ReadType(option->get_type_name(), &one);
    one.text = option->get_description();
    one.group = option->get_group();
    if (std::find(std::begin(kGroups), std::end(kGroups), one.group) == std::end(kGroups)) {
      one.group = kOtherGroup;
    }
    std::string value = option->get_default_str();
    if (one.value == "BYTES") value = SizeText(value);
    if (!value.empty() && one.text.find(" [") == std::string::npos) {
      absl::StrAppend(&one.text, " [", value, "]");
    }
    one.repeats = one.text.find("Repeatable") != std::string::npos;
    all.push_back(std::move(one));
  }
  return all;
}

std::string HelpText(const CLI::App& app, size_t width) {
  const std::vector<DescribedOption> options = DescribeOptions(app);
  std::string out = Opening(app, options, width);
  for (const DescribedOption& option : options) {
    if (option.names.empty()) absl::StrAppend(&out, Entry(option, width));
  }
  const bool grouped = std::any_of(options.begin(), options.end(), [](const DescribedOption& o) {
    return !o.names.empty() && o.group != kOtherGroup;
  });
  for (const char* group : kGroups) {
    std::string entries;
    for (const DescribedOption& option : options) {
      if (!option.names.empty() && option.group == group) entries += Entry(option, width);
    }
    if (entries.empty()) continue;
    absl::StrAppend(&out, "\n", grouped ? group : "Options", ":\n", entries);
  }
  if (!app.get_footer().empty()) absl::StrAppend(&out, "\n", app.get_footer());
  return out;
}

std::string ShortHelpText(const CLI::App& app, const std::vector<std::string>& names,
                          size_t width) {
  if (names.empty()) return HelpText(app, width);
  const std::vector<DescribedOption> options = DescribeOptions(app);
  std::string out = Opening(app, options, width);
  for (const bool positional : {true, false}) {
    for (const DescribedOption& option : options) {
      if (option.names.empty() == positional && IsOneOf(option, names)) out += Entry(option, width);
    }
    out += positional ? "\n" : "";
  }
  return absl::StrCat(out, "\n", app.get_name(), " -hh lists all options.\n");
}

size_t HelpWidth() {
  constexpr size_t kLeast = 60;
  constexpr size_t kMost = 140;
  constexpr size_t kElsewhere = 100;
  winsize size = {};
  size_t columns = 0;
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  const char* const named = std::getenv("COLUMNS");
  if (columns == 0 && (named == nullptr || !absl::SimpleAtoi(named, &columns)))
    columns = kElsewhere;
  return std::clamp(columns, kLeast, kMost);
}

}  // namespace flowstitch
