// Commands and lines about files.
#include "sinks/records/alerts/alerts.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(Alerts, ACommandIsSplitAsAShellDoesIt) {
  EXPECT_THAT(*SplitCommand("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*SplitCommand("'a b' \"c \\\" d\" e\\ f ''"),
              ElementsAre("a b", "c \" d", "e f", ""));
  EXPECT_THAT(*SplitCommand("a$HOME;`x`|y"), ElementsAre("a$HOME;`x`|y")) << "no shell looks at it";
  EXPECT_THAT(*SplitCommand("  "), IsEmpty());
  EXPECT_THAT(std::string(SplitCommand("'a").status().message()), HasSubstr("quote"));
  EXPECT_FALSE(SplitCommand("\"a\\\"").ok());
}

TEST(Alerts, OptionsThatCannotWorkAreSaid) {
  EXPECT_THAT(std::string(Alerts::Check({.fd = 999}).message()), HasSubstr("999"));
  EXPECT_FALSE(Alerts::Check({.command = " "}).ok());
  EXPECT_TRUE(Alerts::Check({.fd = 1, .command = "true"}).ok());
}

TEST(Alerts, LinesAndCommandsComeWhole) {
  TemporaryDirectory directory;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  {
    Alerts alerts({.fd = pipe_ends[1], .command = "touch"});
    for (int i = 0; i < 25; ++i) {  // more than run at a time
      const std::string path = directory.path() + "/a file " + std::to_string(i);
      alerts.Opened(path);
      alerts.Closed(path);
    }
    while (!alerts.idle()) usleep(1000);
    EXPECT_TRUE(alerts.status().ok()) << alerts.status();
    EXPECT_EQ(directory.Files().size(), 25u) << "all have been waited for";
  }
  close(pipe_ends[1]);
  std::string text(100'000, '\0');
  text.resize(
      static_cast<size_t>(std::max<ssize_t>(read(pipe_ends[0], text.data(), text.size()), 0)));
  close(pipe_ends[0]);
  EXPECT_EQ(text.substr(0, text.find('\n') + 1), "open\t" + directory.path() + "/a file 0\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 50);
}

}  // namespace
}  // namespace flowstitch
