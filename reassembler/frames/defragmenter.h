// Fragments to datagrams: IPv4 (RFC 791, 3.2) and IPv6 (RFC 8200, 4.5). Of overlapping fragments a
// policy says which counts. Bounded in datagrams, bytes and packet time; what is given up is
// counted. Of fragments that the snapshot length cut off, the datagram has holes: it is given out
// when no fragment is missing, and again whenever another sensor's copy brings more of it.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_DEFRAGMENTER_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_DEFRAGMENTER_H_

#include <list>
#include <optional>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/capture_time.h"
#include "base/frames/ip_header.h"
#include "base/ledger.h"
#include "reassembler/frames/overlap_policy.h"
#include "reassembler/sources/duplicate_filter.h"

namespace flowstitch {

struct FragmentLimits {
  // Incomplete datagrams. Full: the oldest is given up.
  size_t datagrams = 16384;
  // Bytes of their fragments, with what each costs. Full: the oldest datagram is given up.
  size_t bytes = size_t{64} << 20;
  // Fragments of one datagram; more are dropped. One of 64 KiB over links of 68 bytes has 1,366.
  size_t fragments = 2048;
  // Bytes of one datagram's fragments, repeats and overlaps included; more are dropped.
  size_t datagram_bytes = size_t{256} << 10;
  // Packet time from a datagram's first fragment until it is given up.
  int64_t timeout_ns = 30 * kNsPerSecond;
  // An identification that comes again with other bytes after so long names another datagram.
  int64_t reuse_ns = 1 * kNsPerSecond;
  OverlapPolicy overlap = OverlapPolicy::kFirst;
};

// No datagram is longer than this (65535 less a header, or an IPv6 jumbo that nobody fragments).
inline constexpr uint32_t kMaxDatagramPayload = 65535;

class Defragmenter {
 public:
  explicit Defragmenter(FragmentLimits limits = {}) : limits_(limits) {}

  // Longer copies of fragments may come.
  void set_several_sources() { several_sources_ = true; }

  // Takes a fragment that came through the tunnels `path` (0: none). When no fragment of its
  // datagram is missing, that comes back, up to the first hole; its payload is valid until the next
  // call. Otherwise the fragment is counted as absorbed (or, within that, dropped).
  std::optional<IpHeader> Add(const IpHeader& fragment, uint64_t path, TimeNs now_ns,
                              ReassemblyLedger* ledger);

  // Of the datagram that came back last, where it has holes or had some when it was given out
  // before; else no name. What comes back ends at the first hole.
  const DuplicateFilter::Verdict& verdict() const { return verdict_; }
  // What lies behind that; valid until the next call.
  struct Piece {
    uint32_t offset;
    ByteView bytes;
  };
  std::span<const Piece> pieces() const { return pieces_; }
  // So many bytes of the datagram were headers: both count from behind them.
  void SkipHeaders(size_t bytes);

  size_t datagrams() const { return by_key_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Key {
    IpAddress source, destination;
    uint64_t path = 0;
    uint32_t identification = 0;
    uint8_t protocol = 0;  // of IPv4; in IPv6 later fragments do not tell it
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      h = H::combine_contiguous(std::move(h), k.source.bytes.data(), 16);
      h = H::combine_contiguous(std::move(h), k.destination.bytes.data(), 16);
      return H::combine(std::move(h), k.path, k.identification, k.protocol);
    }
  };
  struct Part {
    uint32_t offset = 0;
    std::vector<uint8_t> bytes;
    uint32_t end() const { return offset + static_cast<uint32_t>(bytes.size()); }
  };
  // Disjoint ranges in order.
  struct Ranges {
    std::vector<std::pair<uint32_t, uint32_t>> list;
    uint32_t total = 0;
    void Cover(uint32_t start, uint32_t end);
    uint32_t end() const { return list.empty() ? 0 : list.back().second; }
  };
  struct Datagram {
    Key key;
    TimeNs first_time_ns = 0;
    std::vector<Part> parts;  // as they came
    Ranges captured;
    Ranges seen;  // captured or not
    bool overlaps = false;
    uint32_t length = 0;  // of the whole payload; 0: the last fragment has not come
    uint64_t given = 0;   // with holes, under this name; 0: it was not
    uint32_t given_prefix = 0;
    uint8_t protocol = 0;  // from the first fragment
    uint64_t fragments = 0;
    size_t payload_bytes = 0;
    size_t cost = 0;
  };
  using Datagrams = std::list<Datagram>;  // oldest first

  static constexpr size_t kPartOverhead = 64;

  enum class Overlap : uint8_t { kNone, kRepeated, kPartial, kConflicting };
  static Overlap Compare(const Datagram& datagram, uint32_t offset, ByteView bytes);
  IpHeader GiveOut(Datagrams::iterator it, const IpHeader& fragment);
  void Assemble(const Datagram& datagram);
  Datagrams::iterator Start(const Key& key, TimeNs now_ns, ReassemblyLedger* ledger);
  void GiveUp(Datagrams::iterator it, ReassemblyLedger* ledger);
  void Forget(Datagrams::iterator it);

  const FragmentLimits limits_;
  Datagrams datagrams_;
  absl::flat_hash_map<Key, Datagrams::iterator> by_key_;
  size_t bytes_ = 0;
  bool several_sources_ = false;
  uint64_t given_ = 0;  // datagrams with holes so far
  DuplicateFilter::Verdict verdict_;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> whole_;
  std::vector<uint32_t> owners_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_DEFRAGMENTER_H_
