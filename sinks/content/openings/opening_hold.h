// Holds the first bytes of both directions of a flow that may come through a proxy, until it is
// clear where the protocol proper begins.
#ifndef FLOWSTITCH_SINKS_CONTENT_OPENINGS_OPENING_HOLD_H_
#define FLOWSTITCH_SINKS_CONTENT_OPENINGS_OPENING_HOLD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/direction.h"
#include "sinks/content/openings/proxy_opening.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

struct StreamPiece {
  Direction direction = kClientToServer;
  uint64_t offset = 0;
  ByteView bytes;
  TimeNs time_ns = 0;
  std::optional<uint64_t> acknowledged;  // as in SinkStream
};

class OpeningHold {
 public:
  using Give = absl::FunctionRef<void(const StreamPiece&)>;

  // Whether a flow that begins with this piece is worth one.
  static bool MayBegin(const SinkFlow& flow, const StreamPiece& piece) {
    return piece.direction == kClientToServer && piece.offset == 0 && flow.from_start() &&
           MayBeginProxyOpening(piece.bytes);
  }

  // The next piece of the flow. Once nothing is held any more, `give` has got all that is not of an
  // opening.
  void Take(const StreamPiece& piece, Give give);
  // Nothing more comes that could tell: all of it is given.
  void Release(Give give);
  bool holds() const { return holds_; }
  // What the opening said; absent: there was none, or it is not all there.
  const std::optional<ProxyRecord>& record() const { return record_; }
  size_t memory_bytes() const {
    return texts_[0].capacity() + texts_[1].capacity() + held_.capacity() * sizeof(Held);
  }

 private:
  // Nobody says so little in so many pieces.
  static constexpr size_t kMaxPieces = 64;
  struct Held {
    StreamPiece piece;  // its bytes are in texts_
    size_t begin = 0;
  };
  void GiveFrom(const size_t (&skip)[2], Give give);

  bool holds_ = true;
  std::string texts_[2];
  std::vector<Held> held_;
  std::optional<ProxyRecord> record_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_OPENINGS_OPENING_HOLD_H_
