#include "reassembler/reassembler_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/memory/memory_plan.h"
#include "base/process/help_text.h"
#include "base/process/memory_flag.h"

namespace flowstitch {
namespace {

// A figure that has a flag. Time-outs are in seconds on the command line, in nanoseconds inside.
struct SizeFlag {
  const char* name;
  const char* unit;
  size_t* value;
  size_t least;
  size_t most;
  const char* help;
};
constexpr size_t kMaxObjects = size_t{1} << 30;
constexpr size_t kMaxMemory = size_t{1} << 40;
struct TimeFlag {
  const char* name;
  int64_t* ns;
  const char* help;
};

std::vector<SizeFlag> SizeFlags(ReassemblyOptions* o) {
  return {
      {"--max-flows", "N", &o->tcp.flows, 1, kMaxObjects,
       "Open TCP flows; beyond, the one silent longest is closed as evicted."},
      {"--max-half-open", "N", &o->tcp.half_open_flows, 1, kMaxObjects,
       "Connection attempts; beyond, the oldest is forgotten."},
      {"--max-tombstones", "N", &o->tcp.tombstones, 0, kMaxObjects,
       "Closed flows that are remembered, so that a late repeat opens nothing."},
      {"--max-siblings", "N", &o->tcp.siblings, 1, 1024,
       "Flows at once between the same addresses and ports; beyond, the oldest is closed."},
      {"--max-stream-waiting", "BYTES", &o->tcp.stream_waiting_bytes, 0, kMaxMemory,
       "Bytes of one stream that wait behind a hole; beyond, the hole becomes a gap."},
      {"--max-waiting", "BYTES", &o->tcp.all_waiting_bytes, 0, kMaxMemory,
       "The same for all streams together."},
      {"--max-seek", "BYTES", &o->tcp.window_slack_bytes, 0, kMaxMemory,
       "A segment that lies further from what was seen of its stream does not belong to it."},
      {"--conflict-window", "BYTES", &o->tcp.conflict_window_bytes, 0, size_t{1} << 34,
       "Delivered bytes, of all streams together, with which repeats are compared; 0: none."},
      {"--max-fragmented", "N", &o->decoder.fragments.datagrams, 1, kMaxObjects,
       "Datagrams whose fragments are not all there; beyond, the oldest is given up."},
      {"--max-fragment-bytes", "BYTES", &o->decoder.fragments.bytes, 0, kMaxMemory,
       "Bytes of their fragments; beyond, the oldest datagram is given up."},
      {"--max-duplicates", "N", &o->decoder.duplicates.datagrams, 0, kMaxObjects,
       "Datagrams remembered, with several sources, to know another one's copy; beyond, the oldest "
       "is forgotten."},
      {"--tunnel-depth", "N", &o->decoder.tunnel_depth, 0, 8,
       "Tunnels inside each other that are opened, up to 8."},
      {"--max-udp-flows", "N", &o->udp.flows, 1, kMaxObjects,
       "Open UDP flows; beyond, the one silent longest is closed as evicted."},
  };
}

std::vector<TimeFlag> TimeFlags(ReassemblyOptions* o) {
  return {
      {"--idle-timeout", &o->tcp.idle_timeout_ns,
       "Close a TCP flow that was silent so long, in packet time."},
      {"--half-open-timeout", &o->tcp.half_open_timeout_ns,
       "Forget a connection attempt that nobody answered for so long."},
      {"--grace", &o->tcp.acknowledged_grace_ns,
       "Wait so long, in packet time, for bytes that the peer acknowledged and no sensor has "
       "delivered."},
      {"--fragment-timeout", &o->decoder.fragments.timeout_ns,
       "Give up a datagram whose fragments are not all there after so long."},
      {"--udp-timeout", &o->udp.idle_timeout_ns, "Close a UDP flow that was silent so long."},
  };
}

// A limit that a test forces to be hit at once.
struct Simulation {
  const char* name;
  void (*apply)(ReassemblyOptions*);
};
constexpr Simulation kSimulations[] = {
    {"flow-limit", [](ReassemblyOptions* o) { o->tcp.flows = 1; }},
    {"half-open-limit", [](ReassemblyOptions* o) { o->tcp.half_open_flows = 1; }},
    {"tombstone-limit", [](ReassemblyOptions* o) { o->tcp.tombstones = 0; }},
    {"sibling-limit", [](ReassemblyOptions* o) { o->tcp.siblings = 1; }},
    {"stray-limit", [](ReassemblyOptions* o) { o->tcp.strays = 0; }},
    {"stream-memory", [](ReassemblyOptions* o) { o->tcp.stream_waiting_bytes = 0; }},
    {"reassembly-memory", [](ReassemblyOptions* o) { o->tcp.all_waiting_bytes = 0; }},
    {"conflict-memory", [](ReassemblyOptions* o) { o->tcp.conflict_window_bytes = 0; }},
    {"fragment-memory", [](ReassemblyOptions* o) { o->decoder.fragments.bytes = 0; }},
    {"fragment-limit", [](ReassemblyOptions* o) { o->decoder.fragments.datagrams = 1; }},
    {"tunnel-depth", [](ReassemblyOptions* o) { o->decoder.tunnel_depth = 0; }},
    {"duplicate-limit", [](ReassemblyOptions* o) { o->decoder.duplicates.datagrams = 1; }},
    {"udp-limit", [](ReassemblyOptions* o) { o->udp.flows = 1; }},
};

std::string SimulationNames() {
  return absl::StrJoin(kSimulations, ", ",
                       [](std::string* out, const Simulation& s) { absl::StrAppend(out, s.name); });
}

constexpr const char* kPolicies[] = {"first",     "last",    "bsd",    "linux",
                                     "old-linux", "solaris", "windows"};

void AddPolicy(CLI::App& app, const std::string& flag, OverlapPolicy* policy,
               const std::string& help) {
  app.add_option_function<std::string>(
         flag,
         [policy](const std::string& name) {
           // Checked by IsMember.
           if (const auto known = OverlapPolicyFromName(name)) *policy = *known;
         },
         absl::StrCat(help, " [", std::string(NameOf(*policy)), "]"))
      ->type_name("POLICY")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kPolicies), std::end(kPolicies))));
}

