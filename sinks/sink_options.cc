#include "sinks/sink_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/process/durable_flag.h"
#include "base/process/help_text.h"
#include "base/process/memory_flag.h"

namespace flowstitch {

bool ParseBytes(const std::string& text, int64_t* bytes) {
  constexpr std::string_view kUnits = "kMGT";
  std::string digits = text;
  int shift = 0;
  if (!digits.empty() && kUnits.find(digits.back() == 'K' ? 'k' : digits.back()) != kUnits.npos) {
    shift = 10 * (1 + static_cast<int>(kUnits.find(digits.back() == 'K' ? 'k' : digits.back())));
    digits.pop_back();
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) return false;
  if (number < -1 || (number == -1 && shift != 0) || number > (INT64_MAX >> shift)) return false;
  *bytes = number < 0 ? number : number << shift;
  return true;
}

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

void AddConsoleOrderFlag(CLI::App& app, ConsoleOptions* form) {
  app.add_option_function<std::string>(
         "--console-order",
         [form](const std::string& order) { form->packet_order = order == "packet"; },
         "Console: pieces in the order of the stream, or as the packets came, repeats included. "
         "[stream]")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"stream", "packet"}));
}

void AddPayloadFlag(CLI::App& app, ConsoleOptions* form) {
  app.add_option("--payload", form->payload,
                 "Console: how a piece's bytes stand in its JSON object: array (payload: numbers), "
                 "hex (payload_hex), base64 (payload_base64). [array]")
      ->type_name("FORM")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, PayloadForm>{{"array", PayloadForm::kArray},
                                             {"hex", PayloadForm::kHex},
                                             {"base64", PayloadForm::kBase64}}));
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

