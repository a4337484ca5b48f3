#include "deploy/launcher/launcher_options.h"

#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/durable_option.h"
#include "base/memory/memory_option.h"
#include "base/process/help_text.h"
#include "base/process/option_flags.h"
#include "base/process/program.h"
#include "sinks/sink_checks.h"

namespace flowstitch {
namespace {

// Between the reader of files and the reassembler; a few batches.
constexpr size_t kReadAheadBytes = size_t{16} << 20;

// All names that -e knows.
std::string WriterNames(const SinkOptions& sink) {
  std::string names = "tcpdemux (files), md5, sha1, sha256, dfxml, wifiviz";
  for (const auto& kind : sink.writers) {
    if (!kind->name().empty()) absl::StrAppend(&names, ", ", kind->name());
  }
  return names + ", all";
}

// tcpflow's scanner names, and ours. False when there is no such writer.
bool Switch(const std::string& name, bool on, SinkOptions* sink) {
  if (name == "tcpdemux" || name == "files") {
    sink->files = on;
  } else if (name == "md5") {
    sink->digests.md5 = on;
  } else if (name == "sha1") {
    sink->digests.sha1 = on;
  } else if (name == "sha256") {
    sink->digests.sha256 = on;
  } else if (name == "dfxml") {
    sink->dfxml = on;
  } else if (name == "wifiviz") {
    // Beacons are counted in passing, and stand in every report.
  } else if (name == "all") {
    sink->files = sink->dfxml = sink->digests.md5 = on;
    sink->content().Want(on);
    sink->netviz().Want(on);
  } else if (WriterKind* const kind = sink->writers.Named(name)) {
    kind->Want(on);
  } else {
    return false;
  }
  return true;
}

absl::Status SwitchAll(const std::vector<std::string>& names, bool on, SinkOptions* sink) {
  for (const std::string& name : names) {
    if (Switch(name, on, sink)) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("there is no writer '%s'; there are %s", name, WriterNames(*sink)));
  }
  return absl::OkStatus();
}

bool IsFile(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode));
}

// Whether standard output is a terminal whose characters are those of UTF-8 (locale(7)).
bool ShowsUtf8() {
  if (!isatty(STDOUT_FILENO)) return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* locale = std::getenv(name);
    if (locale == nullptr || *locale == '\0') continue;
    const std::string text = absl::AsciiStrToLower(locale);
    return absl::StrContains(text, "utf-8") || absl::StrContains(text, "utf8");
  }
  return false;
}

// As tcpflow: without -r and -i, the first interface.
absl::Status ChooseInterface(CaptureOptions* capture) {
  char error[PCAP_ERRBUF_SIZE] = {};
  pcap_if_t* interfaces = nullptr;
  if (pcap_findalldevs(&interfaces, error) != 0 || interfaces == nullptr) {
    return absl::NotFoundError(
        "no interface to capture from; give a capture file with -r, or an interface with -i");
  }
  capture->live.interface = interfaces->name;
  pcap_freealldevs(interfaces);
  return absl::OkStatus();
}

}  // namespace

