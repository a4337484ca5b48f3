// The options of a part of a program, as values: where each one's value goes, and what is said of
// it. base/process/option_flags.h makes flags and a child's arguments of them.
#ifndef FLOWSTITCH_BASE_OPTION_TABLE_H_
#define FLOWSTITCH_BASE_OPTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flowstitch {

// The groups of help, in the order in which it lists them. What is in none stands under "Other".
inline constexpr char kInputGroup[] = "Input";
inline constexpr char kSelectionGroup[] = "Selection";
inline constexpr char kOutputGroup[] = "Output";
inline constexpr char kHttpGroup[] = "HTTP and TLS";
inline constexpr char kConsoleGroup[] = "Console";
inline constexpr char kHostsGroup[] = "Many hosts";
inline constexpr char kLimitsGroup[] = "Limits";

// What is wrong with a value; empty: nothing.
using OptionCheck = std::function<std::string(const std::string& text)>;

// Sets `*value` to `sets` where it is given.
struct FlagOption {
  bool* value;
  bool sets = true;
};
struct TextOption {
  std::string* value;
  bool shows_default = false;
  OptionCheck check = nullptr;
};
// May be given several times; with a `delimiter`, also several at once.
struct TextsOption {
  std::vector<std::string>* value;
  char delimiter = 0;
  OptionCheck check = nullptr;
};
struct NumberOption {
  std::variant<size_t*, uint32_t*, uint16_t*, int64_t*, int*> value;
  int64_t least;
  int64_t most;
  // A value that stands for "not given".
  std::optional<int64_t> unset = std::nullopt;
};
// A number of bytes, also with k, M, G or T behind it.
struct SizeOption {
  std::variant<size_t*, int*> value;
  uint64_t least = 0;
  uint64_t most = uint64_t{1} << 50;
  std::optional<uint64_t> unset = std::nullopt;
  bool shows_default = true;  // where it is not in the help
};
// A whole number of `unit_ns`.
struct DurationOption {
  int64_t* ns;
  int64_t unit_ns;
  int64_t least;
  int64_t most;
};
// One of a few words. `default_word` is the one that need not be said.
struct WordOption {
  std::vector<std::string> words;
  std::function<void(const std::string& word)> set;
  std::function<std::string()> word;
  std::string default_word;
};
// In a form of its own. `set` says what is wrong with a text, as a check does; `text` is empty
// where nothing has to be said.
struct ParsedOption {
  OptionCheck set;
  std::function<std::string()> text;
};

struct OptionRow {
  std::string name;        // "--find-index", or with its letter: "-r,--read"
  std::string value_name;  // "FILE"; empty for a flag
  std::string help;        // a sentence, with the default in brackets where it is not obvious
  std::variant<FlagOption, TextOption, TextsOption, NumberOption, SizeOption, DurationOption,
               WordOption, ParsedOption>
      place;
  const char* group = kOutputGroup;  // null: help has it under "Other"
  bool of_stage_only = false;        // the program for one host has it in another form
};

class OptionTable {
 public:
  // `one_host`: of the program that runs all stages; what an option needs of the others is there.
  explicit OptionTable(bool one_host = false) : one_host_(one_host) {}

  bool one_host() const { return one_host_; }
  void Add(OptionRow row) { rows_.push_back(std::move(row)); }
  void AddAll(const OptionTable& other) {
    rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
  }
  const std::vector<OptionRow>& rows() const { return rows_; }

 private:
  const bool one_host_;
  std::vector<OptionRow> rows_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_OPTION_TABLE_H_
