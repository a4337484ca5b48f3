// The options of a part of a program, as values: where each one's value goes, and what is said of
// it. base/process/option_flags.h makes flags and a child's arguments of them.
#ifndef FLOWSTITCH_BASE_OPTION_TABLE_H_
#define FLOWSTITCH_BASE_OPTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flowstitch {

// Sets `*value` to `sets` where it is given.
struct FlagOption {
  bool* value;
  bool sets = true;
};
struct TextOption {
  std::string* value;
};
struct NumberOption {
  std::variant<size_t*, uint32_t*, int*> value;
  uint32_t least;
  uint32_t most;
};
// One of a few words. `default_word` is the one that need not be said.
struct WordOption {
  std::vector<std::string> words;
  std::function<void(const std::string& word)> set;
  std::function<std::string()> word;
  std::string default_word;
};
// A number of bytes, also with k, M, G or T behind it; 1 or more.
struct BytesOption {
  uint64_t* value;
};

struct OptionRow {
  std::string name;        // "--find-index"
  std::string value_name;  // "FILE"; empty for a flag
  std::string help;        // a sentence, with the default in brackets where it is not obvious
  std::variant<FlagOption, TextOption, NumberOption, WordOption, BytesOption> place;
  bool of_stage_only = false;  // the program for one host has it in another form
};

class OptionTable {
 public:
  // `one_host`: of the program that runs all stages; what an option needs of the others is there.
  explicit OptionTable(bool one_host) : one_host_(one_host) {}

  bool one_host() const { return one_host_; }
  void Add(OptionRow row) { rows_.push_back(std::move(row)); }
  const std::vector<OptionRow>& rows() const { return rows_; }

 private:
  const bool one_host_;
  std::vector<OptionRow> rows_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_OPTION_TABLE_H_
