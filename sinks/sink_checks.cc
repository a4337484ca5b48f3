// What can be said of a sink's options before anything is started.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sinks/sink_stage.h"
#include "transport/hello.h"

namespace flowstitch {

absl::Status CheckSinkOptions(const SinkOptions& options) {
  if (!options.files && !options.http && !options.dfxml && !options.console &&
      !options.flow_captures && !options.conversation && !options.netviz.on &&
      options.json.empty() && options.other_frames.empty()) {
    return absl::InvalidArgumentError(
        "nothing to write: choose at least one of --files, --http, --dfxml, --console, --json, "
        "--conversation, --flow-captures, --other-frames, --netviz");
  }
  if (UsersOfOutput(options) > 1) {
    return absl::InvalidArgumentError(
        "two of the console, the JSON lines, the report and netviz's table would mix on standard "
        "output; choose one");
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

std::string ReportPath(const SinkOptions& options) {
  if (!options.report_path.empty()) return options.report_path;
  if (options.directory == "." || options.directory.empty()) return "report.xml";
  return absl::StrCat(options.directory, "/report.xml");
}

int UsersOfOutput(const SinkOptions& options) {
  return int{options.console} + int{options.json == "-"} +
         int{options.dfxml && options.report_path == "-"} +
         int{options.netviz.on && options.netviz.table};
}

bool NeedsDirectory(const SinkOptions& options) {
  return options.files || options.http || options.conversation || options.flow_captures ||
         options.netviz.on || (options.dfxml && options.report_path.empty());
}

absl::StatusOr<NameTemplate> TemplateOf(const SinkOptions& options) {
  auto text = TemplateForFormat(options.format_letters, options.name_template);
  if (!text.ok()) return text.status();
  return NameTemplate::Parse(*text);
}

}  // namespace flowstitch
