#include "base/memory/memory_plan.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"

namespace flowstitch {
namespace {

// The limit of a control group (version 2); the largest number where it has none.
uint64_t LimitOf(const std::string& group) {
  std::ifstream file("/sys/fs/cgroup" + group + "/memory.max");
  std::string text;
  uint64_t limit = UINT64_MAX;
  if (!(file >> text) || !absl::SimpleAtoi(text, &limit)) return UINT64_MAX;
  return limit;
}

// Of this process's group and all above it.
uint64_t ControlGroupLimit() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  uint64_t limit = UINT64_MAX;
  while (std::getline(file, line)) {
    if (line.compare(0, 3, "0::") != 0) continue;
    for (std::string group = line.substr(3); !group.empty(); group.resize(group.rfind('/'))) {
      limit = std::min(limit, LimitOf(group));
      if (group.find('/') == std::string::npos) break;
    }
  }
  return std::min(limit, LimitOf(""));
}

}  // namespace

MemoryPlan PlanMemory(uint64_t total, bool with_sink) {
  const size_t flow_bytes = kOpenFlowBytes + (with_sink ? kSinkFlowBytes : 0);
  MemoryPlan plan;
  plan.total = total;
  plan.open_flows = total / 8 * 3 / flow_bytes;
  plan.half_open_flows = total / 32 / kHalfOpenFlowBytes;
  plan.tombstones = total / 32 / kTombstoneBytes;
  plan.udp_flows = total / 8 / flow_bytes;
  plan.waiting_bytes = total / 8;
  plan.parser_bytes = total / 8;
  plan.decoder_bytes = total / 16;
  plan.piece_bytes = total / 16;
  return plan;
}

namespace {

uint64_t AskForMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  uint64_t machine = uint64_t{4} << 30;
  if (pages > 0 && page_bytes > 0) {
    machine = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  }
  return std::max(std::min(machine, ControlGroupLimit()) / 4, kLeastMemory);
}

}  // namespace

uint64_t DefaultMemory() {
  static const uint64_t memory = AskForMemory();
  return memory;
}

}  // namespace flowstitch
