// A file that was cut out of a stream.
#ifndef FLOWSTITCH_SINKS_RECORDS_BODY_RECORD_H_
#define FLOWSTITCH_SINKS_RECORDS_BODY_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/capture_time.h"
#include "sinks/streams/digests.h"

namespace flowstitch {

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

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_BODY_RECORD_H_
