// A stream's bytes: those that come in order are given out, others wait behind the first hole.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_BYTES_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_BYTES_H_

#include "reassembler/flows/stream_output.h"
#include "reassembler/flows/waiting_bytes.h"

namespace flowstitch {

class StreamBytes {
 public:
  StreamOutput& out() { return out_; }
  const StreamOutput& out() const { return out_; }
  WaitingBytes& waiting() { return waiting_; }
  const WaitingBytes& waiting() const { return waiting_; }

  // The stream begins at `origin`: what waits is looked at. Before that, everything waits.
  void Start(const StreamContext& c, Position origin);
  // Bytes inside the stream and the window; returns how many of them were new.
  size_t Take(const StreamContext& c, Position at, ByteView bytes, const Carrier& carrier);
  // So many that the capture cut off.
  void TakeTruncated(const StreamContext& c, Position at, uint32_t length);
  // Where the first hole ends: at what waits behind it, or at the FIN.
  Position HoleEnd(Position fin) const;
  // The first hole becomes a gap.
  void GiveUpHole(const StreamContext& c, Position fin, GapReason reason);

 private:
  void Drain(const StreamContext& c);
  size_t Store(const StreamContext& c, Position at, ByteView bytes, const Carrier& carrier);

  StreamOutput out_;
  WaitingBytes waiting_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_BYTES_H_