void AddHttpFlags(CLI::App& app, SinkOptions* o) {
  app.add_flag("--http-heads", o->http_heads,
               "Write NAME-HTTP: the heads of the HTTP messages of each stream.");
  app.add_option_function<std::string>(
         "--body-names",
         [o](const std::string& names) {
           o->body_names = names == "type"     ? BodyNames::kType
                           : names == "digest" ? BodyNames::kDigest
                                               : BodyNames::kContent;
         },
         "Names of HTTP bodies: by the message with an ending by its type (type), also by its "
         "content where the type is missing or wrong (content), or by the SHA-256, each content "
         "once (digest). [content]")
      ->type_name("NAMES")
      ->check(CLI::IsMember({"type", "content", "digest"}));
  app.add_option_function<std::string>(
         "--decode-bytes",
         [o](const std::string& text) {
           int64_t bytes = 0;
           if (!ParseBytes(text, &bytes) || bytes < 1) {
             throw CLI::ValidationError("--decode-bytes",
                                        "'" + text + "' is not a number of bytes (64k, 10M, 1G)");
           }
           o->decode_limits.max_bytes = static_cast<uint64_t>(bytes);
         },
         "Decoded bytes of one body; one that has more is kept as it came. [1G]")
      ->type_name("BYTES");
  app.add_option(
         "--decode-ratio", o->decode_limits.max_ratio,
         "Decoded bytes of a body for each of its own, over a flow, counted from 1M on; one "
         "that has more is kept as it came.")
      ->type_name("N")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--decode-layers", o->decode_limits.max_layers,
                 "Content codings one over the other; a body that has more is kept as it came.")
      ->type_name("N")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
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
  GroupOptions(app, kOutputGroup,
               {"--output",        "--files",         "--md5",           "--sha1",
                "--sha256",        "--dfxml",         "--netviz",        "--netviz-addresses",
                "--netviz-table",  "--format",        "--template",      "--report",
                "--report-form",   "--report-roll",   "--json",          "--max-bytes",
                "--find-index",    "--flow-captures", "--conversation",  "--other-frames",
                "--file-alert-fd", "--file-command",  "--body-alert-fd", "--body-command",
                "--durable",       "--no-journal",    "--command-line",  "--summary"});
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
  app.add_flag("--http", o->http,
               "Write the bodies of HTTP messages, their parts, and WebSocket messages.");
  app.add_flag("--no-decode{false}", o->decode, "Leave content codings (gzip ...) on bodies.");
  AddHttpFlags(app, o);
  app.add_flag("--dfxml", o->dfxml, "Write a DFXML report.");
  app.add_flag("--find-index", o->find_index,
               "Write NAME.findx beside each flow file: offset, time and length of each piece.");
  app.add_flag("--flow-captures", o->flow_captures,
               "Write NAME.pcap: the frames of each stream. Needs --frames flows at the "
               "reassembler.");
  app.add_option("--other-frames", o->other_frames,
                 "Write the frames that became part of no flow to this capture file. Needs "
                 "--frames others at the reassembler.")
      ->type_name("FILE");
  app.add_flag("--conversation", o->conversation,
               "Write NAME-CONVERSATION: both directions of a flow, as their bytes came.");
  app.add_option("--json", o->json,
                 "Write JSON lines (proto/record.proto): a record a flow, HTTP transaction, TLS "
                 "handshake, body, gap and conflict; '-' is standard output.")
      ->type_name("FILE");
  app.add_flag("--netviz", o->netviz.on,
               "Draw report.pdf: the traffic over time, by address, port.");
  app.add_option("--netviz-addresses", o->netviz.addresses, "Addresses that are told apart there.")
      ->type_name("N")
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  app.add_flag("--netviz-table", o->netviz.table, "Print its figures on standard output too.");
  app.add_flag("--console", o->console, "Print streams on standard output.");
  app.add_flag("--no-header{false}", o->console_form.header, "Console: no name before each piece.");
  app.add_flag("--binary", o->console_form.binary, "Console: bytes as they are.");
  app.add_flag("--hex", o->console_form.hex, "Console: a hex dump.");
  app.add_flag("--no-newline{false}", o->console_form.newline,
               "Console: no new line after each piece.");
  app.add_flag("--color", o->console_form.color, "Console: blue by the client, red by the server.");
  app.add_flag("--console-json", o->console_form.json, "Console: a JSON object a piece.");
  AddConsoleOrderFlag(app, &o->console_form);
  AddPayloadFlag(app, &o->console_form);
  app.add_flag("--places", o->console_form.places,
               "Console: a hex dump's lines count from the stream's first byte, and its header has "
               "the time, the direction and the offset.");
  app.add_flag("--utf8", o->console_form.utf8, "Console: characters of UTF-8 as they are.");
  app.add_flag("--console-http", o->console_form.http,
               "Console: HTTP with transfer and content codings taken off.");
  app.add_option("--console-lock", o->console_form.lock,
                 "Console: hold this named semaphore while a piece is printed.")
      ->type_name("NAME");
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
  flag(o.http, "--http");
  flag(o.http_heads, "--http-heads");
  flag(!o.decode, "--no-decode");
  flag(o.dfxml, "--dfxml");
  flag(o.find_index, "--find-index");
  flag(o.flow_captures, "--flow-captures");
  flag(o.conversation, "--conversation");
  flag(o.netviz.on, "--netviz");
  flag(o.netviz.table, "--netviz-table");
  flag(o.console_form.color, "--color");
  flag(o.console_form.json, "--console-json");
  flag(o.console_form.http, "--console-http");
  flag(o.console, "--console");
  flag(!o.console_form.header, "--no-header");
  flag(o.console_form.places, "--places");
  flag(o.console_form.utf8, "--utf8");
  flag(o.console_form.binary, "--binary");
  flag(o.console_form.hex, "--hex");
  flag(!o.console_form.newline, "--no-newline");
  flag(o.digests.md5, "--md5");
  flag(o.digests.sha1, "--sha1");
  flag(o.digests.sha256, "--sha256");
  flag(o.summary, "--summary");
  flag(!o.journal, "--no-journal");
  const auto option = [&arguments](const std::string& value, const char* name) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  option(o.report_path, "--report");
  option(o.other_frames, "--other-frames");
  option(o.json, "--json");
  option(o.key_log, "--keylog");
  for (const std::string& path : o.tls_keys) option(path, "--tls-key");
  option(o.body_names == BodyNames::kType     ? "type"
         : o.body_names == BodyNames::kDigest ? "digest"
                                              : "",
         "--body-names");
  option(absl::StrCat(o.decode_limits.max_bytes), "--decode-bytes");
  option(absl::StrCat(o.decode_limits.max_ratio), "--decode-ratio");
  option(absl::StrCat(o.decode_limits.max_layers), "--decode-layers");
  option(o.durable != Durability::kOff ? DurabilityName(o.durable) : "", "--durable");
  option(o.console_form.lock, "--console-lock");
  option(o.console_form.payload == PayloadForm::kHex      ? "hex"
         : o.console_form.payload == PayloadForm::kBase64 ? "base64"
                                                          : "",
         "--payload");
  option(o.console_form.packet_order ? "packet" : "", "--console-order");
  option(o.report_form == ReportForm::kTcpflow ? "tcpflow" : "", "--report-form");
  option(o.memory_bytes > 0 ? absl::StrCat(o.memory_bytes) : "", "--memory");
  option(o.report_roll_s > 0 ? absl::StrCat(o.report_roll_s) : "", "--report-roll");
  option(o.netviz.on ? absl::StrCat(o.netviz.addresses) : "", "--netviz-addresses");
  option(o.file_alerts.fd >= 0 ? absl::StrCat(o.file_alerts.fd) : "", "--file-alert-fd");
  option(o.file_alerts.command, "--file-command");
  option(o.body_alerts.fd >= 0 ? absl::StrCat(o.body_alerts.fd) : "", "--body-alert-fd");
  option(o.body_alerts.command, "--body-command");
  option(o.privileges.user, "--user");
  option(o.privileges.directory, "--chroot");
  option(o.format_letters, "-F");
  option(o.command_line, "--command-line");
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
