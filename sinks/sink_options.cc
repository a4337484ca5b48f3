#include "sinks/sink_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/process/durable_flag.h"
#include "base/process/help_text.h"
#include "base/process/memory_flag.h"
#include "base/process/option_flags.h"

namespace flowstitch {

void AddMaxBytesFlag(CLI::App& app, const std::string& names, int64_t* bytes) {
  app.add_option_function<std::string>(
         names,
         [bytes](const std::string& text) {
           if (!ParseBytes(text, bytes)) {
             throw CLI::ValidationError("-b",
                                        "'" + text + "' is not a number of bytes (10, 64k, 1G)");
           }
         },
         "Write at most so many bytes of a stream (also 64k, 10M, 1G); -1: all. [-1]")
      ->type_name("BYTES");
}

void AddReportFlags(CLI::App& app, SinkOptions* o) {
  app.add_option_function<std::string>(
         "--report-form",
         [o](const std::string& form) {
           o->report_form = form == "tcpflow" ? ReportForm::kTcpflow : ReportForm::kDfxml;
         },
         "Build the report as DFXML 2.0 has it, or as tcpflow does. [dfxml]")
      ->type_name("FORM")
      ->check(CLI::IsMember({"dfxml", "tcpflow"}));
  app.add_option("--report-roll", o->report_roll_s,
                 "Begin a new report after so long: report-0001.xml, report-0002.xml ...; 0: one "
                 "report.")
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str();
}

void AddTlsFlags(CLI::App& app, SinkOptions* o) {
  app.add_option("--keylog", o->key_log,
                 "Decrypt TLS with the secrets in this file (SSLKEYLOGFILE's format), which may "
                 "still grow: NAME-TLS, and HTTP in it. Capture files may carry secrets too.")
      ->type_name("FILE");
  app.add_option("--tls-key", o->tls_keys,
                 "Decrypt TLS up to 1.2 whose key exchange is RSA with the server's private key. "
                 "Repeatable.")
      ->type_name("PEM")
      ->allow_extra_args(false);
}

void GroupSinkOptions(CLI::App& app) {
  GroupOptions(
      app, kOutputGroup,
      {"--output",       "--files",         "--md5",          "--sha1",      "--sha256",
       "--dfxml",        "--netviz",        "--format",       "--template",  "--report",
       "--report-form",  "--report-roll",   "--json",         "--max-bytes", "--file-alert-fd",
       "--file-command", "--body-alert-fd", "--body-command", "--durable",   "--no-journal",
       "--command-line", "--summary"});
  GroupOptions(app, kHttpGroup,
               {"--http", "--no-decode", "--http-heads", "--body-names", "--decode-bytes",
                "--decode-ratio", "--decode-layers", "--keylog", "--tls-key"});
  GroupOptions(
      app, kConsoleGroup,
      {"--console", "--no-header", "--hex", "--console-json", "--binary", "--color", "--no-newline",
       "--console-order", "--payload", "--places", "--utf8", "--console-http", "--console-lock"});
  GroupOptions(app, kLimitsGroup, {"--workers", "--max-descriptors", "--memory"});
}

void AddSinkFlags(CLI::App& app, SinkOptions* o) {
  app.add_option(
         "--reassembler", o->reassembler,
         "Where the reassembler gives streams; of several shards, all of them, with commas. "
         "'@' in front of an endpoint binds it instead of connecting.")
      ->type_name("ENDPOINT[,ENDPOINT...]")
      ->capture_default_str();
  app.add_option("--name", o->name,
                 "This sink's name, unique among the sinks of a reassembler; one that is started "
                 "again under it goes on where it stood. [its key's name, or the machine's "
                 "and shard]")
      ->type_name("NAME");
  AddSecurityFlags(app, &o->security);
  AddMetricsFlag(app, &o->metrics);
  AddReadMemoryFlag(app, &o->memory);
  app.add_option("-o,--output", o->directory, "Directory for everything that is written.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--files", o->files, "Write flow files: one file for each direction of a flow.");
  app.add_flag("--dfxml", o->dfxml, "Write a DFXML report.");
  AddOptions(app, o->writers.Options(/*one_host=*/false));
  AddTlsFlags(app, o);
  app.add_option("--json", o->json,
                 "Write JSON lines (proto/record.proto): a record a flow, HTTP transaction, TLS "
                 "handshake, body, gap and conflict; '-' is standard output.")
      ->type_name("FILE");
  app.add_option("--report", o->report_path,
                 "The report's path; '-' is standard output. [report.xml in the directory]")
      ->type_name("FILE");
  AddReportFlags(app, o);
  app.add_option("--file-alert-fd", o->file_alerts.fd,
                 "Write 'open' and 'close' with the path of each flow file to this descriptor.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--file-command", o->file_alerts.command,
                 "Run this, with the path behind it, for each complete flow file (no shell).")
      ->type_name("COMMAND");
  app.add_option("--body-alert-fd", o->body_alerts.fd, "The same descriptor for HTTP bodies.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--body-command", o->body_alerts.command, "The same command for HTTP bodies.")
      ->type_name("COMMAND");
  app.add_option(
         "-U,--user", o->privileges.user,
         "Become this user once the output directory is there. [under sudo, whoever called it]")
      ->type_name("USER");
  app.add_option("-z,--chroot", o->privileges.directory,
                 "See only this directory from then on; the output directory is inside of it. "
                 "Needs --user.")
      ->type_name("DIR");
  app.add_flag("--md5", o->digests.md5, "MD5 of files and bodies in the report.");
  app.add_flag("--sha1", o->digests.sha1, "SHA-1 of files and bodies in the report.");
  app.add_flag("--sha256", o->digests.sha256, "SHA-256 of files and bodies in the report.");
  app.add_option("-T,--template", o->name_template, "Template of file names.")
      ->type_name("TEMPLATE")
      ->capture_default_str();
  app.add_option("-F,--format", o->format_letters,
                 "Letters that change the template: t or T put the time in front, k, m or g make "
                 "directories.")
      ->type_name("LETTERS");
  AddMaxBytesFlag(app, "-b,--max-bytes", &o->max_bytes);
  app.add_option("--workers", o->workers, "Threads that write; 0: by the number of cores.")
      ->type_name("N")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("-f,--max-descriptors", o->max_descriptors,
                 "Files that are open at a time; 0: as many as the system allows.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--shard", o->shard, "Take the k-th of n shares of the flows, counted from 0.")
      ->type_name("K/N")
      ->check([](const std::string& text) {
        uint32_t k = 0;
        uint32_t n = 0;
        return ParseShard(text, &k, &n) ? "" : "must be k/n with k below n";
      })
      ->capture_default_str();
  AddMemoryFlag(app, &o->memory_bytes);
  app.add_option("--window", o->window_bytes, "Bytes taken from the reassembler in advance.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(size_t{1} << 16, size_t{1} << 40))
      ->capture_default_str();
  app.add_flag("--no-journal{false}", o->journal,
               "Do not note which flows are open: a sink of this name that is started after this "
               "one was killed does not go on with its files.");
  AddDurableFlag(app, &o->durable);
  app.add_option("--command-line", o->command_line, "What the report says was typed.")
      ->type_name("TEXT");
  app.add_flag("--summary", o->summary, "Print a short ledger on standard error at the end.");
  GroupSinkOptions(app);
  GroupOptions(app, kHostsGroup,
               {"--reassembler", "--name", "--key", "--allow", "--peer-key", "--insecure",
                "--metrics", "--read-memory", "--shard", "--user", "--chroot"});
  GroupOptions(app, kLimitsGroup, {"--window"});
}

std::vector<std::string> SinkArguments(const SinkOptions& o) {
  std::vector<std::string> arguments = {"--reassembler",
                                        o.reassembler,
                                        "--name",
                                        o.name,
                                        "-o",
                                        o.directory,
                                        "-T",
                                        o.name_template,
                                        "-b",
                                        absl::StrCat(o.max_bytes),
                                        "--workers",
                                        absl::StrCat(o.workers),
                                        "-f",
                                        absl::StrCat(o.max_descriptors),
                                        "--shard",
                                        o.shard,
                                        "--window",
                                        absl::StrCat(o.window_bytes)};
  const auto flag = [&arguments](bool on, const char* name) {
    if (on) arguments.push_back(name);
  };
  flag(o.files, "--files");
  flag(o.dfxml, "--dfxml");
  flag(o.digests.md5, "--md5");
  flag(o.digests.sha1, "--sha1");
  flag(o.digests.sha256, "--sha256");
  flag(o.summary, "--summary");
  flag(!o.journal, "--no-journal");
  const auto option = [&arguments](const std::string& value, const char* name) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  option(o.report_path, "--report");
  option(o.json, "--json");
  option(o.key_log, "--keylog");
  for (const std::string& path : o.tls_keys) option(path, "--tls-key");
  option(o.durable != Durability::kOff ? DurabilityName(o.durable) : "", "--durable");
  option(o.report_form == ReportForm::kTcpflow ? "tcpflow" : "", "--report-form");
  option(o.memory_bytes > 0 ? absl::StrCat(o.memory_bytes) : "", "--memory");
  option(o.report_roll_s > 0 ? absl::StrCat(o.report_roll_s) : "", "--report-roll");
  option(o.file_alerts.fd >= 0 ? absl::StrCat(o.file_alerts.fd) : "", "--file-alert-fd");
  option(o.file_alerts.command, "--file-command");
  option(o.body_alerts.fd >= 0 ? absl::StrCat(o.body_alerts.fd) : "", "--body-alert-fd");
  option(o.body_alerts.command, "--body-command");
  option(o.privileges.user, "--user");
  option(o.privileges.directory, "--chroot");
  option(o.format_letters, "-F");
  option(o.command_line, "--command-line");
  const std::vector<std::string> writers = OptionArguments(o.writers.Options(/*one_host=*/false));
  arguments.insert(arguments.end(), writers.begin(), writers.end());
  const std::vector<std::string> security = SecurityArguments(o.security);
  arguments.insert(arguments.end(), security.begin(), security.end());
  if (!o.metrics.empty()) arguments.insert(arguments.end(), {"--metrics", o.metrics});
  return arguments;
}

bool ParseShard(const std::string& text, uint32_t* shard, uint32_t* shards) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], shard) &&
         absl::SimpleAtoi(parts[1], shards) && *shard < *shards && *shards <= 256;
}

}  // namespace flowstitch
