// A capture file for each stream (tcpflow's -K): NAME.pcap with the frames of one direction, in the
// order of their capture, from the first SYN to the last repeat.
#ifndef FLOWSTITCH_SINKS_WRITERS_CAPTURES_FLOW_CAPTURE_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_CAPTURES_FLOW_CAPTURE_WRITER_H_

#include <list>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "base/ledger.h"
#include "sinks/streams/append_file.h"
#include "sinks/streams/stream_names.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

class FlowCaptureWriter : public Writer {
 public:
  // `names` and `ledger` outlive the writer.
  FlowCaptureWriter(StreamNames* names, SinkLedger* ledger) : names_(names), ledger_(ledger) {}

  void OnBytes(SinkFlow& /*flow*/, Direction /*direction*/, uint64_t /*offset*/, ByteView /*bytes*/,
               TimeNs /*time_ns*/, BatchHold* /*hold*/) override {}
  void OnOpened(SinkFlow& flow) override;
  void OnFrame(SinkFlow* flow, const FrameRecord& frame) override;
  void OnClosed(SinkFlow& flow) override;
  std::vector<std::string> Endings() const override { return {".pcap"}; }
  bool buffers() const override { return true; }
  void Flush() override;

  absl::Status status() const override { return status_; }

 private:
  // Files by direction and link type.
  using Files = std::map<std::pair<int, uint32_t>, std::unique_ptr<AppendFile>>;
  struct Entry {
    Files files;
    std::string paths[2];
    bool closed = false;
    std::list<uint64_t>::iterator place;  // among the closed ones
  };
  // Closed flows whose late frames still find their file.
  static constexpr size_t kMaxClosed = 4096;

  AppendFile& FileOf(Entry* entry, const FrameRecord& frame);
  void Note(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  StreamNames* const names_;
  SinkLedger* const ledger_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Entry>> entries_;
  std::list<uint64_t> closed_;  // longest closed first
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CAPTURES_FLOW_CAPTURE_WRITER_H_
