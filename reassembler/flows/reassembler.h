// The whole core: frames and packet time in, events of flows out. No clock, thread, socket or
// protobuf.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_REASSEMBLER_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_REASSEMBLER_H_

#include <map>
#include <memory>
#include <optional>

#include "base/flow_id.h"
#include "base/packet_clock.h"
#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/tcp_reassembler.h"
#include "reassembler/flows/udp_flows.h"
#include "reassembler/frames/frame_decoder.h"
#include "reassembler/frames/packet_times.h"
#include "reassembler/sources/source_clocks.h"

namespace flowstitch {

struct ReassemblyOptions {
  DecoderOptions decoder;
  TcpLimits tcp;
  UdpLimits udp;
  FrameChoice frames;
  uint32_t shard = 0;  // of the flows' ids
};

class Reassembler : private FrameDecoder::Taker {
 public:
  // `events` outlives the reassembler.
  Reassembler(const ReassemblyOptions& options, StreamEvents* events);

  // Takes the next frame. Time may go backwards; time-outs go by the highest so far, or keep pace.
  void OnFrame(const Frame& frame);
  // An interface is among several sources: from now on time-outs keep pace with a steady clock; see
  // SourceClocks.
  void KeepPace(int64_t steady_ns);
  // The frames that follow lie in `area`, which stays as it is as long as `owner` lives: their
  // bytes need not be copied to be remembered. Empty: they are valid during the call only.
  void SetFrameArea(ByteView area, const std::shared_ptr<const void>& owner) {
    tcp_.delivered().SetArea(area, owner);
  }
  // The capture has ended: everything open is flushed and closed.
  void Finish();

  const ReassemblyLedger& ledger() const { return ledger_; }
  // Frames that are not read, by what they are.
  const FrameDecoder::UnreadFrames& unread() const { return decoder_.unread(); }
  const std::map<WirelessNetwork, uint64_t>& networks() const { return decoder_.networks(); }
  // Frames come from more than one source: copies of a datagram count once from now on.
  void set_several_sources() { decoder_.set_several_sources(); }
  const DuplicateFilter& duplicates() const { return decoder_.duplicates(); }
  uint64_t copies(uint32_t source) const { return decoder_.copies(source); }
  // The highest capture time so far.
  TimeNs stamp_ns() const { return paced_ ? paced_->stamps.now_ns() : clock_.now_ns(); }
  TcpReassembler& tcp() { return tcp_; }
  const UdpFlows& udp() const { return udp_; }

 private:
  void OnSegment(const Segment& segment) override { tcp_.OnSegment(segment); }
  void OnUdpDatagram(const UdpDatagram& datagram) override { udp_.OnDatagram(datagram); }
  void OnCopy() override { recorder_.NoteCopy(); }
  PacketTimes NoteTime(const Frame& frame);

  ReassemblyLedger ledger_;
  uint64_t flow_numbers_;
  FrameRecorder recorder_;
  const bool with_frames_;
  FrameDecoder decoder_;
  TcpReassembler tcp_;
  UdpFlows udp_;
  const bool with_udp_;
  PacketClock clock_{PacketClock::Habits{}};  // of the time-outs
  struct Paced {
    SourceClocks sources;
    PacketClock stamps;
  };
  std::optional<Paced> paced_;  // nothing: the frames' time is that of the time-outs
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_REASSEMBLER_H_
