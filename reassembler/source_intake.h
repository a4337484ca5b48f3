// All sources of a reassembler: who they are, their frames in one order, and how each has ended.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCE_INTAKE_H_
#define FLOWSTITCH_REASSEMBLER_SOURCE_INTAKE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/frame.h"
#include "reassembler/delivered_frames.h"
#include "reassembler/flows/reassembler.h"
#include "reassembler/reassembler_options.h"
#include "reassembler/source_books.h"
#include "reassembler/sources/source_merger.h"
#include "reassembler/stream_batcher.h"
#include "transport/process_services.h"
#include "transport/router_receiver.h"

namespace flowstitch {

class SourceIntake {
 public:
  // All outlive it. What sources say of TLS secrets goes to `batcher`; `reassembler` is told how
  // many there are, and of their time.
  SourceIntake(const ReassemblerOptions& options, Reassembler* reassembler, StreamBatcher* batcher);

  absl::Status Open(ProcessServices& services, uint64_t epoch);

  // Takes what has come, and tells who has come and gone.
  void Service(int64_t now_ns);
  // Gives out the next frame; false when none may be taken now. Its bytes, and the batch that it is
  // in, are valid until the next call.
  bool Next(Frame* frame);
  const std::shared_ptr<Delivery>& batch() const {
    return DeliveredFrames::MessageOf(*merger_.current());
  }
  // An End is finished with when everything before it is.
  void FinishEnds();

  // Sources that have come and were not refused.
  size_t admitted() const;
  bool AllEnded() const;
  // Whether a file was not read to its end. Of an interface there is always more: that is no loss.
  bool FilesAreLeft() const;
  // Whether those that have ended know that they may go.
  bool MayGo(int64_t now_ns) const;
  // What went wrong first with one of them; empty: nothing.
  const std::string& error() const { return error_; }

  RouterReceiver& links() { return *links_; }
  const SourceBooks& books() const { return books_; }

 private:
  void AddNew();
  void ReplaceForgotten();
  void EndRefused();
  TimeNs LatestNs() const;
  void Take(size_t source, std::shared_ptr<Delivery> delivery);
  void TakePackets(size_t source, std::shared_ptr<Delivery> delivery);
  void TakeEnd(size_t source, std::shared_ptr<Delivery> delivery);

  const ReassemblerOptions& options_;
  Reassembler& reassembler_;
  StreamBatcher& batcher_;
  std::unique_ptr<RouterReceiver> links_;
  SourceMerger merger_;
  const SourceMerger::OnFinished on_finished_;
  SourceBooks books_;
  std::vector<std::shared_ptr<Delivery>> ends_;  // null: none waits to be finished
  std::vector<uint32_t> generations_;
  bool keeps_pace_ = false;
  std::string error_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCE_INTAKE_H_
