#include "reassembler/reassembler_options.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

// A time-out in seconds on the command line, in nanoseconds inside.
void AddSeconds(CLI::App& app, const std::string& flag, int64_t* ns, const std::string& help) {
  app.add_option_function<int64_t>(
         flag, [ns](const int64_t& seconds) { *ns = seconds * kNsPerSecond; },
         absl::StrCat(help, " [", *ns / kNsPerSecond, "]"))
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
}

}  // namespace

void AddReassemblerFlags(CLI::App& app, ReassemblerOptions* options) {
  app.add_option("--captures", options->captures,
                 "Take packets from captures here. '>' in front connects instead of binding.")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option("--sinks", options->sinks,
                 "Give streams to sinks here; 'none' when only the tap is wanted.")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option("--tap", options->tap,
                 "Publish the batches of streams here for anyone (PUB, topic 'streams.SHARD').")
      ->type_name("ENDPOINT");
  app.add_option("--name", options->name, "This reassembler's name (default: the machine's name).")
      ->type_name("NAME");
  app.add_option("--sources", options->sources,
                 "Start when so many sources are there, and end when they have ended; 0: take "
                 "whatever comes until stopped.")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--wait-sinks", options->wait_sinks, "Start when so many sinks are there.")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--shard", options->shard, "This reassembler's number among several, from 0.")
      ->type_name("K")
      ->capture_default_str();
  app.add_option("--reorder-window", options->reorder_window_ms,
                 "A live source that lags more than this no longer holds the others up.")
      ->type_name("MS")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--window", options->window_bytes, "Bytes taken from a source in advance.")
      ->type_name("BYTES")
      ->check(CLI::Range(size_t{1} << 16, size_t{1} << 40))
      ->capture_default_str();
  app.add_option("--buffer", options->buffer_bytes,
                 "Bytes kept for sinks that have not acknowledged them; when full, nothing more is "
                 "taken from the sources.")
      ->type_name("BYTES")
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 40))
      ->capture_default_str();
  TcpLimits& limits = options->limits;
  app.add_option("--max-flows", limits.flows,
                 "Open flows; beyond, the one silent longest is closed as evicted.")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-half-open", limits.half_open_flows,
                 "Connection attempts; beyond, the oldest is forgotten.")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-stream-waiting", limits.stream_waiting_bytes,
                 "Bytes of one stream that wait behind a hole; beyond, the hole becomes a gap.")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--max-waiting", limits.all_waiting_bytes, "The same for all streams together.")
      ->type_name("BYTES")
      ->capture_default_str();
  AddSeconds(app, "--idle-timeout", &limits.idle_timeout_ns,
             "Close a flow that was silent so long, in packet time.");
  AddSeconds(app, "--grace", &limits.acknowledged_grace_ns,
             "Wait so long, in packet time, for bytes that the peer acknowledged and no sensor has "
             "delivered.");
}

std::vector<std::string> ReassemblerArguments(const ReassemblerOptions& o) {
  std::vector<std::string> arguments = {
      "--captures",
      o.captures,
      "--sinks",
      o.sinks,
      "--name",
      o.name,
      "--sources",
      absl::StrCat(o.sources),
      "--wait-sinks",
      absl::StrCat(o.wait_sinks),
      "--shard",
      absl::StrCat(o.shard),
      "--reorder-window",
      absl::StrCat(o.reorder_window_ms),
      "--window",
      absl::StrCat(o.window_bytes),
      "--buffer",
      absl::StrCat(o.buffer_bytes),
      "--max-flows",
      absl::StrCat(o.limits.flows),
      "--max-half-open",
      absl::StrCat(o.limits.half_open_flows),
      "--max-stream-waiting",
      absl::StrCat(o.limits.stream_waiting_bytes),
      "--max-waiting",
      absl::StrCat(o.limits.all_waiting_bytes),
      "--idle-timeout",
      absl::StrCat(o.limits.idle_timeout_ns / kNsPerSecond),
      "--grace",
      absl::StrCat(o.limits.acknowledged_grace_ns / kNsPerSecond)};
  if (!o.tap.empty()) arguments.insert(arguments.end(), {"--tap", o.tap});
  return arguments;
}

}  // namespace flowstitch
