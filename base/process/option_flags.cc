#include "base/process/option_flags.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/process/help_text.h"

namespace flowstitch {
namespace {

// Adds one row, by all of its names.
struct Adder {
  CLI::App& app;
  const OptionRow& row;
  std::string names;

  void operator()(const FlagOption& flag) const {
    // CLI11's way to say that a flag sets false.
    std::string with_value = names;
    if (!flag.sets) with_value = absl::StrCat(names, "{false}");
    if (const size_t comma = names.find(','); !flag.sets && comma != names.npos) {
      with_value = absl::StrCat(names.substr(0, comma), "{false}", names.substr(comma), "{false}");
    }
    app.add_flag(with_value, *flag.value, row.help);
  }
  void operator()(const TextOption& text) const {
    app.add_option(names, *text.value, row.help)->type_name(row.value_name);
  }
  void operator()(const NumberOption& number) const {
    std::visit(
        [&](auto* value) {
          app.add_option(names, *value, row.help)
              ->type_name(row.value_name)
              ->check(CLI::Range(number.least, number.most))
              ->capture_default_str();
        },
        number.value);
  }
  void operator()(const WordOption& word) const {
    app.add_option_function<std::string>(names, word.set, row.help)
        ->type_name(row.value_name)
        ->check(CLI::IsMember(word.words));
  }
  void operator()(const BytesOption& bytes) const {
    const auto take = [value = bytes.value, name = row.name](const std::string& text) {
      int64_t number = 0;
      if (!ParseBytes(text, &number) || number < 1) {
        throw CLI::ValidationError(
            name, absl::StrFormat("'%s' is not a number of bytes (64k, 10M, 1G)", text));
      }
      *value = static_cast<uint64_t>(number);
    };
    app.add_option_function<std::string>(names, take, row.help)->type_name(row.value_name);
  }
};

// What of a row's value has to be said; false: nothing.
struct Teller {
  std::string* text;

  bool operator()(const FlagOption& flag) const { return *flag.value == flag.sets; }
  bool operator()(const TextOption& option) const {
    *text = *option.value;
    return !text->empty();
  }
  bool operator()(const NumberOption& number) const {
    *text = std::visit([](const auto* value) { return absl::StrCat(*value); }, number.value);
    return true;
  }
  bool operator()(const WordOption& word) const {
    *text = word.word();
    return *text != word.default_word;
  }
  bool operator()(const BytesOption& bytes) const {
    *text = absl::StrCat(*bytes.value);
    return true;
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
    std::visit(Adder{app, row, names}, row.place);
    app.get_option(row.name)->group(kOutputGroup);
  }
}

std::vector<std::string> OptionArguments(const OptionTable& table) {
  std::vector<std::string> arguments;
  for (const OptionRow& row : table.rows()) {
    std::string text;
    if (!std::visit(Teller{&text}, row.place)) continue;
    arguments.push_back(row.name);
    if (!row.value_name.empty()) arguments.push_back(text);
  }
  return arguments;
}

}  // namespace flowstitch
