// Overlap policies: the vectors of the literature, and every arrangement of two and three segments
// against a slow and obvious model.
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

struct Piece {
  int at;
  std::string bytes;
};

const std::vector<Piece> kVector = {{2, "AAA"},  {6, "BB"},   {8, "CCC"},  {12, "D"}, {15, "EE"},
                                    {17, "FFF"}, {20, "GG"},  {22, "HH"},  {24, "I"}, {3, "JJJJ"},
                                    {8, "KKK"},  {11, "LLL"}, {14, "MMM"}, {18, "N"}, {21, "O"},
                                    {22, "P"},   {24, "QQ"},  {1, "0"}};

// Relative sequence 1 is the stream's first byte.
Outcome Reassembled(const std::vector<Piece>& pieces, OverlapPolicy policy, uint32_t isn) {
  Talk talk = Fresh(isn).Handshake();
  for (const Piece& piece : pieces) talk.FromClient(piece.at - 1, piece.bytes);
  TcpLimits limits;
  limits.overlap = policy;
  return Checked(talk.packets, limits);
}

TEST(Overlap, Case40b_EveryPolicyGivesItsVector) {
  const std::pair<OverlapPolicy, const char*> wanted[] = {
      {OverlapPolicy::kBsd, "0AAAJJBCCCLLLMMMFFFGGHHIQ"},
      {OverlapPolicy::kLinux, "0AAAJJBCCCLLLMMMFFFGGHHQQ"},
      {OverlapPolicy::kOldLinux, "0AAAJJBKKKLLLMMMFFFGGHHQQ"},
      {OverlapPolicy::kSolaris, "0AJJJBBKKKLLLMMMFFFGGHHQQ"},
      {OverlapPolicy::kFirst, "0AAAJBBCCCLDLMEEFFFGGHHIQ"},
      {OverlapPolicy::kWindows, "0AAAJBBCCCLDLMEEFFFGGHHIQ"},
      // Not in the literature's table: the last write to each byte.
      {OverlapPolicy::kLast, "0AJJJJBKKKLLLMMMFNFGOPHQQ"},
  };
  for (const uint32_t isn : {1u, 0x7fffffffu, 0xfffffff0u}) {
    for (const auto& [policy, text] : wanted) {
      const Outcome outcome = Reassembled(kVector, policy, isn);
      ASSERT_EQ(outcome.events.flows.size(), 1u);
      EXPECT_EQ(outcome.events.flows[0].client(), text) << NameOf(policy) << " " << isn;
      EXPECT_GT(outcome.ledger.conflicts, 0u);
    }
  }
}

// The model: an array of bytes, and of each which segment it came from. A later segment takes a
// byte when its policy's sentence says so.
class Model {
 public:
  explicit Model(OverlapPolicy policy) : policy_(policy) {}

  void Add(const Piece& piece) {
    const size_t number = segments_.size();
    segments_.push_back(piece);
    for (size_t i = 0; i < piece.bytes.size(); ++i) {
      const size_t place = static_cast<size_t>(piece.at) + i;
      if (bytes_.size() <= place) {
        bytes_.resize(place + 1, '\0');
        owner_.resize(place + 1, SIZE_MAX);
      }
      if (owner_[place] != SIZE_MAX && !LaterWins(segments_[owner_[place]], piece)) continue;
      bytes_[place] = piece.bytes[i];
      owner_[place] = number;
    }
  }
  std::string text() const { return bytes_.substr(1); }

 private:
  static int EndOf(const Piece& p) { return p.at + static_cast<int>(p.bytes.size()); }

  bool LaterWins(const Piece& earlier, const Piece& later) const {
    switch (policy_) {
      case OverlapPolicy::kFirst:
      case OverlapPolicy::kWindows:
        return false;
      case OverlapPolicy::kLast:
        return true;
      case OverlapPolicy::kBsd:
        // Who begins first; of two that begin together the earlier.
        return later.at < earlier.at;
      case OverlapPolicy::kLinux:
        // Who begins first; of two that begin together the longer, of equals the earlier.
        if (later.at != earlier.at) return later.at < earlier.at;
        return later.bytes.size() > earlier.bytes.size();
      case OverlapPolicy::kOldLinux:
        // Who begins first; of two that begin together the longer, of equals the later.
        if (later.at != earlier.at) return later.at < earlier.at;
        return later.bytes.size() >= earlier.bytes.size();
      case OverlapPolicy::kSolaris:
        // Who ends last; of two that end together the one that begins first, of equals the later.
        if (EndOf(later) != EndOf(earlier)) return EndOf(later) > EndOf(earlier);
        return later.at <= earlier.at;
    }
    return false;
  }

  OverlapPolicy policy_;
  std::vector<Piece> segments_;
  std::string bytes_ = std::string(1, '\0');
  std::vector<size_t> owner_ = {SIZE_MAX};
};