// "auto", "addresses", or parts with commas. An error for CLI11, or nothing.
std::string SetFlowKey(const std::string& text, ReassemblyOptions* o) {
  FlowKeyParts parts;
  o->tcp.split_spaces = text != "addresses";
  if (text != "auto" && text != "addresses") {
    for (const absl::string_view part : absl::StrSplit(text, ',')) {
      if (part == "vlan") {
        parts.vlan = true;
      } else if (part == "tunnel") {
        parts.tunnel = true;
      } else if (part == "source") {
        parts.source = true;
      } else {
        return absl::StrFormat(
            "'%s' is not known; known are auto, addresses, or some of vlan,tunnel,source", part);
      }
    }
  }
  o->decoder.key_parts = parts;
  return "";
}

// "none", or "flows" and "others" with commas. An error for CLI11, or nothing.
std::string SetFrames(const std::string& text, ReassemblyOptions* o) {
  FrameChoice choice;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (part == "flows") {
      choice.of_flows = true;
    } else if (part == "others") {
      choice.others = true;
    } else if (part != "none") {
      return absl::StrFormat("'%s' is not known; known are flows, others, none", part);
    }
  }
  o->frames = choice;
  return "";
}

std::string FramesText(const FrameChoice& choice) {
  if (choice.of_flows && choice.others) return "flows,others";
  return choice.of_flows ? "flows" : choice.others ? "others" : "none";
}

std::string FlowKeyText(const ReassemblyOptions& o) {
  std::vector<std::string> parts;
  if (o.decoder.key_parts.vlan) parts.push_back("vlan");
  if (o.decoder.key_parts.tunnel) parts.push_back("tunnel");
  if (o.decoder.key_parts.source) parts.push_back("source");
  if (!parts.empty()) return absl::StrJoin(parts, ",");
  return o.tcp.split_spaces ? "auto" : "addresses";
}

}  // namespace

absl::Status ApplySimulation(const std::vector<std::string>& names, ReassemblyOptions* options) {
  for (const std::string& name : names) {
    const auto* it = std::find_if(std::begin(kSimulations), std::end(kSimulations),
                                  [&name](const Simulation& s) { return name == s.name; });
    if (it == std::end(kSimulations)) {
      return absl::InvalidArgumentError(
          absl::StrFormat("'%s' is not known; known are %s", name, SimulationNames()));
    }
    it->apply(options);
  }
  return absl::OkStatus();
}

