// A flow as a record: what was found in it. Kept while the flow is open, complete when it closes.
#ifndef FLOWSTITCH_SINKS_RECORDS_FLOW_RECORD_H_
#define FLOWSTITCH_SINKS_RECORDS_FLOW_RECORD_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/capture_time.h"
#include "sinks/content/openings/proxy_record.h"
#include "sinks/content/tls/tls_facts.h"
#include "sinks/records/body_record.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

// Gaps, bodies and stops listed for one stream; more are only counted.
inline constexpr size_t kMaxListed = 10'000;

// The file of a stream, or what it would be where none is written.
struct StreamFileRecord {
  std::string path;    // empty: none is written
  uint64_t bytes = 0;  // its length: gaps are holes in it
  bool there = false;  // it was made, and is complete
  std::vector<DigestValue> digests;
};

// What TLS hid in a stream: the file of the decrypted bytes.
struct PlainRecord {
  std::string path;  // empty: no byte was decrypted, or no file was asked for
  std::string of;    // as in BodyRecord
  uint64_t bytes = 0;
  uint64_t gaps = 0;      // records that are missing in it
  bool complete = false;  // everything was decrypted
  std::string note;       // why not
  TimeNs time_ns = 0;
  std::vector<DigestValue> digests;
};

// What of a stream could not be read as HTTP.
struct UnreadRecord {
  std::string of;  // as in BodyRecord
  uint64_t offset = 0;
  std::optional<uint64_t> end;  // absent: the rest
  std::string why;
};

// The file that holds both directions of a flow.
struct ConversationRecord {
  std::string path;  // empty: there is none
  uint64_t bytes = 0;
  std::vector<DigestValue> digests;
};

// Two segments that say different things about the same bytes.
struct ConflictRecord {
  uint64_t offset = 0;  // of the first byte that differs
  uint64_t length = 0;  // that differ from there on, in the later segment
  std::string kept;     // samples of both, from `offset` on
  std::string dropped;
  TimeNs time_ns = 0;
};

struct FlowRecord {
  explicit FlowRecord(const SinkFlow* the_flow) : flow(the_flow) {}

  struct Stream {
    StreamFileRecord file;
    std::vector<GapRecord> gaps;
    std::vector<BodyRecord> bodies;
    std::vector<PlainRecord> plain;
    std::vector<UnreadRecord> unread;
  };

  const SinkFlow* const flow;  // never null
  std::array<Stream, 2> streams;
  ConversationRecord conversation;
  std::optional<ProxyRecord> proxy;  // what stood before the protocol proper
  std::unique_ptr<TlsFacts> tls;     // of the outermost handshake; null: none was seen
  std::vector<RangeRecord> ranges;   // that its bodies brought
  uint64_t conflicts = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_FLOW_RECORD_H_
