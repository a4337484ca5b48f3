#include "sinks/sink_checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/link/hello.h"

namespace flowstitch {

namespace {

bool WritesAnything(const SinkOptions& options) {
  const auto writes = [](const auto& kind) { return kind->wanted() && !kind->option().empty(); };
  return options.files || options.dfxml || !options.json.empty() ||
         std::any_of(options.writers.begin(), options.writers.end(), writes);
}

}  // namespace

void AddOwnOutputs(const SinkOptions& options, std::vector<std::string>* paths) {
  for (const auto& kind : options.writers) {
    if (!kind->wanted()) continue;
    const std::vector<std::string> own = kind->OwnOutputs(options.directory);
    paths->insert(paths->end(), own.begin(), own.end());
  }
}

absl::Status CheckSinkOptions(const SinkOptions& options) {
  if (!WritesAnything(options)) {
    std::string all = "--files, --dfxml, --json";
    for (const auto& kind : options.writers) {
      if (!kind->option().empty()) absl::StrAppend(&all, ", ", kind->option());
    }
    return absl::InvalidArgumentError(
        absl::StrCat("nothing to write: choose at least one of ", all));
  }
  if (UsersOfOutput(options) > 1) {
    return absl::InvalidArgumentError(
        "two of the console, the JSON lines, the report, other frames and netviz's table would mix "
        "on standard output; choose one");
  }
  for (const AlertOptions& alerts : {options.file_alerts, options.body_alerts}) {
    if (const absl::Status status = Alerts::Check(alerts); !status.ok()) return status;
  }
  if (const absl::Status status = CheckPrivileges(options.privileges); !status.ok()) return status;
  if (const absl::Status keys = CheckSecurity(options.security); !keys.ok()) return keys;
  if (const absl::Status name = CheckName(options.name); !name.ok()) return name;
  if (const auto e = ParseEndpoints(options.reassembler, false); !e.ok()) return e.status();
  if (const auto t = TemplateOf(options); !t.ok()) return t.status();
  return absl::OkStatus();
}

namespace {

// What a file is, whatever its name; nothing where there is none.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

std::optional<FileIdentity> IdentityOf(const std::string& path, int descriptor_of_dash) {
  struct stat info = {};
  const int failed = path == "-" ? fstat(descriptor_of_dash, &info) : stat(path.c_str(), &info);
  // A device may be both.
  if (failed != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return FileIdentity{info.st_dev, info.st_ino};
}

// All paths that are written whatever the traffic is. Those of flows are taken only where there is
// no file.
std::vector<std::string> FixedOutputs(const SinkOptions& options) {
  std::vector<std::string> paths = {options.json};
  if (options.dfxml) paths.push_back(ReportPath(options));
  AddOwnOutputs(options, &paths);
  const size_t whole = paths.size();
  for (size_t i = 0; i < whole; ++i) {
    if (!paths[i].empty() && paths[i] != "-") paths.push_back(paths[i] + ".part");
  }
  return paths;
}

}  // namespace

absl::Status CheckOutputsAreNoInputs(const SinkOptions& options, std::vector<std::string> inputs) {
  for (const std::string& own :
       {options.key_log, options.security.key, options.security.peer_key}) {
    inputs.push_back(own);
  }
  inputs.insert(inputs.end(), options.tls_keys.begin(), options.tls_keys.end());
  for (const std::string& output : FixedOutputs(options)) {
    const auto written = output.empty() ? std::nullopt : IdentityOf(output, STDOUT_FILENO);
    if (!written) continue;
    for (const std::string& input : inputs) {
      if (input.empty() || IdentityOf(input, STDIN_FILENO) != written) continue;
      return absl::InvalidArgumentError(absl::StrFormat(
          "'%s' would be written over '%s', which is read: choose another output",
          output == "-" ? "standard output" : output, input == "-" ? "standard input" : input));
    }
  }
  return absl::OkStatus();
}

std::string ReportPath(const SinkOptions& options) {
  if (!options.report_path.empty()) return options.report_path;
  if (options.directory == "." || options.directory.empty()) return "report.xml";
  return absl::StrCat(options.directory, "/report.xml");
}

int UsersOfOutput(const SinkOptions& options) {
  std::vector<std::string> paths = {options.json, options.dfxml ? options.report_path : ""};
  AddOwnOutputs(options, &paths);
  return static_cast<int>(std::count(paths.begin(), paths.end(), "-"));
}

bool NeedsDirectory(const SinkOptions& options) {
  return options.files || options.writers.AnyWanted(&WriterKind::needs_directory) ||
         (options.dfxml && options.report_path.empty());
}

absl::StatusOr<NameTemplate> TemplateOf(const SinkOptions& options) {
  auto text = TemplateForFormat(options.format_letters, options.name_template);
  if (!text.ok()) return text.status();
  return NameTemplate::Parse(*text);
}

}  // namespace flowstitch