namespace {

void AddInputFlags(CLI::App& app, LauncherOptions* o) {
  app.add_option("-r,--read", o->capture.files,
                 "Read this capture file: pcap or pcapng, also compressed with gzip, bzip2, xz, "
                 "lzma, zstd, lz4, compress or zip; '-' is standard input. Repeatable.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-R,--continue", o->capture.continued_files,
                 "Read this one after all others; it goes on with flows that are open, and opens "
                 "none. Repeatable.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("-l,--all-files", o->words_are_files,
               "What stands behind the options are capture files.");
  app.add_option("-i,--interface", o->capture.live.interface,
                 "Capture from this interface. [without -r, the first one]")
      ->type_name("IFACE");
  app.add_flag("-p{false},--no-promiscuous{false}", o->capture.live.promiscuous,
               "Do not put the interface into promiscuous mode.");
  app.add_option(
         "-U,--user,--relinquish-privileges", o->capture.privileges.user,
         "Become this user once the inputs are open. [under sudo, whoever called it; root stays "
         "root, without capabilities]")
      ->type_name("USER");
  app.add_option("-z,--chroot", o->capture.privileges.directory,
                 "See only this directory from then on; output goes inside of it. Needs -U.")
      ->type_name("DIR");
  GroupOptions(app, kInputGroup,
               {"--read", "--continue", "--all-files", "--interface", "--no-promiscuous", "--user",
                "--chroot"});
}

void AddWriterFlags(CLI::App& app, LauncherOptions* o) {
  app.add_option("-o,--output", o->sink.directory, "Directory for everything that is written.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("-a,--all", o->all, "Everything: files, HTTP bodies, MD5, the report, report.pdf.");
  app.add_option("-A", o->deprecated, "tcpflow's old form of -a -e http; says so, does nothing.")
      ->type_name("LETTER")
      ->allow_extra_args(false);
  app.add_option("-e,--enable", o->enable,
                 absl::StrCat("Switch a writer on: ", WriterNames(o->sink), ". Repeatable."))
      ->type_name("WRITER")
      ->allow_extra_args(false);
  app.add_option("-E,--enable-only", o->enable_only,
                 "Switch all others off, and this writer on. Repeatable.")
      ->type_name("WRITER")
      ->allow_extra_args(false);
  app.add_option("-x,--disable", o->disable, "Switch a writer off. Repeatable.")
      ->type_name("WRITER")
      ->allow_extra_args(false);
  // By the names that flowstitch-sink has for them.
  for (const char* writer : {"files", "http", "md5", "sha1", "sha256", "dfxml", "netviz"}) {
    app.add_flag_callback(
        absl::StrCat("--", writer), [o, writer] { o->enable.emplace_back(writer); },
        absl::StrCat("As -e ", writer, "."));
  }
  GroupOptions(app, kOutputGroup,
               {"--output", "--all", "--enable", "--enable-only", "--disable", "--files", "--md5",
                "--sha1", "--sha256", "--dfxml", "--netviz"});
  GroupOptions(app, kHttpGroup, {"--http"});
}

void AddFileFlags(CLI::App& app, LauncherOptions* o) {
  app.add_option(
         "-F,--format", o->format_letters,  // letters of several are taken together
         "Form of file names: c with a counter (always), t or T with the time in front, k, m, "
         "g in directories of a thousand, a million, a billion; X no flow files, only the report; "
         "M with MD5.")
      ->type_name("LETTERS")
      ->allow_extra_args(false);
  app.add_option("-T,--template", o->sink.name_template, "Template of file names.")
      ->type_name("TEMPLATE")
      ->capture_default_str();
  app.add_option("-X,--report", o->sink.report_path,
                 "The report's path; '-' is standard output. [report.xml in the directory]")
      ->type_name("FILE");
  AddOptions(app, ReportOptionTable(&o->sink));
  app.add_option("--json", o->sink.json,
                 "Write JSON lines: a record a flow, HTTP transaction, TLS handshake, body, gap "
                 "and conflict; '-' is standard output.")
      ->type_name("FILE");
  AddOptions(app, MaxBytesOptionTable(&o->sink.max_bytes));
  app.add_option("-f,--max-descriptors", o->sink.max_descriptors,
                 "Files that are open at a time; 0: what is allowed.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  GroupOptions(app, kOutputGroup, {"--format", "--template", "--report", "--json"});
  GroupOptions(app, kLimitsGroup, {"--max-descriptors"});
}

void AddConsoleFlags(CLI::App& app, LauncherOptions* o) {
  app.add_flag("-c,--console", o->console, "Print on the console instead of writing files.");
  app.add_flag("-C,--no-header", o->console_bare, "As -c, without the name before each piece.");
  AddOptions(app, o->sink.writers.Options(/*one_host=*/true),
             {{"--find-index", "-I"},
              {"--flow-captures", "-K"},
              {"--other-frames", "-w"},
              {"--no-decode", "-Z"},
              {"--hex", "-D"},
              {"--console-json", "-J"},
              {"--binary", "-B"},
              {"--color", "-g"},
              {"--no-newline", "-0"},
              {"--console-lock", "-L"}});
  AddOptions(app, TlsOptionTable(&o->sink));
  app.add_flag("-s", o->strip, "Console: print '.' for what cannot be printed, as without it.");
  GroupOptions(app, kConsoleGroup, {"--console", "--no-header", "-s"});
}

// What tcpflow has besides, and how much is said.
void AddFurtherFlags(CLI::App& app, LauncherOptions* o) {
  app.add_option("-m", o->max_seek,
                 "A segment further than this from its stream does not belong to it: --max-seek.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  app.add_flag("-P", o->no_purge, "Accepted: no flow is purged before its time.");
  app.add_option("-S,--setting", o->settings,
                 "One of tcpflow's settings; -H lists them. Repeatable.")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_flag("-q,--quiet", o->quiet, "No progress, no summary, no warnings.");
  app.add_flag("-v,--verbose", o->verbose, "Say more.");
  app.add_option("-d", o->debug_level, "Say more, if more than 1.")
      ->type_name("LEVEL")
      ->capture_default_str();
  app.add_flag_callback(
      "-H,--list-writers", [] { throw CLI::CallForVersion(WritersHelp(), 0); },
      "Print the writers and settings, and what each does.");
  app.add_flag("--as-tcpflow", o->as_tcpflow,
               "Behave as when invoked as 'tcpflow': its form of the report, its console's order, "
               "no summary.");
  GroupOptions(app, kLimitsGroup, {"-m"});
}

void AddProcessFlags(CLI::App& app, LauncherOptions* o) {
  app.add_flag("--processes", o->processes,
               "Run the stages as processes of their own, connected over ipc: what parses foreign "
               "bytes runs without the capture's privileges.");
  app.add_option("--workers", o->sink.workers, "Threads that write; 0: by the number of cores.")
      ->type_name("N")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--packet-tap", o->capture.tap, "Publish the batches of packets here (PUB).")
      ->type_name("ENDPOINT");
  app.add_option("--stream-tap", o->reassembler.tap, "Publish the batches of streams here (PUB).")
      ->type_name("ENDPOINT");
  OptionTable table;
  AddDurableOption(&table, &o->sink.durable, kOutputGroup);
  AddSecurityOptions(&table, &o->security);
  AddMetricsOption(&table, &o->metrics);
  AddOptions(app, table);
  GroupOptions(app, kHostsGroup, {"--processes", "--packet-tap", "--stream-tap"});
  GroupOptions(app, kLimitsGroup, {"--workers"});
}

}  // namespace

void AddLauncherFlags(CLI::App& app, LauncherOptions* o) {
  AddInputFlags(app, o);
  AddWriterFlags(app, o);
  AddFileFlags(app, o);
  AddConsoleFlags(app, o);
  AddFurtherFlags(app, o);
  AddProcessFlags(app, o);
  AddReassemblyFlags(app, &o->reassembler);
  OptionTable memory;
  AddMemoryOption(&memory, &o->memory_bytes);
  AddOptions(app, memory);
  app.add_option("expression", o->words,
                 "Frames to take, in pcap-filter's language; with -l capture files.")
      ->type_name("FILTER");
}

const std::vector<std::string>& MostUsedOptions() {
  static const std::vector<std::string> names = {
      "expression", "--read",         "--interface", "--output", "--all",
      "--enable",   "--json",         "--report",    "--keylog", "--console",
      "--hex",      "--console-json", "--quiet",     "--version"};
  return names;
}

namespace {

// What writes: defaults, -a, -E, -e, -x, -F, in this order.
absl::Status ResolveWriters(LauncherOptions* o) {
  SinkOptions& sink = o->sink;
  const bool report_is_named = !sink.report_path.empty();
  // These stand in the place of flow files, unless both are asked for.
  sink.files = !sink.writers.AnyWanted(&WriterKind::replaces_flow_files);
  sink.dfxml = true;
  if (o->all) Switch("all", true, &sink);
  if (!o->enable_only.empty()) {
    sink.files = false;
    sink.content().Want(false);
    sink.digests = {};
  }
  for (const auto& [names, on] : {std::pair{&o->enable, true}, std::pair{&o->enable_only, true},
                                  std::pair{&o->disable, false}}) {
    if (const absl::Status status = SwitchAll(*names, on, &sink); !status.ok()) return status;
  }
  const std::string letters = absl::StrJoin(o->format_letters, "");
  for (const char letter : letters) {
    if (letter == 'X') sink.files = false;
    if (letter == 'M') sink.digests.md5 = true;
  }
  if (o->no_report) sink.dfxml = false;
  sink.format_letters = letters;
  ConsoleWriterKind& console = sink.console();
  const bool bare_form = console.form.hex || console.form.json;
  console.on = o->console || o->console_bare || bare_form;
  if (!console.on) return absl::OkStatus();
  console.form.header = !o->console_bare;
  console.form.http = sink.content().bodies;
  sink.files = sink.content().bodies = sink.content().heads = false;
  sink.writers.Named("findx")->Want(false);
  sink.dfxml = sink.dfxml && report_is_named;
  return absl::OkStatus();
}

}  // namespace

std::string FileAmongWords(const LauncherOptions& options) {
  if (options.words_are_files) return "";
  const auto file = std::find_if(options.words.begin(), options.words.end(), IsFile);
  if (file == options.words.end()) return "";
  return absl::StrFormat("; '%s' is a file: read it with -r", *file);
}

absl::Status ResolveLauncherOptions(const std::string& command_line, LauncherOptions* o) {
  o->reassembler.memory_bytes = o->memory_bytes;
  o->sink.memory_bytes = o->memory_bytes;
  o->reassembler.feeds_own_sink = !o->processes;
  SinkOptions& sink = o->sink;
  for (const std::string& setting : o->settings) {
    if (const absl::Status status = ApplySetting(setting, o); !status.ok()) return status;
  }
  sink.console().form.places = !o->as_tcpflow;
  sink.console().form.utf8 = !o->as_tcpflow && ShowsUtf8();
  if (o->as_tcpflow) {
    sink.report_form = ReportForm::kTcpflow;
    sink.console().form.packet_order = true;
    sink.content().names = BodyNames::kType;
    o->quiet = true;
  }
  if (const absl::Status status = ResolveWriters(o); !status.ok()) return status;
  // Nothing is said over what goes to standard output.
  const bool has_output = UsersOfOutput(sink) > 0;
  sink.summary = !o->quiet && !has_output;
  sink.command_line = command_line;
  sink.name = "sink";
  CaptureOptions& capture = o->capture;
  // Nobody filters by names of files: a shell's pattern stood behind -r.
  const bool all_are_files = !o->as_tcpflow && !capture.files.empty() && !o->words.empty() &&
                             std::all_of(o->words.begin(), o->words.end(), IsFile);
  if (o->words_are_files || all_are_files) {
    capture.files.insert(capture.files.end(), o->words.begin(), o->words.end());
  } else {
    capture.filter = absl::StrJoin(o->words, " ");
  }
  capture.name = HostName();
  capture.progress = !o->quiet && !has_output;
  if (capture.AllFiles().empty() && capture.live.interface.empty()) {
    if (const absl::Status status = ChooseInterface(&capture); !status.ok()) return status;
  }
  if (capture.privileges.any() && !capture.privileges.directory.empty() && o->processes) {
    return absl::InvalidArgumentError(
        "-z works in one process: the others' sockets would be outside of it; leave out "
        "--processes");
  }
  if (capture.live.interface.empty()) {
    // A file waits: what is read of it in advance only costs memory.
    capture.buffer_bytes = o->reassembler.window_bytes = kReadAheadBytes;
  }
  o->reassembler.name = "reassembler";
  o->reassembler.sources = 1;
  o->reassembler.wait_sinks = 1;
  if (o->max_seek) {
    o->reassembler.core.tcp.window_slack_bytes = static_cast<uint64_t>(*o->max_seek);
  }
  o->reassembler.core.frames.of_flows |= sink.writers.AnyWanted(&WriterKind::needs_flow_frames);
  o->reassembler.core.frames.others |= sink.writers.AnyWanted(&WriterKind::needs_other_frames);
  return absl::OkStatus();
}

}  // namespace flowstitch
