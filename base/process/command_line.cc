#include "base/process/command_line.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/process/help_text.h"
#include "base/process/program.h"

namespace flowstitch {
namespace {

constexpr char kDocsFlag[] = "--generate-docs";

std::string Version(const CLI::App& app) {
  return absl::StrCat(app.get_name(), " ", FLOWSTITCH_VERSION);
}

std::string Roff(const std::string& text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (!escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'')) escaped = "\\&" + escaped;
  return absl::StrReplaceAll(escaped, {{"\n.", "\n\\&."}, {"\n'", "\n\\&'"}});
}

std::string ShellQuoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string FunctionName(const CLI::App& app) {
  return "_" + absl::StrReplaceAll(app.get_name(), {{"-", "_"}});
}

// bash: what completes a value.
std::string BashValue(const DescribedOption& option) {
  if (!option.choices.empty()) {
    return absl::StrCat("compgen -W ", ShellQuoted(absl::StrJoin(option.choices, " ")),
                        " -- \"$current\"");
  }
  if (option.value == "FILE") return "compgen -f -- \"$current\"";
  if (option.value == "DIR") return "compgen -d -- \"$current\"";
  if (option.value == "USER") return "compgen -u -- \"$current\"";
  if (option.value == "IFACE") return "compgen -W \"$(ls /sys/class/net)\" -- \"$current\"";
  return ":";
}

// zsh: the same, as the action of _arguments.
std::string ZshValue(const DescribedOption& option) {
  if (!option.choices.empty()) return absl::StrCat("(", absl::StrJoin(option.choices, " "), ")");
  if (option.value == "FILE") return "_files";
  if (option.value == "DIR") return "_files -/";
  if (option.value == "USER") return "_users";
  if (option.value == "IFACE") return "_net_interfaces";
  return " ";
}

// In _arguments' own language, brackets and colons of the text are special.
std::string ZshText(const std::string& text) {
  const std::string first = text.substr(0, text.find(". "));
  return absl::StrReplaceAll(first, {{"\\", "\\\\"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

}  // namespace

std::string ManPage(const CLI::App& app) {
  const std::string name = app.get_name();
  const std::vector<DescribedOption> options = DescribeOptions(app);
  std::string page = absl::StrCat(".TH \"", name, "\" 1 \"\" \"flowstitch ", FLOWSTITCH_VERSION,
                                  "\" \"User Commands\"\n");
  const std::string about = app.get_description();
  const std::string first = about.substr(0, about.find('\n'));
  absl::StrAppend(&page, ".SH NAME\n", Roff(name), " \\- ", Roff(first), "\n");
  absl::StrAppend(&page, ".SH SYNOPSIS\n.B ", Roff(name), "\n[\\fIOPTIONS\\fR]");
  for (const DescribedOption& option : options) {
    if (option.names.empty())
      absl::StrAppend(&page, " [\\fI", Roff(option.positional), "\\fR ...]");
  }
  absl::StrAppend(&page, "\n.SH DESCRIPTION\n",
                  absl::StrReplaceAll(Roff(about), {{"\n", "\n.br\n"}}), "\n.SH OPTIONS\n");
  for (const DescribedOption& option : options) {
    absl::StrAppend(&page, ".TP\n");
    if (option.names.empty()) {
      absl::StrAppend(&page, "\\fI", Roff(option.positional), "\\fR\n");
    } else {
      const std::string names =
          absl::StrJoin(option.names, ", ", [](std::string* out, const std::string& n) {
            absl::StrAppend(out, "\\fB", Roff(n), "\\fR");
          });
      absl::StrAppend(&page, names,
                      option.value.empty() ? "" : " \\fI" + Roff(option.value) + "\\fR", "\n");
    }
    absl::StrAppend(&page, Roff(option.text), "\n");
    if (!option.choices.empty()) {
      absl::StrAppend(&page, "One of: ", Roff(absl::StrJoin(option.choices, ", ")), ".\n");
    }
  }
  if (!app.get_footer().empty()) {
    absl::StrAppend(&page, ".SH NAMES AND VALUES\n.nf\n", Roff(app.get_footer()), ".fi\n");
  }
  absl::StrAppend(&page,
                  ".SH EXIT STATUS\n.TP\n0\nEverything was read and written.\n.TP\n1\n"
                  "Something could not be read, written or reached; what could be, was.\n"
                  ".TP\n2\nThe command line is wrong.\n"
                  ".TP\n130, 143, 129\nSIGINT, SIGTERM or SIGHUP came before the input files were "
                  "read to their end (not under tcpflow's name).\n"
                  ".TP\n141\nWhoever read standard output went first.\n");
  absl::StrAppend(&page,
                  ".SH SIGNALS\nSIGINT, SIGTERM and SIGHUP end the program in order: what is "
                  "in flight is written, and reports are complete. A second one gives up "
                  "what is waited for.\n");
  std::vector<std::string> others;
  for (const char* other :
       {"flowstitch", "flowstitch-capture", "flowstitch-reassembler", "flowstitch-sink"}) {
    if (name != other) others.push_back(absl::StrCat("\\fB", Roff(other), "\\fR(1)"));
  }
  absl::StrAppend(&page, ".SH SEE ALSO\n", absl::StrJoin(others, ", "),
                  ", \\fBpcap\\-filter\\fR(7)\n");
  return page;
}

std::string BashCompletion(const CLI::App& app) {
  const std::string function = FunctionName(app);
  std::string words;
  std::string cases;
  std::string rest = "compgen -f -- \"$current\"";
  for (const DescribedOption& option : DescribeOptions(app)) {
    if (option.names.empty()) continue;
    absl::StrAppend(&words, words.empty() ? "" : " ", absl::StrJoin(option.names, " "));
    if (option.value.empty()) continue;
    absl::StrAppend(&cases, "    ", absl::StrJoin(option.names, "|"), ") mapfile -t COMPREPLY < <(",
                    BashValue(option), "); return ;;\n");
  }
  return absl::StrCat("# Completion of ", app.get_name(), " for bash.\n", function, "() {\n",
                      "  local current=${COMP_WORDS[COMP_CWORD]}\n",
                      "  case ${COMP_WORDS[COMP_CWORD-1]} in\n", cases, "  esac\n",
                      "  if [[ $current == -* ]]; then\n    mapfile -t COMPREPLY < <(compgen -W ",
                      ShellQuoted(words),
                      " -- \"$current\")\n  else\n    mapfile -t COMPREPLY < <(", rest,
                      ")\n  fi\n}\ncomplete -o filenames -F ", function, " ", app.get_name(), "\n");
}

std::string ZshCompletion(const CLI::App& app) {
  std::string text = absl::StrCat("#compdef ", app.get_name(), "\n_arguments -s -S \\\n");
  for (const DescribedOption& option : DescribeOptions(app)) {
    if (option.names.empty()) {
      absl::StrAppend(&text, "  ", ShellQuoted("*:" + option.positional + ":_files"), " \\\n");
      continue;
    }
    for (const std::string& name : option.names) {
      std::string spec =
          absl::StrCat(option.repeats ? "*" : "", name, "[", ZshText(option.text), "]");
      if (!option.value.empty()) absl::StrAppend(&spec, ":", option.value, ":", ZshValue(option));
      absl::StrAppend(&text, "  ", ShellQuoted(spec), " \\\n");
    }
  }
  return text + "  && return 0\n";
}

namespace {

std::string Document(const CLI::App& app, const std::string& kind) {
  if (kind == "man") return ManPage(app);
  return kind == "bash" ? BashCompletion(app) : ZshCompletion(app);
}

// Changes of a letter from one word to the other.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

// The option that was most likely meant; empty: none is near.
std::string Nearest(const CLI::App& app, const std::string& typed) {
  std::string nearest;
  size_t least = typed.size() / 3 + 1;
  for (const DescribedOption& option : DescribeOptions(app)) {
    for (const std::string& name : option.names) {
      const bool begins = typed.size() > 4 && name.compare(0, typed.size(), typed) == 0;
      const size_t distance = begins ? 1 : Distance(typed, name);
      if (name.size() < 4 || distance >= least) continue;
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

// One line that names the program and what is wrong, and one that says where to look.
void Complain(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::vector<std::string> left = app.remaining();
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
      return word.size() > 1 && word[0] == '-';
    });
    if (option != left.end()) {
      const std::string typed = option->substr(0, option->find('='));
      const std::string nearest = Nearest(app, typed);
      text = absl::StrCat("there is no option '", typed, "'",
                          nearest.empty() ? "" : absl::StrCat("; did you mean '", nearest, "'?"));
    } else if (!left.empty()) {
      text = absl::StrCat("'", left[0], "' was not expected");
    }
  }
  std::fprintf(stderr, "%s: error: %s\n%s --help lists the options.\n", app.get_name().c_str(),
               text.c_str(), app.get_name().c_str());
}

// For what HelpAsked does not see, such as "-qh".
class WholeHelp : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string /*name*/,
                        CLI::AppFormatMode /*mode*/) const override {
    return HelpText(*app, HelpWidth());
  }
};

// 1: -h; 2: all of it; 0: not at all. Whatever else is wrong with the command line.
int HelpAsked(const CLI::App& app, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") return 0;
    const CLI::Option* const before = i > 1 ? app.get_option_no_throw(argv[i - 1]) : nullptr;
    if (before != nullptr && before->get_items_expected_max() > 0) continue;  // its value
    if (word == "-h") return i + 1 < argc && std::string_view(argv[i + 1]) == "-h" ? 2 : 1;
    if (word == "-hh" || word == "--help") return 2;
  }
  return 0;
}

}  // namespace

std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv,
                                    const std::vector<std::string>& most_used) {
  app.set_help_flag("-h,--help", most_used.empty()
                                     ? "List the options."
                                     : "List the most used options; -hh, --help: all of them.");
  app.formatter(std::make_shared<WholeHelp>());
  // The last one counts, as everywhere: a later option overrides an alias's. Lists stay lists.
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 1) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  app.set_config("--config", "",
                 "Read options from this file (TOML: their long names without the dashes, name = "
                 "value); those on the command line count more.")
      ->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("-V,--version", Version(app));
  if (const int asked = HelpAsked(app, argc, argv); asked > 0) {
    const std::string text =
        asked == 1 ? ShortHelpText(app, most_used, HelpWidth()) : HelpText(app, HelpWidth());
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kExitFailed : kExitOk;
  }
  // For the build, not for people. It ends the parsing, as --version does.
  app.add_option_function<std::string>(kDocsFlag,
                                       [&app](const std::string& kind) {
                                         throw CLI::CallForVersion(Document(app, kind), kExitOk);
                                       })
      ->check(CLI::IsMember({"man", "bash", "zsh"}))
      ->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    Complain(app, error);
    return kExitBadUsage;
  }
  return std::nullopt;
}

}  // namespace flowstitch
