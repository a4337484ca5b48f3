// One datagram that several sources saw counts once. A source that delivers the same datagram twice
// saw a retransmission, so each source's copies are matched one to one with those of the others.
// Where a copy was cut off by its sensor's snapshot length, the longer one adds what it lacks,
// whichever came first.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCES_DUPLICATE_FILTER_H_
#define FLOWSTITCH_REASSEMBLER_SOURCES_DUPLICATE_FILTER_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/capture_time.h"
#include "base/frames/ip_header.h"

namespace flowstitch {

struct DuplicateLimits {
  // Packet time between two sources' copies of a datagram, clocks and delays included; 0: every
  // copy counts.
  int64_t window_ns = 500 * kNsPerMs;
  // Datagrams that are remembered. Full: the oldest is forgotten before its time, and counted.
  size_t datagrams = size_t{1} << 20;
};

// What stays the same when sensors at several places see a datagram: addresses, protocol,
// identification, fragment and all of its payload; not TTL, type of service and checksums, nor what
// the link put around it. `scope`: what else tells flows apart.
// Of the first `captured` bytes of the payload, as if no more had been captured.
uint64_t DigestOf(const IpHeader& ip, uint64_t scope, size_t captured);
inline uint64_t DigestOf(const IpHeader& ip, uint64_t scope) {
  return DigestOf(ip, scope, ip.payload.size());
}

class DuplicateFilter {
 public:
  // How far a source's clock (and way) is behind that of the lowest source with which it shares
  // datagrams, by way of others where need be.
  struct Skew {
    uint32_t reference = 0;
    double ns = 0;
    uint64_t samples = 0;
  };

  struct Verdict {
    // Another source has delivered it, and no less of it.
    bool copy = false;
    uint64_t digest = 0;  // what a longer copy would name
    // Another source has delivered the first `known` bytes of its payload: then the digest of that
    // copy, else 0.
    uint64_t longer_than = 0;
    uint32_t known = 0;
  };

  explicit DuplicateFilter(DuplicateLimits limits) : limits_(limits) {}

  // Whether another source has delivered this datagram already, or a part of it. `time_ns` is its
  // stamp, `now_ns` the time that time-outs go by.
  Verdict Judge(const IpHeader& ip, uint64_t scope, uint32_t source, TimeNs time_ns, TimeNs now_ns);

  // Samples are 0 where a source shares nothing with a lower one.
  Skew skew(uint32_t source) const;
  // Datagrams forgotten before their time.
  uint64_t forgotten() const { return forgotten_; }
  size_t size() const { return seen_.size(); }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;

  // A datagram on the wire, as far as the sources have told of it.
  struct Sighting {
    uint64_t digest = 0;
    TimeNs time_ns = 0;       // its stamp
    TimeNs seen_ns = 0;       // by the clock that it is forgotten by
    uint32_t source = 0;      // that told first
    uint64_t told_by = 0;     // one bit a source, by its number modulo 64
    uint64_t before = kNone;  // the sighting before it with the same digest
    // What a copy that was cut off is known by, and the sighting before it with the same.
    uint64_t head = 0;
    uint64_t before_head = kNone;
    uint32_t start = 0;     // hash of the payload's first kStartBytes; 0: less was captured
    uint32_t captured = 0;  // of the payload
  };
  // A datagram as it came.
  struct Offer {
    const IpHeader& ip;
    uint64_t scope;
    uint32_t source;
    TimeNs time_ns;
    uint64_t digest;
    uint64_t head;
    uint32_t start;
  };

  Sighting* Find(uint64_t number);
  // Whether it is one datagram within the window that the source has not told of.
  bool MayBe(const Sighting& sighting, const Offer& offer) const;
  Sighting* FindSame(const Offer& offer);
  // The number of one of which one of both has more; kNone: there is none.
  uint64_t FindOther(const Offer& offer, bool* longer);
  void Lengthen(uint64_t number, const Offer& offer);
  void IndexHeads();
  void Add(const Offer& offer, TimeNs now_ns);
  void Forget(TimeNs now_ns);
  void NoteSkew(uint32_t first, uint32_t second, int64_t later_ns);

  const DuplicateLimits limits_;
  std::deque<Sighting> seen_;  // as they came; numbered on from `first_`
  uint64_t first_ = 0;
  absl::flat_hash_map<uint64_t, uint64_t> latest_;  // digest to number
  // Head to number, from the first datagram that was cut off.
  absl::flat_hash_map<uint64_t, uint64_t> latest_head_;
  bool cuts_ = false;
  uint64_t forgotten_ = 0;
  // Of the higher against the lower, by both.
  absl::flat_hash_map<uint64_t, Skew> skews_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCES_DUPLICATE_FILTER_H_
