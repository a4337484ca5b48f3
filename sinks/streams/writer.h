// What the events of a worker's flows are given to: each writer makes one kind of output. One of
// each kind works in a worker, in its thread alone.
#ifndef FLOWSTITCH_SINKS_STREAMS_WRITER_H_
#define FLOWSTITCH_SINKS_STREAMS_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

// A batch whose bytes a writer still needs. The worker keeps the batch, and with it every view into
// it, until nothing holds it; then the batch can be acknowledged.
struct BatchHold {
  uint64_t number = 0;  // among all batches, as they came
  uint32_t holds = 0;
};

// A frame as it was captured; the bytes are valid during the call only.
struct FrameRecord {
  ByteView bytes;
  ByteView payload;  // of TCP or UDP, inside `bytes`
  TimeNs time_ns = 0;
  uint32_t link_type = 0;
  uint32_t wire_length = 0;
  bool of_flow = false;
  uint64_t flow_id = 0;
  Direction direction = kClientToServer;
};

class Writer {
 public:
  virtual ~Writer() = default;
  virtual void OnOpened(SinkFlow& /*flow*/) {}
  // `bytes` stay valid while `hold->holds` is raised.
  virtual void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                       TimeNs time_ns, BatchHold* hold) = 0;
  virtual void OnGap(SinkFlow& /*flow*/, Direction /*direction*/, const GapRecord& /*gap*/) {}
  virtual void OnClosed(SinkFlow& /*flow*/) {}
  // Only when the reassembler passes frames on. `flow` is null when the frame became part of none,
  // or came after its flow had closed; the record tells which.
  virtual void OnFrame(SinkFlow* /*flow*/, const FrameRecord& /*frame*/) {}

  // Endings of the files that it gives a stream's name: a name is taken where one of them is there.
  virtual std::vector<std::string> Endings() const { return {}; }
  // Whether it copies bytes or frames into buffers of its own: then Flush() is called now and then,
  // and no batch is acknowledged before.
  virtual bool buffers() const { return false; }
  // What it has in its buffers goes to the file.
  virtual void Flush() {}
  // After each batch, and when nothing has come for a moment.
  virtual void OnBatchDone() {}
  // After the last flow has closed.
  virtual void Finish() {}
  // Its first failure: nothing more is written then.
  virtual absl::Status status() const { return absl::OkStatus(); }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_WRITER_H_
