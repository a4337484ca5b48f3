// Kinds of writers: what one that is added needs, and what all of them say of themselves.
#include "sinks/writer_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/process/option_flags.h"
#include "tests/examples/ports/ports_kind.h"
#include "tests/support/sink_batch.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A program with the options of these writers, given these arguments.
void Parse(const WriterList& writers, std::vector<std::string> arguments) {
  CLI::App app;
  AddOptions(app, writers.Options(/*one_host=*/false));
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  app.parse(arguments);
}

TEST(WriterList, TheExampleOfContributing) {
  const TemporaryDirectory directory;
  SinkWorkerOptions options;
  options.directory = directory.path();
  options.files.write = false;
  options.writers.Add(std::make_shared<PortsWriterKind>());
  WriterKind& ports = *options.writers.Named("ports");

  BatchMaker batch;
  batch.Bytes(0, "abc").Gap(3, 2).Bytes(5, "fg");
  batch.Run(options);
  ASSERT_TRUE(ports.WriteEnd({directory.path(), {}}).ok());
  EXPECT_THAT(directory.Files(), IsEmpty()) << "nobody asked for it";

  Parse(options.writers, {"--ports"});
  ASSERT_TRUE(ports.wanted());
  EXPECT_TRUE(options.writers.AnyWanted(&WriterKind::needs_directory));
  batch.Run(options);
  ASSERT_TRUE(ports.WriteEnd({directory.path(), {}}).ok());
  EXPECT_THAT(directory.Files(), ElementsAre(Pair("ports.txt", "80 5\n")));
}

TEST(WriterList, AChildGetsTheSameOptions) {
  // By their kinds of values: each is given to a program, and comes out for its child.
  const std::vector<std::string> given = {
      "--find-index", "--other-frames",     "f.pcap", "--no-decode",    "--body-names",
      "digest",       "--decode-bytes",     "2M",     "--no-header",    "--payload",
      "base64",       "--console-lock",     "l",      "--no-newline",   "--console-order",
      "packet",       "--netviz-addresses", "77",     "--decode-ratio", "9"};
  WriterList first;
  Parse(first, given);
  const std::vector<std::string> told = OptionArguments(first.Options(false));
  WriterList second;
  Parse(second, told);
  EXPECT_EQ(OptionArguments(second.Options(false)), told);
  const auto has = [&told](const std::string& name, const std::string& value) {
    const auto at = std::search(told.begin(), told.end(), &name, &name + 1);
    return at != told.end() && (value.empty() || *std::next(at) == value);
  };
  EXPECT_TRUE(has("--find-index", ""));
  EXPECT_TRUE(has("--other-frames", "f.pcap"));
  EXPECT_TRUE(has("--no-decode", ""));
  EXPECT_TRUE(has("--body-names", "digest"));
  EXPECT_TRUE(has("--decode-bytes", "2097152"));
  EXPECT_TRUE(has("--payload", "base64"));
  EXPECT_TRUE(has("--console-order", "packet"));
  EXPECT_TRUE(has("--netviz-addresses", "77"));
  EXPECT_FALSE(has("--hex", ""));
  EXPECT_FALSE(has("--flow-captures", ""));
}

TEST(WriterList, NamesAndOptionsAreUnique) {
  const WriterList writers;
  std::set<std::string> names;
  for (const auto& kind : writers) {
    const std::string name = kind->name();
    EXPECT_TRUE(name.empty() || names.insert(name).second) << name;
  }
  for (const bool one_host : {false, true}) {
    std::set<std::string> options;
    const OptionTable table = writers.Options(one_host);
    for (const OptionRow& row : table.rows()) {
      EXPECT_TRUE(options.insert(row.name).second) << row.name;
      EXPECT_FALSE(row.help.empty()) << row.name;
      const bool flag = std::holds_alternative<FlagOption>(row.place);
      EXPECT_EQ(row.value_name.empty(), flag) << row.name;
    }
  }
}

}  // namespace
}  // namespace flowstitch
