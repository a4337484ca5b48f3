// Whether a child process gets the options that its parent was given.
#ifndef FLOWSTITCH_TESTS_SUPPORT_OPTION_ROUND_TRIP_H_
#define FLOWSTITCH_TESTS_SUPPORT_OPTION_ROUND_TRIP_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace flowstitch::testing {

// `given`: options with their values, by their long names. `add(app, options)` declares a stage's
// flags, `arguments(options)` tells what a child is given. `unsaid`: options that no child gets.
template <typename Options, typename Add, typename Arguments>
void ExpectChildrenGetWhatIsGiven(const std::vector<std::string>& given, const Add& add,
                                  const Arguments& arguments,
                                  const std::vector<std::string>& unsaid) {
  const auto told = [&](std::vector<std::string> words) {
    Options options;
    CLI::App app;
    add(app, &options);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(words);
    return arguments(options);
  };
  const std::vector<std::string> once = told(given);
  EXPECT_EQ(told(once), once);
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].substr(0, 2) != "--") continue;
    EXPECT_THAT(once, ::testing::Contains(given[i]));
  }
  // Nothing was forgotten here.
  Options options;
  CLI::App app;
  add(app, &options);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().back();
    if (std::count(unsaid.begin(), unsaid.end(), name) > 0) continue;
    EXPECT_THAT(given, ::testing::Contains(name));
  }
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_OPTION_ROUND_TRIP_H_
