#include "sinks/writers/netviz/traffic_profile.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

constexpr char kOthers[] = "others";
constexpr uint8_t kUdp = 17;

}  // namespace

void TopCounter::Add(const std::string& name, uint64_t bytes) {
  total_ += bytes;
  bytes_[name] += bytes;
  // Twice the names, so that pruning is rare.
  if (bytes_.size() > 2 * names_ + 1) Prune();
}

void TopCounter::Prune() {
  std::vector<std::pair<std::string, uint64_t>> top = Top(names_);
  uint64_t kept = 0;
  absl::flat_hash_map<std::string, uint64_t> bytes;
  for (auto& [name, count] : top) {
    if (name == kOthers) continue;
    kept += count;
    bytes.emplace(std::move(name), count);
  }
  bytes[kOthers] = total_ - kept;
  bytes_ = std::move(bytes);
}

void TopCounter::Merge(const TopCounter& other) {
  // Pruned when all are there: what is dropped must not depend on their order.
  bytes_.reserve(bytes_.size() + other.bytes_.size());
  for (const auto& [name, bytes] : other.bytes_) bytes_[name] += bytes;
  total_ += other.total_;
  if (bytes_.size() > 2 * names_ + 1) Prune();
}

std::vector<std::pair<std::string, uint64_t>> TopCounter::Top(size_t count) const {
  // Few are wanted of many, so only their places are put in order.
  using Place = const std::pair<const std::string, uint64_t>*;
  std::vector<Place> places;
  places.reserve(bytes_.size());
  for (const auto& entry : bytes_) places.push_back(&entry);
  const auto end = places.begin() + static_cast<ptrdiff_t>(std::min(count, places.size()));
  std::partial_sort(places.begin(), end, places.end(), [](Place a, Place b) {
    return a->second != b->second ? a->second > b->second : a->first < b->first;
  });
  std::vector<std::pair<std::string, uint64_t>> top;
  for (auto it = places.begin(); it != end; ++it) top.emplace_back((*it)->first, (*it)->second);
  return top;
}

void TrafficProfile::Widen() {
  while (slots.size() > kMaxTimes) {
    slot_ns *= 2;
    std::map<int64_t, std::map<uint16_t, uint64_t>> wider;
    for (const auto& [slot, ports] : slots) {
      auto& to = wider[slot >> 1];
      for (const auto& [port, bytes] : ports) to[port] += bytes;
    }
    slots = std::move(wider);
  }
}

void TrafficProfile::OnBytes(SinkFlow& flow, Direction /*direction*/, uint64_t /*offset*/,
                             ByteView bytes, TimeNs time_ns, BatchHold* /*hold*/) {
  const int64_t slot = time_ns / slot_ns - (time_ns % slot_ns < 0 ? 1 : 0);
  slots[slot][flow.server.port] += bytes.size();
  if (slots.size() > kMaxTimes) Widen();
}

void TrafficProfile::OnClosed(SinkFlow& flow) {
  ++flows;
  for (const Direction direction : kDirections) {
    const StreamSummary& s = flow.streams[direction].summary;
    if (s.packets == 0) continue;
    packets += s.packets;
    wire_bytes += s.wire_bytes;
    first_ns = std::min(first_ns, s.first_time_ns);
    last_ns = std::max(last_ns, s.last_time_ns);
    const Endpoint& source = flow.source_of(direction);
    const Endpoint& destination = flow.destination_of(direction);
    sources.Add(FormatIpAddress(source.address), s.wire_bytes);
    destinations.Add(FormatIpAddress(destination.address), s.wire_bytes);
    source_ports.Add(absl::StrCat(source.port), s.wire_bytes);
    destination_ports.Add(absl::StrCat(destination.port), s.wire_bytes);
    const bool ipv4 = source.address.family == IpFamily::kIpv4;
    transports.Add(absl::StrCat(ipv4 ? "IPv4 " : "IPv6 ", flow.protocol == kUdp ? "UDP" : "TCP"),
                   s.wire_bytes);
  }
}

void TrafficProfile::Merge(const TrafficProfile& other) {
  sources.Merge(other.sources);
  destinations.Merge(other.destinations);
  source_ports.Merge(other.source_ports);
  destination_ports.Merge(other.destination_ports);
  transports.Merge(other.transports);
  flows += other.flows;
  packets += other.packets;
  wire_bytes += other.wire_bytes;
  first_ns = std::min(first_ns, other.first_ns);
  last_ns = std::max(last_ns, other.last_ns);
  TrafficProfile copy = other;
  while (copy.slot_ns != slot_ns) {
    TrafficProfile& finer = copy.slot_ns < slot_ns ? copy : *this;
    finer.slot_ns *= 2;
    std::map<int64_t, std::map<uint16_t, uint64_t>> wider;
    for (const auto& [slot, ports] : finer.slots) {
      for (const auto& [port, bytes] : ports) wider[slot >> 1][port] += bytes;
    }
    finer.slots = std::move(wider);
  }
  for (const auto& [slot, ports] : copy.slots) {
    for (const auto& [port, bytes] : ports) slots[slot][port] += bytes;
  }
  Widen();
}

}  // namespace flowstitch
