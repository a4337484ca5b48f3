#include "reassembler/reassembler_options.h"

#include <algorithm>
#include <climits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/memory/memory_option.h"
#include "base/memory/memory_plan.h"
#include "base/process/option_flags.h"

namespace flowstitch {
namespace {

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

void AddPolicy(OptionTable* table, const char* name, OverlapPolicy* policy, const char* help) {
  const std::string now(NameOf(*policy));
  table->Add({name, "POLICY", absl::StrCat(help, " [", now, "]"),
              WordOption{{std::begin(kPolicies), std::end(kPolicies)},
                         [policy](const std::string& word) {
                           // One of those words.
                           if (const auto known = OverlapPolicyFromName(word)) *policy = *known;
                         },
                         [policy] { return std::string(NameOf(*policy)); },
                         kPolicies[0]},
              kSelectionGroup});
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

// Empty: none.
std::string FramesText(const FrameChoice& choice) {
  if (choice.of_flows && choice.others) return "flows,others";
  return choice.of_flows ? "flows" : choice.others ? "others" : "";
}

// Empty: "auto".
std::string FlowKeyText(const ReassemblyOptions& o) {
  std::vector<std::string> parts;
  if (o.decoder.key_parts.vlan) parts.push_back("vlan");
  if (o.decoder.key_parts.tunnel) parts.push_back("tunnel");
  if (o.decoder.key_parts.source) parts.push_back("source");
  if (!parts.empty()) return absl::StrJoin(parts, ",");
  return o.tcp.split_spaces ? "" : "addresses";
}

constexpr int64_t kMaxObjects = int64_t{1} << 30;
constexpr uint64_t kMaxMemory = uint64_t{1} << 40;

void AddLimits(OptionTable* table, ReassemblyOptions* o) {
  const auto count = [table](const char* name, size_t* value, int64_t least, int64_t most,
                             const char* help) {
    table->Add({name, "N", help, NumberOption{value, least, most}, kLimitsGroup});
  };
  const auto bytes = [table](const char* name, size_t* value, uint64_t most, const char* help) {
    table->Add({name, "BYTES", help, SizeOption{value, 0, most}, kLimitsGroup});
  };
  count("--max-flows", &o->tcp.flows, 1, kMaxObjects,
        "Open TCP flows; beyond, the one silent longest is closed as evicted.");
  count("--max-half-open", &o->tcp.half_open_flows, 1, kMaxObjects,
        "Connection attempts; beyond, the oldest is forgotten.");
  count("--max-tombstones", &o->tcp.tombstones, 0, kMaxObjects,
        "Closed flows that are remembered, so that a late repeat opens nothing.");
  count("--max-siblings", &o->tcp.siblings, 1, 1024,
        "Flows at once between the same addresses and ports; beyond, the oldest is closed.");
  bytes("--max-stream-waiting", &o->tcp.stream_waiting_bytes, kMaxMemory,
        "Bytes of one stream that wait behind a hole; beyond, the hole becomes a gap.");
  bytes("--max-waiting", &o->tcp.all_waiting_bytes, kMaxMemory,
        "The same for all streams together.");
  bytes("--max-seek", &o->tcp.window_slack_bytes, kMaxMemory,
        "A segment that lies further from what was seen of its stream does not belong to it.");
  bytes("--conflict-window", &o->tcp.conflict_window_bytes, uint64_t{1} << 34,
        "Delivered bytes, of all streams together, with which repeats are compared; 0: none.");
  count("--max-fragmented", &o->decoder.fragments.datagrams, 1, kMaxObjects,
        "Datagrams whose fragments are not all there; beyond, the oldest is given up.");
  bytes("--max-fragment-bytes", &o->decoder.fragments.bytes, kMaxMemory,
        "Bytes of their fragments; beyond, the oldest datagram is given up.");
  count("--max-duplicates", &o->decoder.duplicates.datagrams, 0, kMaxObjects,
        "Datagrams remembered, with several sources, to know another one's copy; beyond, the "
        "oldest is forgotten.");
  count("--tunnel-depth", &o->decoder.tunnel_depth, 0, 8,
        "Tunnels inside each other that are opened, up to 8.");
  count("--max-udp-flows", &o->udp.flows, 1, kMaxObjects,
        "Open UDP flows; beyond, the one silent longest is closed as evicted.");
}

void AddTimeouts(OptionTable* table, ReassemblyOptions* o) {
  constexpr int64_t kMostSeconds = int64_t{1} << 30;
  const auto seconds = [table](const char* name, int64_t* ns, const char* help) {
    table->Add(
        {name, "SECONDS", help, DurationOption{ns, kNsPerSecond, 1, kMostSeconds}, kLimitsGroup});
  };
  seconds("--idle-timeout", &o->tcp.idle_timeout_ns,
          "Close a TCP flow that was silent so long, in packet time.");
  seconds("--half-open-timeout", &o->tcp.half_open_timeout_ns,
          "Forget a connection attempt that nobody answered for so long.");
  seconds("--grace", &o->tcp.acknowledged_grace_ns,
          "Wait so long, in packet time, for bytes that the peer acknowledged and no sensor has "
          "delivered.");
  seconds("--fragment-timeout", &o->decoder.fragments.timeout_ns,
          "Give up a datagram whose fragments are not all there after so long.");
  seconds("--udp-timeout", &o->udp.idle_timeout_ns, "Close a UDP flow that was silent so long.");
}

void AddSelection(OptionTable* table, ReassemblerOptions* options) {
  ReassemblyOptions* const core = &options->core;
  const auto add = [table](const char* name, const char* value, const char* help, auto place) {
    table->Add({name, value, help, place, kSelectionGroup});
  };
  add("--udp", "", "Take UDP conversations as flows too: a stream of datagrams a direction.",
      FlagOption{&core->decoder.udp});
  add("--flow-key", "PARTS",
      "What belongs to a flow's identity beside addresses and ports: 'auto' keeps two connections "
      "of the same ends apart by their sequence numbers; some of vlan,tunnel,source keep apart "
      "whatever differs in them; 'addresses' keeps nothing apart. [auto]",
      ParsedOption{[core](const std::string& text) { return SetFlowKey(text, core); },
                   [core] { return FlowKeyText(*core); }});
  AddPolicy(table, "--overlap", &core->tcp.overlap,
            "Of overlapping segments that wait behind a hole, whose bytes count: first, last, or "
            "as bsd, linux, old-linux, solaris or windows do.");
  AddPolicy(table, "--fragment-overlap", &core->decoder.fragments.overlap,
            "The same for IP fragments.");
  add("--checksum", "POLICY",
      "Datagrams with a wrong IPv4 or TCP checksum: ignore the checksum, drop them, or auto: drop "
      "them unless the sender's are mostly wrong at that source, as offloading makes them. "
      "[ignore]",
      WordOption{{"ignore", "drop", "auto"},
                 [core](const std::string& name) {
                   if (const auto known = ChecksumPolicyFromName(name)) {
                     core->decoder.checksum = *known;
                   }
                 },
                 [core] { return std::string(NameOf(core->decoder.checksum)); },
                 "ignore"});
  add("--frames", "WHICH",
      "Also pass the frames themselves on: those that became part of a flow (flows), of none "
      "(others), or both, with a comma; none. [none]",
      ParsedOption{[core](const std::string& text) { return SetFrames(text, core); },
                   [core] { return FramesText(core->frames); }});
  add("--community-id-seed", "N", "Seed of the flows' Community IDs.",
      NumberOption{&options->community_id_seed, 0, UINT16_MAX});
}

void AddDuplicateWindow(OptionTable* table, ReassemblyOptions* o) {
  constexpr int64_t kMostMs = 3'600'000;
  table->Add({"--duplicate-window", "MS",
              "With several sources, the same datagram from another one within so much packet "
              "time counts once; 0: every copy counts.",
              DurationOption{&o->decoder.duplicates.window_ns, kNsPerMs, 0, kMostMs},
              kSelectionGroup});
}

void AddSimulation(OptionTable* table, ReassemblerOptions* o) {
  table->Add(
      {"--simulate", "LIMIT[,LIMIT...]",
       absl::StrCat("For tests: behave as if these limits were reached: ", SimulationNames(), "."),
       TextsOption{&o->simulate, ',',
                   [](const std::string& name) {
                     ReassemblyOptions scratch;
                     return std::string(ApplySimulation({name}, &scratch).message());
                   }},
       /*group=*/nullptr});
}

void AddLinkOptions(OptionTable* table, ReassemblerOptions* o) {
  const auto add = [table](const char* name, const char* value, const char* help, auto place,
                           const char* group = kHostsGroup) {
    table->Add({name, value, help, place, group});
  };
  add("--captures", "ENDPOINT",
      "Take packets from captures here. '>' in front connects instead of binding.",
      TextOption{&o->captures, /*shows_default=*/true});
  add("--sinks", "ENDPOINT", "Give streams to sinks here; 'none' when only the tap is wanted.",
      TextOption{&o->sinks, /*shows_default=*/true});
  add("--tap", "ENDPOINT",
      "Publish the batches of streams here for anyone (PUB, topics "
      "'streams.PROTOCOL.SERVERPORT.SHARD').",
      TextOption{&o->tap});
  add("--name", "NAME", "This reassembler's name. [the machine's]", TextOption{&o->name});
  add("--sources", "N",
      "Start when so many sources are there, and end when they have ended; 0: take whatever comes "
      "until stopped.",
      NumberOption{&o->sources, 0, INT_MAX});
  add("--wait-sinks", "N", "Start when so many sinks are there.",
      NumberOption{&o->wait_sinks, 0, INT_MAX});
  add("--shard", "K", "This reassembler's number among several, from 0.",
      NumberOption{&o->shard, 0, kMaxShard});
  add("--reorder-window", "MS",
      "A live source that lags more than this no longer holds the others up.",
      NumberOption{&o->reorder_window_ms, 0, 3'600'000});
  add("--window", "BYTES", "Bytes taken from a source in advance.",
      SizeOption{&o->window_bytes, size_t{1} << 16, kMaxMemory}, kLimitsGroup);
  add("--buffer", "BYTES",
      "Bytes kept for sinks that have not acknowledged them; when full, nothing more is taken "
      "from the sources.",
      SizeOption{&o->buffer_bytes, size_t{1} << 20, kMaxMemory}, kLimitsGroup);
  add("-U,--user", "USER", "Become this user at once. [under sudo, whoever called it]",
      TextOption{&o->user}, nullptr);
}

OptionTable ReassemblyOptionTable(ReassemblerOptions* options) {
  OptionTable table;
  AddSelection(&table, options);
  AddLimits(&table, &options->core);
  AddDuplicateWindow(&table, &options->core);
  AddTimeouts(&table, &options->core);
  AddSimulation(&table, options);
  return table;
}

OptionTable ReassemblerOptionTable(ReassemblerOptions* options) {
  OptionTable table;
  AddLinkOptions(&table, options);
  AddSecurityOptions(&table, &options->security);
  AddMetricsOption(&table, &options->metrics);
  AddMemoryOption(&table, &options->memory_bytes);
  AddReadMemoryOption(&table, &options->memory);
  AddShareMemoryOption(&table, &options->memory);
  table.AddAll(ReassemblyOptionTable(options));
  return table;
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
  AddOptions(app, ReassemblyOptionTable(options));
}

void AddReassemblerFlags(CLI::App& app, ReassemblerOptions* options) {
  AddOptions(app, ReassemblerOptionTable(options));
}

std::vector<std::string> ReassemblerArguments(ReassemblerOptions options) {
  return OptionArguments(ReassemblerOptionTable(&options));
}

}  // namespace flowstitch
