#include "capture/capture_options.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {

void AddCaptureFlags(CLI::App& app, CaptureOptions* options,
                     std::vector<std::string>* filter_words) {
  app.add_option("-r,--read", options->files,
                 "Read this capture file (pcap or pcapng; '-' is standard input). Repeatable; the "
                 "files are read one after the other.")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-i,--interface", options->live.interface, "Capture from this interface.")
      ->type_name("IFACE");
  app.add_flag("-p,--no-promiscuous{false}", options->live.promiscuous,
               "Do not put the interface into promiscuous mode.");
  app.add_option("--snaplen", options->live.snap_length, "Capture so many bytes of a frame.")
      ->type_name("BYTES")
      ->check(CLI::Range(64, static_cast<int>(kMaxFrameBytes)))
      ->capture_default_str();
  app.add_option("--kernel-buffer", options->live.buffer_bytes,
                 "Size of the kernel's buffer for the interface.")
      ->type_name("BYTES")
      ->check(CLI::Range(1 << 16, 1 << 30))
      ->capture_default_str();
  app.add_flag(
      "--immediate", options->live.immediate,
      "Have the kernel hand over each frame at once instead of collecting them for up to 10 "
      "ms. Its buffer then holds far fewer frames.");
  app.add_option("--name", options->name,
                 "This source's name, unique among the sources of a reassembler (default: the "
                 "machine's name).")
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
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 40))
      ->capture_default_str();
  app.add_flag("--progress", options->progress, "Show progress on standard error.");
  app.add_option("expression", *filter_words, "Frames to take, in pcap-filter's language.")
      ->type_name("FILTER");
}

std::vector<std::string> CaptureArguments(const CaptureOptions& options) {
  std::vector<std::string> arguments;
  for (const std::string& file : options.files) arguments.insert(arguments.end(), {"-r", file});
  if (!options.live.interface.empty()) {
    arguments.insert(arguments.end(), {"-i", options.live.interface});
  }
  if (!options.live.promiscuous) arguments.push_back("-p");
  if (options.live.immediate) arguments.push_back("--immediate");
  arguments.insert(arguments.end(), {"--snaplen", absl::StrCat(options.live.snap_length),
                                     "--kernel-buffer", absl::StrCat(options.live.buffer_bytes),
                                     "--name", options.name, "--reassembler", options.reassembler,
                                     "--buffer", absl::StrCat(options.buffer_bytes)});
  if (!options.tap.empty()) arguments.insert(arguments.end(), {"--tap", options.tap});
  if (options.progress) arguments.push_back("--progress");
  if (!options.filter.empty()) arguments.insert(arguments.end(), {"--", options.filter});
  return arguments;
}

}  // namespace flowstitch
