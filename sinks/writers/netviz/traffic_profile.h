// What a capture's traffic looks like in figures: over time, by address, by port. Bounded: beyond
// so many addresses, ports and times, the smallest are taken together.
#ifndef FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PROFILE_H_
#define FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PROFILE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/direction.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

// Bytes by name, of at most so many names.
class TopCounter {
 public:
  explicit TopCounter(size_t names) : names_(names) {}
  void Add(const std::string& name, uint64_t bytes);
  void Merge(const TopCounter& other);
  // The largest first.
  std::vector<std::pair<std::string, uint64_t>> Top(size_t count) const;
  uint64_t total() const { return total_; }

 private:
  void Prune();

  const size_t names_;
  absl::flat_hash_map<std::string, uint64_t> bytes_;
  uint64_t total_ = 0;
};

class TrafficProfile : public Writer {
 public:
  explicit TrafficProfile(size_t addresses)
      : sources(addresses),
        destinations(addresses),
        source_ports(kMaxPorts),
        destination_ports(kMaxPorts),
        transports(kMaxPorts) {}

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnClosed(SinkFlow& flow) override;
  void Merge(const TrafficProfile& other);

  static constexpr size_t kMaxPorts = 65536;
  static constexpr size_t kMaxTimes = 512;

  TopCounter sources;
  TopCounter destinations;
  TopCounter source_ports;
  TopCounter destination_ports;
  TopCounter transports;
  uint64_t flows = 0;
  uint64_t packets = 0;
  uint64_t wire_bytes = 0;
  TimeNs first_ns = kTimeMax;
  TimeNs last_ns = kTimeMin;
  // Payload bytes by slot of time, and by the server's port within it.
  int64_t slot_ns = kNsPerMs;
  std::map<int64_t, std::map<uint16_t, uint64_t>> slots;

 private:
  void Widen();
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PROFILE_H_