ReassemblyOptions WithinMemory(const ReassemblerOptions& options) {
  const uint64_t total = options.memory_bytes == 0 ? DefaultMemory() : options.memory_bytes;
  const MemoryPlan plan = PlanMemory(total, options.feeds_own_sink);
  ReassemblyOptions core = options.core;
  core.tcp.flows = std::min(core.tcp.flows, plan.open_flows);
  core.tcp.half_open_flows = std::min(core.tcp.half_open_flows, plan.half_open_flows);
  core.tcp.tombstones = std::min(core.tcp.tombstones, plan.tombstones);
  core.tcp.all_waiting_bytes = std::min(core.tcp.all_waiting_bytes, plan.waiting_bytes);
  core.udp.flows = std::min(core.udp.flows, plan.udp_flows);
  return core;
}

void AddReassemblyFlags(CLI::App& app, ReassemblerOptions* options) {
  ReassemblyOptions* core = &options->core;
  app.add_flag("--udp", core->decoder.udp,
               "Take UDP conversations as flows too: a stream of datagrams a direction.");
  app.add_option_function<std::string>(
         "--flow-key",
         [core](const std::string& text) {
           const std::string error = SetFlowKey(text, core);
           if (!error.empty()) throw CLI::ValidationError("--flow-key", error);
         },
         "What belongs to a flow's identity beside addresses and ports: 'auto' keeps two "
         "connections of the same ends apart by their sequence numbers; some of "
         "vlan,tunnel,source keep apart whatever differs in them; 'addresses' keeps nothing "
         "apart. [auto]")
      ->type_name("PARTS");
  AddPolicy(app, "--overlap", &core->tcp.overlap,
            "Of overlapping segments that wait behind a hole, whose bytes count: first, last, or "
            "as bsd, linux, old-linux, solaris or windows do.");
  AddPolicy(app, "--fragment-overlap", &core->decoder.fragments.overlap,
            "The same for IP fragments.");
  app.add_option_function<std::string>(
         "--checksum",
         [core](const std::string& name) {
           if (const auto known = ChecksumPolicyFromName(name)) core->decoder.checksum = *known;
         },
         "Datagrams with a wrong IPv4 or TCP checksum: ignore the checksum, drop them, or auto: "
         "drop them unless the sender's are mostly wrong at that source, as offloading makes "
         "them. [ignore]")
      ->type_name("POLICY")
      ->check(CLI::IsMember({"ignore", "drop", "auto"}));
  app.add_option_function<std::string>(
         "--frames",
         [core](const std::string& text) {
           const std::string error = SetFrames(text, core);
           if (!error.empty()) throw CLI::ValidationError("--frames", error);
         },
         "Also pass the frames themselves on: those that became part of a flow (flows), of none "
         "(others), or both, with a comma; none. [none]")
      ->type_name("WHICH");
  app.add_option("--community-id-seed", options->community_id_seed,
                 "Seed of the flows' Community IDs.")
      ->type_name("N")
      ->capture_default_str();
  for (const SizeFlag& flag : SizeFlags(core)) {
    CLI::Option* const option =
        app.add_option(flag.name, *flag.value, flag.help)->type_name(flag.unit);
    if (std::string_view(flag.unit) == "BYTES") option->transform(CLI::AsSizeValue(false));
    option->check(CLI::Range(flag.least, flag.most))->capture_default_str();
  }
  app.add_option_function<int>(
         "--duplicate-window",
         [core](const int& ms) { core->decoder.duplicates.window_ns = ms * kNsPerMs; },
         absl::StrCat("With several sources, the same datagram from another one within so much "
                      "packet time counts once; 0: every copy counts. [",
                      core->decoder.duplicates.window_ns / kNsPerMs, "]"))
      ->type_name("MS")
      ->check(CLI::Range(0, 3'600'000));
  for (const TimeFlag& flag : TimeFlags(core)) {
    app.add_option_function<int64_t>(
           flag.name, [ns = flag.ns](const int64_t& s) { *ns = s * kNsPerSecond; },
           absl::StrCat(flag.help, " [", *flag.ns / kNsPerSecond, "]"))
        ->type_name("SECONDS")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  }
  app.add_option("--simulate", options->simulate,
                 absl::StrCat(
                     "For tests: behave as if these limits were reached: ", SimulationNames(), "."))
      ->type_name("LIMIT[,LIMIT...]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check([](const std::string& name) {
        ReassemblyOptions scratch;
        const absl::Status status = ApplySimulation({name}, &scratch);
        return status.ok() ? std::string() : std::string(status.message());
      });
  GroupOptions(app, kSelectionGroup,
               {"--udp", "--flow-key", "--checksum", "--overlap", "--fragment-overlap",
                "--duplicate-window", "--frames", "--community-id-seed"});
  for (const SizeFlag& flag : SizeFlags(core)) GroupOptions(app, kLimitsGroup, {flag.name});
  for (const TimeFlag& flag : TimeFlags(core)) GroupOptions(app, kLimitsGroup, {flag.name});
}

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
                 "Publish the batches of streams here for anyone (PUB, topics "
                 "'streams.PROTOCOL.SERVERPORT.SHARD').")
      ->type_name("ENDPOINT");
  app.add_option("--name", options->name, "This reassembler's name. [the machine's]")
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
      ->check(CLI::Range(0u, kMaxShard))
      ->capture_default_str();
  app.add_option("--reorder-window", options->reorder_window_ms,
                 "A live source that lags more than this no longer holds the others up.")
      ->type_name("MS")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--window", options->window_bytes, "Bytes taken from a source in advance.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(size_t{1} << 16, size_t{1} << 40))
      ->capture_default_str();
  app.add_option("--buffer", options->buffer_bytes,
                 "Bytes kept for sinks that have not acknowledged them; when full, nothing more is "
                 "taken from the sources.")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 40))
      ->capture_default_str();
  app.add_option("-U,--user", options->user,
                 "Become this user at once. [under sudo, whoever called it]")
      ->type_name("USER");
  AddSecurityFlags(app, &options->security);
  AddMetricsFlag(app, &options->metrics);
  AddMemoryFlag(app, &options->memory_bytes);
  AddReadMemoryFlag(app, &options->memory);
  AddShareMemoryFlag(app, &options->memory);
  AddReassemblyFlags(app, options);
  GroupOptions(app, kHostsGroup,
               {"--captures", "--sinks", "--tap", "--name", "--sources", "--wait-sinks", "--shard",
                "--reorder-window", "--key", "--allow", "--peer-key", "--insecure", "--metrics",
                "--share-memory", "--read-memory"});
  GroupOptions(app, kLimitsGroup, {"--window", "--buffer", "--memory"});
}

