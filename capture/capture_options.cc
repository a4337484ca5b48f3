#include "capture/capture_options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/process/durable_flag.h"
#include "base/process/help_text.h"
#include "capture/frame_filter.h"
#include "transport/endpoint.h"
#include "transport/link/hello.h"

namespace flowstitch {

void AddCaptureFlags(CLI::App& app, CaptureOptions* options,
                     std::vector<std::string>* filter_words) {
  app.add_option("-r,--read", options->files,
                 "Read this capture file (pcap or pcapng, also compressed with gzip, bzip2, xz, "
                 "lzma, zstd, lz4, compress or zip; '-' is standard input). Repeatable; the files "
                 "are read one after the other.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-R,--continue", options->continued_files,
                 "Read this capture file after all others; its frames go on with flows that are "
                 "open, and open none. Repeatable.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option_function<double>(
         "--time-offset",
         [options](const double& seconds) {
           options->time_offset_ns = static_cast<int64_t>(seconds * kNsPerSecond);
         },
         "Add so many seconds to every capture time. [0]")
      ->type_name("SECONDS")
      ->check(CLI::Range(-1e9, 1e9));
  app.add_option("-U,--user", options->privileges.user,
                 "Become this user once the inputs are open. [under sudo, whoever called it]")
      ->type_name("USER");
  app.add_option("-z,--chroot", options->privileges.directory,
                 "See only this directory once the inputs are open; needs --user.")
      ->type_name("DIR");
  app.add_option("-i,--interface", options->live.interface, "Capture from this interface.")
      ->type_name("IFACE");
  app.add_flag("-p{false},--no-promiscuous{false}", options->live.promiscuous,
               "Do not put the interface into promiscuous mode.");
  app.add_option("--snaplen", options->live.snap_length, "Capture so many bytes of a frame.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(64, static_cast<int>(kMaxFrameBytes)))
      ->capture_default_str();
  app.add_option("--kernel-buffer", options->live.buffer_bytes,
                 "Size of the kernel's buffer for the interface.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(1 << 16, 1 << 30))
      ->capture_default_str();
  app.add_flag(
      "--immediate", options->live.immediate,
      "Have the kernel hand over each frame at once instead of collecting them for up to 10 "
      "ms. Its buffer then holds far fewer frames.");
  app.add_option("--buffer-timeout", options->live.buffer_timeout_ms,
                 "Have the kernel keep frames back for at most so long.")
      ->type_name("MS")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--name", options->name,
                 "This source's name, unique among the sources of a reassembler. [its key's name, "
                 "or the machine's]")
      ->type_name("NAME");
  app.add_option("--reassembler", options->reassembler,
                 "Where the reassembler takes packets; several shards are separated by commas. "
                 "'@' in front of an endpoint binds it instead of connecting.")
      ->type_name("ENDPOINT[,ENDPOINT...]")
      ->capture_default_str();
  app.add_option("--tap", options->tap,
                 "Publish the batches of packets here for anyone (PUB, topic 'packets.NAME').")
      ->type_name("ENDPOINT");
  app.add_option("--buffer", options->buffer_bytes,
                 "Bytes kept for a reassembler that has not acknowledged them. When full, a file "
                 "waits and an interface's newest frames are dropped and counted.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 40))
      ->capture_default_str();
  app.add_option(
         "--spool", options->spool,
         "When that buffer is full, an interface's frames go into capture files here until "
         "the reassembler takes them; also those that an earlier process of this name left.")
      ->type_name("DIR");
  app.add_option(
         "--spool-size", options->spool_bytes,
         "The files' bytes at most (also 64K, 10M, 20G), for each shard; beyond, the newest "
         "frames are dropped and counted.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  AddDurableFlag(app, &options->durable);
  AddSecurityFlags(app, &options->security);
  AddMetricsFlag(app, &options->metrics);
  AddShareMemoryFlag(app, &options->memory);
  app.add_flag("--progress", options->progress, "Show progress on standard error.");
  app.add_option("expression", *filter_words, "Frames to take, in pcap-filter's language.")
      ->type_name("FILTER");
  GroupOptions(
      app, kInputGroup,
      {"--read", "--continue", "--time-offset", "--user", "--chroot", "--interface",
       "--no-promiscuous", "--snaplen", "--kernel-buffer", "--immediate", "--buffer-timeout"});
  GroupOptions(app, kHostsGroup,
               {"--name", "--reassembler", "--tap", "--spool", "--spool-size", "--durable", "--key",
                "--allow", "--peer-key", "--insecure", "--metrics", "--share-memory"});
  GroupOptions(app, kLimitsGroup, {"--buffer"});
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

std::vector<std::string> CaptureArguments(const CaptureOptions& options) {
  std::vector<std::string> arguments;
  for (const std::string& file : options.files) arguments.insert(arguments.end(), {"-r", file});
  for (const std::string& file : options.continued_files) {
    arguments.insert(arguments.end(), {"-R", file});
  }
  if (!options.live.interface.empty()) {
    arguments.insert(arguments.end(), {"-i", options.live.interface});
  }
  if (!options.live.promiscuous) arguments.push_back("-p");
  if (options.live.immediate) arguments.push_back("--immediate");
  arguments.insert(
      arguments.end(),
      {"--snaplen", absl::StrCat(options.live.snap_length), "--kernel-buffer",
       absl::StrCat(options.live.buffer_bytes), "--name", options.name, "--reassembler",
       options.reassembler, "--buffer", absl::StrCat(options.buffer_bytes), "--buffer-timeout",
       absl::StrCat(options.live.buffer_timeout_ms)});
  if (options.time_offset_ns != 0) {
    arguments.insert(
        arguments.end(),
        {"--time-offset", absl::StrFormat("%.9f", static_cast<double>(options.time_offset_ns) /
                                                      static_cast<double>(kNsPerSecond))});
  }
  const auto text = [&arguments](const char* name, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  text("--user", options.privileges.user);
  text("--chroot", options.privileges.directory);
  if (!options.tap.empty()) arguments.insert(arguments.end(), {"--tap", options.tap});
  const std::vector<std::string> security = SecurityArguments(options.security);
  arguments.insert(arguments.end(), security.begin(), security.end());
  if (!options.metrics.empty()) arguments.insert(arguments.end(), {"--metrics", options.metrics});
  if (!options.spool.empty()) {
    arguments.insert(arguments.end(),
                     {"--spool", options.spool, "--spool-size", absl::StrCat(options.spool_bytes),
                      "--durable", DurabilityName(options.durable)});
  }
  if (options.progress) arguments.push_back("--progress");
  if (!options.filter.empty()) arguments.insert(arguments.end(), {"--", options.filter});
  return arguments;
}

}  // namespace flowstitch
