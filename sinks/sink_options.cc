#include "sinks/sink_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_option.h"
#include "base/memory/memory_option.h"
#include "base/process/option_flags.h"

namespace flowstitch {
namespace {

std::string CheckShard(const std::string& text) {
  uint32_t k = 0;
  uint32_t n = 0;
  return ParseShard(text, &k, &n) ? "" : "must be k/n with k below n";
}

void AddLinkOptions(OptionTable* table, SinkOptions* o) {
  table->Add({"--reassembler", "ENDPOINT[,ENDPOINT...]",
              "Where the reassembler gives streams; of several shards, all of them, with commas. "
              "'@' in front of an endpoint binds it instead of connecting.",
              TextOption{&o->reassembler, /*shows_default=*/true}, kHostsGroup});
  table->Add({"--name", "NAME",
              "This sink's name, unique among the sinks of a reassembler; one that is started "
              "again under it goes on where it stood. [its key's name, or the machine's and "
              "shard]",
              TextOption{&o->name}, kHostsGroup});
  AddSecurityOptions(table, &o->security);
  AddMetricsOption(table, &o->metrics);
  AddReadMemoryOption(table, &o->memory);
}

void AddOutputs(OptionTable* table, SinkOptions* o) {
  table->Add({"-o,--output", "DIR", "Directory for everything that is written.",
              TextOption{&o->directory, /*shows_default=*/true}});
  table->Add({"--files", "", "Write flow files: one file for each direction of a flow.",
              FlagOption{&o->files}});
  table->Add({"--dfxml", "", "Write a DFXML report.", FlagOption{&o->dfxml}});
  table->AddAll(o->writers.Options(/*one_host=*/false));
  table->AddAll(TlsOptionTable(o));
  table->Add({"--json", "FILE",
              "Write JSON lines (proto/record.proto): a record a flow, HTTP transaction, TLS "
              "handshake, body, gap and conflict; '-' is standard output.",
              TextOption{&o->json}});
  table->Add({"--report", "FILE",
              "The report's path; '-' is standard output. [report.xml in the directory]",
              TextOption{&o->report_path}});
  table->AddAll(ReportOptionTable(o));
}

void AddAlerts(OptionTable* table, SinkOptions* o) {
  constexpr int64_t kMostDescriptor = 1 << 20;
  const auto descriptor = [](int* fd) {
    return NumberOption{fd, 0, kMostDescriptor, /*unset=*/-1};
  };
  table->Add({"--file-alert-fd", "N",
              "Write 'open' and 'close' with the path of each flow file to this descriptor.",
              descriptor(&o->file_alerts.fd)});
  table->Add({"--file-command", "COMMAND",
              "Run this, with the path behind it, for each complete flow file (no shell).",
              TextOption{&o->file_alerts.command}});
  table->Add({"--body-alert-fd", "N", "The same descriptor for HTTP bodies.",
              descriptor(&o->body_alerts.fd)});
  table->Add({"--body-command", "COMMAND", "The same command for HTTP bodies.",
              TextOption{&o->body_alerts.command}});
}

void AddPrivileges(OptionTable* table, SinkOptions* o) {
  table->Add({"-U,--user", "USER",
              "Become this user once the output directory is there. [under sudo, whoever called "
              "it]",
              TextOption{&o->privileges.user}, kHostsGroup});
  table->Add({"-z,--chroot", "DIR",
              "See only this directory from then on; the output directory is inside of it. Needs "
              "--user.",
              TextOption{&o->privileges.directory}, kHostsGroup});
}

void AddFileForm(OptionTable* table, SinkOptions* o) {
  table->Add({"--md5", "", "MD5 of files and bodies in the report.", FlagOption{&o->digests.md5}});
  table->Add(
      {"--sha1", "", "SHA-1 of files and bodies in the report.", FlagOption{&o->digests.sha1}});
  table->Add({"--sha256", "", "SHA-256 of files and bodies in the report.",
              FlagOption{&o->digests.sha256}});
  table->Add({"-T,--template", "TEMPLATE", "Template of file names.",
              TextOption{&o->name_template, /*shows_default=*/true}});
  table->Add({"-F,--format", "LETTERS",
              "Letters that change the template: t or T put the time in front, k, m or g make "
              "directories.",
              TextOption{&o->format_letters}});
  table->AddAll(MaxBytesOptionTable(&o->max_bytes));
}

void AddResources(OptionTable* table, SinkOptions* o) {
  table->Add({"--workers", "N", "Threads that write; 0: by the number of cores.",
              NumberOption{&o->workers, 0, 256}, kLimitsGroup});
  table->Add({"-f,--max-descriptors", "N",
              "Files that are open at a time; 0: as many as the system allows.",
              NumberOption{&o->max_descriptors, 0, 1 << 20}, kLimitsGroup});
  table->Add({"--shard", "K/N", "Take the k-th of n shares of the flows, counted from 0.",
              TextOption{&o->shard, /*shows_default=*/true, CheckShard}, kHostsGroup});
  AddMemoryOption(table, &o->memory_bytes);
  table->Add({"--window", "BYTES", "Bytes taken from the reassembler in advance.",
              SizeOption{&o->window_bytes, size_t{1} << 16, size_t{1} << 40}, kLimitsGroup});
}

OptionTable SinkOptionTable(SinkOptions* o) {
  OptionTable table;
  AddLinkOptions(&table, o);
  AddOutputs(&table, o);
  AddAlerts(&table, o);
  AddPrivileges(&table, o);
  AddFileForm(&table, o);
  AddResources(&table, o);
  table.Add({"--no-journal", "",
             "Do not note which flows are open: a sink of this name that is started after this "
             "one was killed does not go on with its files.",
             FlagOption{&o->journal, false}});
  AddDurableOption(&table, &o->durable, kOutputGroup);
  table.Add(
      {"--command-line", "TEXT", "What the report says was typed.", TextOption{&o->command_line}});
  table.Add({"--summary", "", "Print a short ledger on standard error at the end.",
             FlagOption{&o->summary}});
  return table;
}

}  // namespace

OptionTable MaxBytesOptionTable(int64_t* bytes) {
  OptionTable table;
  table.Add({"-b,--max-bytes", "BYTES",
             "Write at most so many bytes of a stream (also 64k, 10M, 1G); -1: all. [-1]",
             ParsedOption{[bytes](const std::string& text) {
                            return ParseBytes(text, bytes)
                                       ? ""
                                       : absl::StrCat("'", text,
                                                      "' is not a number of bytes (10, 64k, 1G)");
                          },
                          [bytes] { return *bytes < 0 ? "" : absl::StrCat(*bytes); }}});
  return table;
}

OptionTable ReportOptionTable(SinkOptions* o) {
  OptionTable table;
  table.Add(
      {"--report-form", "FORM", "Build the report as DFXML 2.0 has it, or as tcpflow does. [dfxml]",
       WordOption{{"dfxml", "tcpflow"},
                  [o](const std::string& form) {
                    o->report_form = form == "tcpflow" ? ReportForm::kTcpflow : ReportForm::kDfxml;
                  },
                  [o] { return o->report_form == ReportForm::kTcpflow ? "tcpflow" : "dfxml"; },
                  "dfxml"}});
  table.Add({"--report-roll", "SECONDS",
             "Begin a new report after so long: report-0001.xml, report-0002.xml ...; 0: one "
             "report.",
             NumberOption{&o->report_roll_s, 0, int64_t{1} << 30}});
  return table;
}

OptionTable TlsOptionTable(SinkOptions* o) {
  OptionTable table;
  table.Add({"--keylog", "FILE",
             "Decrypt TLS with the secrets in this file (SSLKEYLOGFILE's format), which may still "
             "grow: NAME-TLS, and HTTP in it. Capture files may carry secrets too.",
             TextOption{&o->key_log}, kHttpGroup});
  table.Add({"--tls-key", "PEM",
             "Decrypt TLS up to 1.2 whose key exchange is RSA with the server's private key. "
             "Repeatable.",
             TextsOption{&o->tls_keys}, kHttpGroup});
  return table;
}

void AddSinkFlags(CLI::App& app, SinkOptions* options) {
  AddOptions(app, SinkOptionTable(options));
}

std::vector<std::string> SinkArguments(SinkOptions options) {
  return OptionArguments(SinkOptionTable(&options));
}

bool ParseShard(const std::string& text, uint32_t* shard, uint32_t* shards) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], shard) &&
         absl::SimpleAtoi(parts[1], shards) && *shard < *shards && *shards <= 256;
}

}  // namespace flowstitch