std::vector<std::string> ReassemblerArguments(const ReassemblerOptions& o) {
  std::vector<std::string> arguments = {"--captures",
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
                                        "--flow-key",
                                        FlowKeyText(o.core),
                                        "--overlap",
                                        std::string(NameOf(o.core.tcp.overlap)),
                                        "--fragment-overlap",
                                        std::string(NameOf(o.core.decoder.fragments.overlap)),
                                        "--checksum",
                                        std::string(NameOf(o.core.decoder.checksum)),
                                        "--frames",
                                        FramesText(o.core.frames),
                                        "--community-id-seed",
                                        absl::StrCat(o.community_id_seed)};
  ReassemblyOptions core = o.core;
  for (const SizeFlag& flag : SizeFlags(&core)) {
    arguments.insert(arguments.end(), {flag.name, absl::StrCat(*flag.value)});
  }
  for (const TimeFlag& flag : TimeFlags(&core)) {
    arguments.insert(arguments.end(), {flag.name, absl::StrCat(*flag.ns / kNsPerSecond)});
  }
  arguments.insert(arguments.end(), {"--duplicate-window",
                                     absl::StrCat(core.decoder.duplicates.window_ns / kNsPerMs)});
  if (core.decoder.udp) arguments.push_back("--udp");
  if (!o.simulate.empty()) {
    arguments.insert(arguments.end(), {"--simulate", absl::StrJoin(o.simulate, ",")});
  }
  if (o.memory_bytes > 0) {
    arguments.insert(arguments.end(), {"--memory", absl::StrCat(o.memory_bytes)});
  }
  if (!o.tap.empty()) arguments.insert(arguments.end(), {"--tap", o.tap});
  const std::vector<std::string> security = SecurityArguments(o.security);
  arguments.insert(arguments.end(), security.begin(), security.end());
  if (!o.metrics.empty()) arguments.insert(arguments.end(), {"--metrics", o.metrics});
  if (!o.user.empty()) arguments.insert(arguments.end(), {"--user", o.user});
  return arguments;
}

}  // namespace flowstitch
