// The property: a random stream, cut at random, shuffled, repeated, overlapped and partly lost,
// comes out as it was, with exactly the lost intervals as gaps, and the ledger balances.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/event_recorder.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

struct Piece {
  size_t at;
  size_t size;
};

class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : random_(seed) {
    isn = static_cast<uint32_t>(random_());
    bytes.resize(1 + Below(20'000));
    for (char& c : bytes) c = static_cast<char>(random_());
  }

  uint64_t Below(uint64_t n) { return random_() % n; }

  std::vector<Piece> Cut() {
    std::vector<Piece> pieces;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = std::min<size_t>(bytes.size() - at, 1 + Below(1400));
      pieces.push_back({at, size});
      at += size;
    }
    return pieces;
  }

  // Swaps neighbours up to `window` apart.
  void Shuffle(std::vector<Piece>* pieces, size_t window) {
    for (size_t i = 0; i < pieces->size(); ++i) {
      std::swap((*pieces)[i], (*pieces)[std::min(pieces->size() - 1, i + Below(window))]);
    }
  }

  std::string bytes;
  uint32_t isn;

 private:
  std::mt19937_64 random_;
};

const Endpoint kClient = End("10.9.8.7", 45678);
const Endpoint kServer = End("10.0.0.80", 443);

std::vector<CapturedPacket> Packets(const RandomStream& stream, const std::vector<Piece>& pieces,
                                    bool with_syn) {
  std::vector<CapturedPacket> packets;
  TimeNs time = 1'000'000'000;
  const auto add = [&](uint32_t sequence, uint8_t flags, std::string_view payload) {
    SegmentSpec spec{kClient, kServer, sequence, 0, flags, payload};
    packets.push_back(Capture(EthernetFrame(Datagram(spec)), time += 10'000));
  };
  if (with_syn) add(stream.isn, kTcpSyn, "");
  for (const Piece& piece : pieces) {
    add(stream.isn + 1 + static_cast<uint32_t>(piece.at), kTcpAck,
        std::string_view(stream.bytes).substr(piece.at, piece.size));
  }
  add(stream.isn + 1 + static_cast<uint32_t>(stream.bytes.size()), kTcpFin | kTcpAck, "");
  return packets;
}

TEST(StreamProperty, WithoutLossTheOutputEqualsTheInput) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream stream(seed);
    std::vector<Piece> pieces = stream.Cut();
    // Repeats, and overlaps with other borders but the same bytes.
    const size_t cuts = pieces.size();
    for (size_t i = 0; i < cuts / 2; ++i) {
      const size_t at = stream.Below(stream.bytes.size());
      pieces.insert(pieces.begin() + static_cast<long>(stream.Below(pieces.size())),
                    Piece{at, std::min<size_t>(stream.bytes.size() - at, 1 + stream.Below(1400))});
    }
    stream.Shuffle(&pieces, 1 + seed % 20);
    const Outcome outcome = Reassemble(Packets(stream, pieces, seed % 3 != 0));
    ASSERT_THAT(FindImbalance(outcome.ledger), ::testing::IsEmpty());
    ASSERT_EQ(outcome.events.flows.size(), 1u);
    const RecordedStream& out = outcome.events.flows[0].streams[0];
    ASSERT_TRUE(out.in_order);
    ASSERT_EQ(out.bytes, stream.bytes);
    ASSERT_THAT(out.gaps, ::testing::IsEmpty());
    ASSERT_EQ(outcome.ledger.delivered_bytes, stream.bytes.size());
    ASSERT_EQ(outcome.ledger.conflicts, 0u);
  }
}

TEST(StreamProperty, ExactlyTheLostIntervalsAreGaps) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream stream(seed);
    std::vector<Piece> pieces = stream.Cut();
    std::vector<bool> seen(stream.bytes.size(), false);
    std::vector<Piece> kept;
    for (const Piece& piece : pieces) {
      if (stream.Below(4) == 0) continue;
      kept.push_back(piece);
      std::fill_n(seen.begin() + static_cast<long>(piece.at), piece.size, true);
    }
    stream.Shuffle(&kept, 8);
    const Outcome outcome = Reassemble(Packets(stream, kept, true));
    ASSERT_THAT(FindImbalance(outcome.ledger), ::testing::IsEmpty());
    if (outcome.events.flows.empty()) {
      ASSERT_TRUE(kept.empty());
      continue;
    }
    const RecordedStream& out = outcome.events.flows[0].streams[0];
    ASSERT_TRUE(out.in_order);
    std::vector<bool> missing(stream.bytes.size(), false);
    for (const RecordedGap& gap : out.gaps) {
      ASSERT_LE(gap.offset + gap.length, stream.bytes.size());
      std::fill_n(missing.begin() + static_cast<long>(gap.offset), gap.length, true);
    }
    for (size_t i = 0; i < stream.bytes.size(); ++i) {
      ASSERT_EQ(missing[i], !seen[i]) << i;
      if (seen[i]) {
        ASSERT_EQ(out.bytes[i], stream.bytes[i]) << i;
      }
    }
    ASSERT_EQ(outcome.ledger.stream_bytes, stream.bytes.size());
  }
}

// A slow and obvious model: an array of bytes, the first write to each stays.
TEST(StreamProperty, ConflictingOverlapsFollowTheModel) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream stream(seed);
    const size_t size = 200;
    std::string model(size, '\0');
    std::vector<bool> set(size, false);
    std::vector<CapturedPacket> packets;
    TimeNs time = 0;
    const auto add = [&](uint32_t sequence, uint8_t flags, std::string_view payload) {
      SegmentSpec spec{kClient, kServer, sequence, 0, flags, payload};
      packets.push_back(Capture(EthernetFrame(Datagram(spec)), ++time));
    };
    add(stream.isn, kTcpSyn, "");
    for (int i = 0; i < 30; ++i) {
      // One-byte segments may be keep-alives, which never conflict; they have a test of their own.
      const size_t at = stream.Below(size - 2);
      const size_t length = 2 + stream.Below(std::min<uint64_t>(size - at - 1, 40));
      const std::string text(std::min(length, size - at), static_cast<char>('A' + i % 26));
      for (size_t k = 0; k < text.size(); ++k) {
        if (!set[at + k]) model[at + k] = text[k];
        set[at + k] = true;
      }
      add(stream.isn + 1 + static_cast<uint32_t>(at), kTcpAck, text);
    }
    const Outcome outcome = Reassemble(packets);
    ASSERT_THAT(FindImbalance(outcome.ledger), ::testing::IsEmpty());
    const std::string& got = outcome.events.flows[0].client();
    ASSERT_EQ(got, model.substr(0, got.size()));
    for (size_t i = got.size(); i < size; ++i) ASSERT_FALSE(set[i]);
  }
}

}  // namespace
}  // namespace flowstitch
