// A flow as the writers see it.
#ifndef FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_
#define FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "base/flow_facts.h"
#include "base/flow_key.h"
#include "base/stream_summary.h"
#include "sinks/streams/proxy_record.h"
#include "sinks/streams/tls_facts.h"

namespace flowstitch {

// Gaps and bodies listed for one stream in the report; more are only counted.
inline constexpr size_t kMaxListedGaps = 10'000;

// No reassembler makes longer ones; a batch that does contradicts itself.
inline constexpr uint64_t kMaxGapBytes = uint64_t{256} << 20;

struct GapRecord {
  uint64_t offset = 0;
  uint64_t length = 0;
  GapReason reason = GapReason::kUnknown;
};

struct DigestValue {
  std::string type;  // "MD5", "SHA1", "SHA256": the words of DFXML
  std::string hex;
};

// What a file that was cut out of a stream is.
enum class BodyKind {
  kBody,          // of an HTTP message
  kPart,          // of a multipart body
  kWebSocket,     // a WebSocket's message
  kJoined,        // a resource whose ranges came in several messages
  kOtherReading,  // of a body that can be read in two ways
};
// "body", "part", "websocket", "joined", "other_reading".
std::string BodyKindName(BodyKind kind);

// An HTTP body, or a part of one, that was written to a file.
struct BodyRecord {
  std::string path;
  BodyKind kind = BodyKind::kBody;
  // What stands behind the name of the stream that it was cut out of: "" for the stream itself,
  // "-TLS" for what was decrypted of it.
  std::string of;
  uint64_t bytes = 0;          // in the file
  uint64_t stream_offset = 0;  // where the body, still coded, begins; of a part: in its body
  uint64_t stream_bytes = 0;   // what it takes there
  bool complete = false;
  std::string note;           // why it is incomplete or kept as it came
  std::string sender_name;    // the file name that the sender gave, made safe; often empty
  std::string field_name;     // of a part: the form's field
  std::string content_range;  // of a part of multipart/byteranges
  TimeNs time_ns = 0;         // of its first byte, and of the file
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

// A part of a resource that one message brought (RFC 9110, 14.4).
struct RangeRecord {
  std::string path;      // of the body's file
  std::string resource;  // what tells resources apart
  std::string stem;      // path of the joined file without ending
  std::string extension;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t total = 0;
  TimeNs time_ns = 0;
  std::string stream_path;
};

// The file that holds both directions of a flow.
struct ConversationRecord {
  std::string path;  // empty: there is none
  uint64_t bytes = 0;
  std::vector<DigestValue> digests;
};

// One direction of a flow.
struct SinkStream {
  std::vector<uint16_t> vlan;  // outermost first
  bool outer_8021q = false;    // the outermost tag has the type 0x8100
  std::string path;            // of its file; empty before the first byte
  // Of the bytes that are being given: how much of the other direction their sender had.
  std::optional<uint64_t> acknowledged;
  std::string name;         // the same without the output directory
  uint64_t length = 0;      // so far, gaps included
  uint64_t known = 0;       // the same with a gap at the end, after which bytes may follow
  uint64_t bytes = 0;       // so far, without
  uint64_t file_bytes = 0;  // length of its file, when closed
  TimeNs first_byte_ns = 0;
  // Of a flow that an earlier sink of this name began: its file may be there already, and (until
  // the first event) how long it is says the first event's offset.
  bool restored = false;
  bool resumes = false;
  uint64_t printed = 0;  // by the console, in packet order
  std::vector<GapRecord> gaps;
  std::vector<BodyRecord> bodies;
  std::vector<PlainRecord> plain;
  std::vector<UnreadRecord> unread;
  std::vector<DigestValue> digests;
  StreamSummary summary;  // when closed
};

// State that a writer keeps for a flow.
struct WriterState {
  virtual ~WriterState() = default;
};

// What the writers keep for a flow, each in its own place.
class WriterStates {
 public:
  std::unique_ptr<WriterState>& operator[](size_t place) {
    if (place >= states_.size()) states_.resize(place + 1);
    return states_[place];
  }

 private:
  static constexpr size_t kUsualWriters = 8;  // more cost an allocation a flow
  absl::InlinedVector<std::unique_ptr<WriterState>, kUsualWriters> states_;
};

// A tunnel around a flow's first segment.
struct TunnelRecord {
  TunnelKind kind = TunnelKind::kUnknown;
  uint32_t id = 0;
  IpAddress source;
  IpAddress destination;
};

struct SinkFlow {
  uint64_t id = 0;
  uint64_t number = 0;  // in the order of opening
  Endpoint client;
  Endpoint server;
  TimeNs first_time_ns = 0;
  std::string client_mac;  // 6 bytes or empty
  std::string server_mac;
  std::string community_id;
  OpenedBy opened_by = OpenedBy::kUnknown;
  bool mid_stream = false;
  bool unconfirmed = false;  // payload of a SYN that nobody answered
  uint8_t protocol = 6;      // IP's number; 17: UDP
  std::vector<TunnelRecord> tunnels;
  std::optional<ProxyRecord> proxy;  // what stood before the protocol proper
  // Set when an earlier flow goes on here: that flow's number, and where its streams had ended.
  // Offsets in this flow, and in its files, count from there.
  std::optional<uint64_t> continues;
  std::array<uint64_t, 2> start_offset = {};
  std::string history;  // when closed
  std::array<SinkStream, 2> streams;
  ConversationRecord conversation;
  std::unique_ptr<TlsFacts> tls;    // null: no TLS handshake was seen
  std::vector<RangeRecord> ranges;  // that bodies of this flow brought
  uint64_t conflicts = 0;
  bool closed = false;
  CloseReason close_reason = CloseReason::kUnknown;
  TimeNs closed_ns = 0;
  WriterStates states;

  // Whether its first bytes are the first that the ends sent.
  bool from_start() const { return !mid_stream && !continues; }
  // Whether the end that sends in this direction said that there is no more.
  bool ended_in_order(Direction direction) const {
    return close_reason == CloseReason::kFinished || streams[direction].summary.fin_seen;
  }
  const Endpoint& source_of(Direction direction) const {
    return direction == kClientToServer ? client : server;
  }
  const Endpoint& destination_of(Direction direction) const {
    return direction == kClientToServer ? server : client;
  }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_
