#include "deploy/launcher/launcher_options.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/program.h"

namespace flowstitch {
namespace {

constexpr char kScanners[] = "tcpdemux, http, md5, sha1, sha256, dfxml, all";

// tcpflow's scanner names, and ours. False when there is no such writer.
bool Switch(const std::string& name, bool on, SinkOptions* sink) {
  if (name == "tcpdemux" || name == "files") {
    sink->files = on;
  } else if (name == "http") {
    sink->http = on;
  } else if (name == "md5") {
    sink->digests.md5 = on;
  } else if (name == "sha1") {
    sink->digests.sha1 = on;
  } else if (name == "sha256") {
    sink->digests.sha256 = on;
  } else if (name == "dfxml") {
    sink->dfxml = on;
  } else if (name == "all") {
    sink->files = sink->http = sink->dfxml = sink->digests.md5 = on;
  } else {
    return false;
  }
  return true;
}

absl::Status SwitchAll(const std::vector<std::string>& names, bool on, SinkOptions* sink) {
  for (const std::string& name : names) {
    if (Switch(name, on, sink)) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("there is no writer '%s'; there are %s", name, kScanners));
  }
  return absl::OkStatus();
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

void AddLauncherFlags(CLI::App& app, LauncherOptions* o) {
  app.add_option("-r", o->capture.files,
                 "Read this capture file (pcap or pcapng, '-' is standard input). Repeatable.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-i", o->capture.live.interface,
                 "Capture from this interface (default without -r: the first one).")
      ->type_name("IFACE");
  app.add_flag("-p{false}", o->capture.live.promiscuous,
               "Do not put the interface into promiscuous mode.");
  app.add_option("-o", o->sink.directory, "Directory for everything that is written.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("-a", o->all, "Everything: files, HTTP bodies, MD5, the report.");
  app.add_option("-e", o->enable, absl::StrCat("Switch a writer on: ", kScanners, ". Repeatable."))
      ->type_name("WRITER")
      ->allow_extra_args(false);
  app.add_option("-E", o->enable_only, "Switch all others off, and this writer on. Repeatable.")
      ->type_name("WRITER")
      ->allow_extra_args(false);
  app.add_option("-x", o->disable, "Switch a writer off. Repeatable.")
      ->type_name("WRITER")
      ->allow_extra_args(false);
  app.add_option(
         "-F", o->format_letters,
         "Form of file names: c with a counter (always), t or T with the time in front, k, m, "
         "g in directories of a thousand, a million, a billion; X no report; M with MD5.")
      ->type_name("LETTERS");
  app.add_option("-T", o->sink.name_template, "Template of file names.")
      ->type_name("TEMPLATE")
      ->capture_default_str();
  app.add_option("-X", o->sink.report_path,
                 "The report's path (default: report.xml in the directory).")
      ->type_name("FILE");
  app.add_option("-b", o->sink.max_bytes, "Write at most so many bytes of a stream; -1: all.")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("-f", o->sink.max_descriptors,
                 "Files that are open at a time; 0: what is allowed.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("-c", o->console, "Print on the console instead of writing files.");
  app.add_flag("-C", o->console_bare, "As -c, without the name before each piece.");
  app.add_flag("-D", o->sink.console_form.hex, "Console: a hex dump.");
  app.add_flag("-B", o->sink.console_form.binary, "Console: bytes as they are.");
  app.add_flag("-s", o->strip, "Console: print '.' for what cannot be printed (the default).");
  app.add_flag("-0{false}", o->sink.console_form.newline, "Console: no new line after each piece.");
  app.add_option("-m", o->max_seek,
                 "A segment further than this from its stream does not belong to it.")
      ->type_name("BYTES")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_flag("-q", o->quiet, "No progress, no summary, no warnings.");
  app.add_flag("-v", o->verbose, "Say more.");
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
  AddReassemblyFlags(app, &o->reassembler);
  app.add_option("expression", o->filter_words, "Frames to take, in pcap-filter's language.")
      ->type_name("FILTER");
}

absl::Status ResolveLauncherOptions(const std::string& command_line, LauncherOptions* o) {
  SinkOptions& sink = o->sink;
  sink.files = true;
  sink.dfxml = true;
  if (o->all) Switch("all", true, &sink);
  if (!o->enable_only.empty()) {
    sink.files = sink.http = false;
    sink.digests = {};
  }
  for (const auto& [names, on] : {std::pair{&o->enable, true}, std::pair{&o->enable_only, true},
                                  std::pair{&o->disable, false}}) {
    if (const absl::Status status = SwitchAll(*names, on, &sink); !status.ok()) return status;
  }
  for (const char letter : o->format_letters) {
    if (letter == 'X') sink.dfxml = false;
    if (letter == 'M') sink.digests.md5 = true;
  }
  sink.format_letters = o->format_letters;
  if (o->console || o->console_bare) {
    sink.console = true;
    sink.console_form.header = !o->console_bare;
    sink.files = sink.http = sink.dfxml = false;
  }
  // A digest or body without a file has only the report to stand in, which is there by default.
  sink.summary = !o->quiet && !sink.console;
  sink.command_line = command_line;
  sink.name = "sink";
  CaptureOptions& capture = o->capture;
  capture.filter = absl::StrJoin(o->filter_words, " ");
  capture.name = HostName();
  capture.progress = !o->quiet && !sink.console;
  if (capture.files.empty() && capture.live.interface.empty()) {
    if (const absl::Status status = ChooseInterface(&capture); !status.ok()) return status;
  }
  o->reassembler.name = "reassembler";
  o->reassembler.sources = 1;
  o->reassembler.wait_sinks = 1;
  o->reassembler.core.tcp.window_slack_bytes = static_cast<uint64_t>(o->max_seek);
  return absl::OkStatus();
}

}  // namespace flowstitch
