#include "capture/capture_options.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/durable_option.h"
#include "base/process/option_flags.h"
#include "capture/frame_filter.h"
#include "transport/endpoint.h"
#include "transport/link/hello.h"

namespace flowstitch {
namespace {

std::string SetTimeOffset(const std::string& text, CaptureOptions* options) {
  constexpr double kMostSeconds = 1e9;
  double seconds = 0;
  if (!absl::SimpleAtod(text, &seconds) || !(std::abs(seconds) <= kMostSeconds)) {
    return absl::StrFormat("'%s' is not a number of seconds from -1e9 to 1e9", text);
  }
  options->time_offset_ns = static_cast<int64_t>(seconds * kNsPerSecond);
  return "";
}

std::string TimeOffsetText(const CaptureOptions& options) {
  if (options.time_offset_ns == 0) return "";
  return absl::StrFormat(
      "%.9f", static_cast<double>(options.time_offset_ns) / static_cast<double>(kNsPerSecond));
}

void AddInputOptions(OptionTable* table, CaptureOptions* o) {
  const auto add = [table](const char* name, const char* value, const char* help, auto place) {
    table->Add({name, value, help, place, kInputGroup});
  };
  add("-r,--read", "FILE",
      "Read this capture file (pcap or pcapng, also compressed with gzip, bzip2, xz, lzma, zstd, "
      "lz4, compress or zip; '-' is standard input). Repeatable; the files are read one after the "
      "other.",
      TextsOption{&o->files});
  add("-R,--continue", "FILE",
      "Read this capture file after all others; its frames go on with flows that are open, and "
      "open none. Repeatable.",
      TextsOption{&o->continued_files});
  add("--time-offset", "SECONDS", "Add so many seconds to every capture time. [0]",
      ParsedOption{[o](const std::string& text) { return SetTimeOffset(text, o); },
                   [o] { return TimeOffsetText(*o); }});
  add("-U,--user", "USER",
      "Become this user once the inputs are open. [under sudo, whoever called it]",
      TextOption{&o->privileges.user});
  add("-z,--chroot", "DIR", "See only this directory once the inputs are open; needs --user.",
      TextOption{&o->privileges.directory});
  add("-i,--interface", "IFACE", "Capture from this interface.", TextOption{&o->live.interface});
  add("-p,--no-promiscuous", "", "Do not put the interface into promiscuous mode.",
      FlagOption{&o->live.promiscuous, false});
  add("--snaplen", "BYTES", "Capture so many bytes of a frame.",
      SizeOption{&o->live.snap_length, 64, kMaxFrameBytes});
  add("--kernel-buffer", "BYTES", "Size of the kernel's buffer for the interface.",
      SizeOption{&o->live.buffer_bytes, 1 << 16, 1 << 30});
  add("--immediate", "",
      "Have the kernel hand over each frame at once instead of collecting them for up to 10 ms. "
      "Its buffer then holds far fewer frames.",
      FlagOption{&o->live.immediate});
  add("--buffer-timeout", "MS", "Have the kernel keep frames back for at most so long.",
      NumberOption{&o->live.buffer_timeout_ms, 1, 10'000});
}

void AddOutputOptions(OptionTable* table, CaptureOptions* o) {
  const auto add = [table](const char* name, const char* value, const char* help, auto place,
                           const char* group = kHostsGroup) {
    table->Add({name, value, help, place, group});
  };
  add("--name", "NAME",
      "This source's name, unique among the sources of a reassembler. [its key's name, or the "
      "machine's]",
      TextOption{&o->name});
  add("--reassembler", "ENDPOINT[,ENDPOINT...]",
      "Where the reassembler takes packets; several shards are separated by commas. '@' in front "
      "of an endpoint binds it instead of connecting.",
      TextOption{&o->reassembler, /*shows_default=*/true});
  add("--tap", "ENDPOINT",
      "Publish the batches of packets here for anyone (PUB, topic 'packets.NAME').",
      TextOption{&o->tap});
  add("--buffer", "BYTES",
      "Bytes kept for a reassembler that has not acknowledged them. When full, a file waits and "
      "an interface's newest frames are dropped and counted.",
      SizeOption{&o->buffer_bytes, size_t{1} << 20, size_t{1} << 40}, kLimitsGroup);
  add("--spool", "DIR",
      "When that buffer is full, an interface's frames go into capture files here until the "
      "reassembler takes them; also those that an earlier process of this name left.",
      TextOption{&o->spool});
  add("--spool-size", "BYTES",
      "The files' bytes at most (also 64K, 10M, 20G), for each shard; beyond, the newest frames "
      "are dropped and counted.",
      SizeOption{&o->spool_bytes});
}

OptionTable CaptureOptionTable(CaptureOptions* options) {
  OptionTable table;
  AddInputOptions(&table, options);
  AddOutputOptions(&table, options);
  AddDurableOption(&table, &options->durable, kHostsGroup);
  AddSecurityOptions(&table, &options->security);
  AddMetricsOption(&table, &options->metrics);
  AddShareMemoryOption(&table, &options->memory);
  table.Add({"--progress", "", "Show progress on standard error.", FlagOption{&options->progress},
             /*group=*/nullptr});
  return table;
}

}  // namespace

void AddCaptureFlags(CLI::App& app, CaptureOptions* options,
                     std::vector<std::string>* filter_words) {
  AddOptions(app, CaptureOptionTable(options));
  app.add_option("expression", *filter_words, "Frames to take, in pcap-filter's language.")
      ->type_name("FILTER");
}

absl::Status CheckCaptureOptions(const CaptureOptions& options) {
  if (options.AllFiles().empty() == options.live.interface.empty()) {
    return absl::InvalidArgumentError(
        "give either capture files (-r FILE) or an interface (-i IFACE)");
  }
  if (const absl::Status keys = CheckSecurity(options.security); !keys.ok()) return keys;
  if (const absl::Status name = CheckName(options.name); !name.ok()) return name;
  if (const auto e = ParseEndpoints(options.reassembler, false); !e.ok()) return e.status();
  if (const auto p = CheckPrivileges(options.privileges); !p.ok()) return p;
  if (!options.tap.empty()) {
    if (const auto e = ParseEndpoints(options.tap, true); !e.ok()) return e.status();
  }
  return FrameFilter::Check(options.filter);
}

std::vector<std::string> CaptureArguments(CaptureOptions options) {
  std::vector<std::string> arguments = OptionArguments(CaptureOptionTable(&options));
  if (!options.filter.empty()) arguments.insert(arguments.end(), {"--", options.filter});
  return arguments;
}

}  // namespace flowstitch
