#include "base/process/option_flags.h"

#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace flowstitch {
namespace {

// "--read" of "-r,--read".
std::string LongName(const OptionRow& row) { return row.name.substr(row.name.rfind(',') + 1); }

// Adds one row, by all of its names.
struct Adder {
  CLI::App& app;
  const OptionRow& row;
  std::string names;

  CLI::Option* operator()(const FlagOption& flag) const {
    if (flag.sets) return app.add_flag(names, *flag.value, row.help);
    // CLI11's way to say that a flag sets false.
    return app.add_flag(absl::StrReplaceAll(names, {{",", "{false},"}}) + "{false}", *flag.value,
                        row.help);
  }
  CLI::Option* operator()(const TextOption& text) const {
    CLI::Option* const option = app.add_option(names, *text.value, row.help);
    if (text.shows_default) option->capture_default_str();
    return text.check ? option->check(text.check) : option;
  }
  CLI::Option* operator()(const TextsOption& texts) const {
    CLI::Option* const option = app.add_option(names, *texts.value, row.help);
    option->allow_extra_args(false);
    if (texts.delimiter != 0) option->delimiter(texts.delimiter);
    return texts.check ? option->check(texts.check) : option;
  }
  CLI::Option* operator()(const NumberOption& number) const {
    return std::visit(
        [&](auto* value) {
          CLI::Option* const option =
              app.add_option(names, *value, row.help)->check(CLI::Range(number.least, number.most));
          return number.unset ? option : option->capture_default_str();
        },
        number.value);
  }
  CLI::Option* operator()(const SizeOption& size) const {
    return std::visit(
        [&](auto* value) {
          CLI::Option* const option = app.add_option(names, *value, row.help)
                                          ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
                                          ->check(CLI::Range(size.least, size.most));
          const bool shows = size.shows_default && !size.unset;
          return shows ? option->capture_default_str() : option;
        },
        size.value);
  }
  CLI::Option* operator()(const DurationOption& duration) const {
    return app
        .add_option_function<int64_t>(
            names, [duration](const int64_t& units) { *duration.ns = units * duration.unit_ns; },
            absl::StrCat(row.help, " [", *duration.ns / duration.unit_ns, "]"))
        ->check(CLI::Range(duration.least, duration.most));
  }
  CLI::Option* operator()(const WordOption& word) const {
    return app.add_option_function<std::string>(names, word.set, row.help)
        ->transform(CLI::IsMember(word.words, CLI::ignore_case));
  }
  CLI::Option* operator()(const ParsedOption& parsed) const {
    const auto take = [set = parsed.set, name = LongName(row)](const std::string& text) {
      const std::string error = set(text);
      if (!error.empty()) throw CLI::ValidationError(name, error);
    };
    return app.add_option_function<std::string>(names, take, row.help);
  }
};

// What of a row's value has to be said: nothing, or once, or several times.
struct Teller {
  std::vector<std::string> operator()(const FlagOption& flag) const {
    return Unless(*flag.value != flag.sets, "");
  }
  std::vector<std::string> operator()(const TextOption& text) const {
    return Unless(text.value->empty(), *text.value);
  }
  std::vector<std::string> operator()(const TextsOption& texts) const { return *texts.value; }
  std::vector<std::string> operator()(const NumberOption& number) const {
    return std::visit(
        [&](const auto* value) {
          const bool unset = number.unset && static_cast<int64_t>(*value) == *number.unset;
          return Unless(unset, absl::StrCat(*value));
        },
        number.value);
  }
  std::vector<std::string> operator()(const SizeOption& size) const {
    return std::visit(
        [&](const auto* value) {
          const bool unset = size.unset && static_cast<uint64_t>(*value) == *size.unset;
          return Unless(unset, absl::StrCat(*value));
        },
        size.value);
  }
  std::vector<std::string> operator()(const DurationOption& duration) const {
    return {absl::StrCat(*duration.ns / duration.unit_ns)};
  }
  std::vector<std::string> operator()(const WordOption& word) const {
    return Unless(word.word() == word.default_word, word.word());
  }
  std::vector<std::string> operator()(const ParsedOption& parsed) const {
    return Unless(parsed.text().empty(), parsed.text());
  }
  static std::vector<std::string> Unless(bool unsaid, std::string text) {
    if (unsaid) return {};
    return {std::move(text)};
  }
};

}  // namespace

bool ParseBytes(const std::string& text, int64_t* bytes) {
  if (absl::SimpleAtoi(text, bytes)) return *bytes >= -1;
  std::string digits = text;
  try {
    return CLI::AsSizeValue(/*kb_is_1000=*/false)(digits).empty() &&
           absl::SimpleAtoi(digits, bytes);
  } catch (const CLI::ValidationError&) {  // larger than is possible
    return false;
  }
}

void AddOptions(CLI::App& app, const OptionTable& table,
                const std::map<std::string, std::string>& letters) {
  for (const OptionRow& row : table.rows()) {
    if (table.one_host() && row.of_stage_only) continue;
    const auto letter = letters.find(row.name);
    const std::string names =
        letter == letters.end() ? row.name : absl::StrCat(letter->second, ",", row.name);
    CLI::Option* const option = std::visit(Adder{app, row, names}, row.place);
    if (!row.value_name.empty()) option->type_name(row.value_name);
    if (row.group != nullptr) option->group(row.group);
  }
}

std::vector<std::string> OptionArguments(const OptionTable& table) {
  std::vector<std::string> arguments;
  for (const OptionRow& row : table.rows()) {
    for (const std::string& text : std::visit(Teller(), row.place)) {
      arguments.push_back(LongName(row));
      if (!row.value_name.empty()) arguments.push_back(text);
    }
  }
  return arguments;
}

}  // namespace flowstitch
