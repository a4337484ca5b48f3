#include "sinks/sink_sandbox.h"

#include "sinks/content/tls/cipher_suites.h"
#include "sinks/sink_checks.h"
#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"
#include "transport/link_files.h"

namespace flowstitch {
namespace {

// Of outputs that lie elsewhere than in the output directory.
std::vector<std::string> OwnPaths(const SinkOptions& options) {
  std::vector<std::string> paths;
  const std::string report = options.dfxml ? ReportPath(options) : "";
  std::vector<std::string> all = {report, options.json};
  AddOwnOutputs(options, &all);
  for (const std::string& path : all) {
    const bool inside = NeedsDirectory(options) && DirectoryOf(path) == options.directory;
    if (!path.empty() && path != "-" && !inside) paths.push_back(path);
  }
  return paths;
}

}  // namespace

absl::Status PrepareSink(SinkOptions* options) {
  if (NeedsDirectory(*options)) {
    const absl::Status status = PrepareOutputDirectory(options->directory);
    if (!status.ok()) return status;
  }
  // Capture files may bring secrets at any time.
  const bool decrypts = !options->key_log.empty() || !options->tls_keys.empty();
  if (options->content().bodies || !options->json.empty() || decrypts) LoadTlsCiphers();
  SetDurability(options->durable);
  for (const std::string& path : OwnPaths(*options)) NameOutputDisk(DirectoryOf(path));
  for (AlertOptions* alerts : {&options->file_alerts, &options->body_alerts}) {
    alerts->output_taken = UsersOfOutput(*options) > 0;
    if (const absl::Status status = StartCommandHelper(alerts); !status.ok()) return status;
  }
  return absl::OkStatus();
}

SandboxOptions SinkSandbox(const SinkOptions& options) {
  SandboxOptions sandbox;
  sandbox.writes_files = true;
  FileRights& files = sandbox.files;
  files = LinkFiles(options.security, {options.reassembler});
  for (const auto& kind : options.writers) {
    if (kind->wanted()) kind->AddFiles(&files.reads, &files.writes);
  }
  // It may not be there yet, or be exchanged for a new one.
  if (!options.key_log.empty()) files.reads.push_back(DirectoryOf(options.key_log));
  files.reads.insert(files.reads.end(), options.tls_keys.begin(), options.tls_keys.end());
  if (NeedsDirectory(options)) files.writes.push_back(options.directory);
  for (const std::string& path : OwnPaths(options)) {
    // A file comes and goes with a name beside it, a pipe or a device stays where it is.
    files.writes.push_back(IsPipeOrDevice(path) ? path : DirectoryOf(path));
  }
  return sandbox;
}

}  // namespace flowstitch