std::vector<Piece> AllPieces(int places, char letter) {
  std::vector<Piece> all;
  for (int at = 2; at < 2 + places; ++at) {
    for (int end = at + 1; end <= 2 + places; ++end) {
      all.push_back({at, std::string(static_cast<size_t>(end - at), letter)});
    }
  }
  return all;
}

void ExpectModel(std::vector<Piece> pieces, OverlapPolicy policy, int places) {
  Model model(policy);
  // Places that nothing covers are filled without overlap, and the first byte comes last.
  std::string covered(static_cast<size_t>(places) + 2, '\0');
  for (const Piece& piece : pieces) {
    model.Add(piece);
    for (size_t i = 0; i < piece.bytes.size(); ++i)
      covered[static_cast<size_t>(piece.at) + i] = 'x';
  }
  for (int at = 2; at < 2 + places; ++at) {
    if (covered[static_cast<size_t>(at)] != '\0') continue;
    pieces.push_back({at, "-"});
    model.Add(pieces.back());
  }
  pieces.push_back({1, "0"});
  model.Add(pieces.back());
  // Through the core's own container, so that all arrangements take seconds, not hours.
  PendingBytes pending;
  std::string got = "0";
  for (const Piece& piece : pieces) {
    if (piece.at == 1) continue;
    size_t told = 0;
    const size_t added = pending.Insert(static_cast<Position>(piece.at), AsBytes(piece.bytes), 0,
                                        policy, [&told](Position, ByteView kept, ByteView dropped) {
                                          ASSERT_EQ(kept.size(), dropped.size());
                                          told += kept.size();
                                        });
    ASSERT_EQ(added + told, piece.bytes.size());
  }
  ASSERT_EQ(pending.payload_bytes(), static_cast<size_t>(places));
  Position next = 2;
  while (!pending.empty()) {
    ASSERT_EQ(pending.first(), next);
    const auto [at, chunk] = pending.TakeFirst();
    got += AsText({chunk.bytes.get(), chunk.length});
    next += chunk.length;
  }
  ASSERT_EQ(got, model.text()) << NameOf(policy);
}

// All of Allen's interval relations are among the pairs over six places, and all pairs of them
// among the triplets over five.
TEST(Overlap, EveryPairAndTripletFollowsTheModel) {
  for (int p = 0; p < 7; ++p) {
    const auto policy = static_cast<OverlapPolicy>(p);
    for (const Piece& a : AllPieces(6, 'A')) {
      for (const Piece& b : AllPieces(6, 'B')) ExpectModel({a, b}, policy, 6);
    }
    for (const Piece& a : AllPieces(5, 'A')) {
      for (const Piece& b : AllPieces(5, 'B')) {
        for (const Piece& c : AllPieces(5, 'C')) ExpectModel({a, b, c}, policy, 5);
      }
    }
    if (::testing::Test::HasFailure()) return;
  }
}

// The same pairs as packets through the whole core.
TEST(Overlap, EveryPairFollowsTheModelThroughTheCore) {
  for (int p = 0; p < 7; ++p) {
    const auto policy = static_cast<OverlapPolicy>(p);
    for (const Piece& a : AllPieces(4, 'A')) {
      for (const Piece& b : AllPieces(4, 'B')) {
        // A keep-alive takes no place, whatever the policy: it has a test of its own.
        if (b.bytes.size() == 1 && b.at + 1 == a.at + static_cast<int>(a.bytes.size())) continue;
        Model model(policy);
        std::vector<Piece> pieces = {a, b};
        std::string covered(6, '\0');
        for (const Piece& piece : pieces) {
          model.Add(piece);
          for (size_t i = 0; i < piece.bytes.size(); ++i) {
            covered[static_cast<size_t>(piece.at) + i] = 'x';
          }
        }
        for (int at = 5; at >= 2; --at) {
          if (covered[static_cast<size_t>(at)] != '\0') continue;
          pieces.push_back({at, "-"});
          model.Add(pieces.back());
        }
        pieces.push_back({1, "0"});
        model.Add(pieces.back());
        const Outcome outcome = Reassembled(pieces, policy, 0xfffffffc);
        ASSERT_EQ(outcome.events.flows.size(), 1u);
        ASSERT_EQ(outcome.events.flows[0].client(), model.text())
            << NameOf(policy) << " " << a.at << " " << a.bytes << " " << b.at << " " << b.bytes;
      }
    }
  }
}

TEST(Overlap, NamesAreFoundAndOthersNot) {
  for (const char* name : {"first", "last", "bsd", "linux", "old-linux", "solaris", "windows"}) {
    ASSERT_TRUE(OverlapPolicyFromName(name)) << name;
    EXPECT_EQ(NameOf(*OverlapPolicyFromName(name)), name);
  }
  EXPECT_FALSE(OverlapPolicyFromName("Linux"));
}

}  // namespace
}  // namespace flowstitch
