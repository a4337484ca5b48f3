#include "sinks/content/http/http2_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "sinks/content/http/http2_frames.h"
#include "sinks/content/http/http_head.h"

namespace flowstitch {
namespace {

constexpr uint32_t kStreamMask = 0x7fffffff;

HttpHead HeadOf(HttpFields fields, bool with_fields) {
  HttpHead head;
  head.version = "HTTP/2";
  HttpFields regular;
  for (auto& [name, value] : fields) {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.target = value;
    } else if (name == ":authority") {
      head.host = value;
    } else if (name == ":status") {
      if (!absl::SimpleAtoi(value, &head.status)) head.status = 0;
    }
    if (name.empty() || name[0] != ':') regular.emplace_back(std::move(name), std::move(value));
  }
  if (head.host.empty()) head.host = FieldValue(regular, "host");
  head.content_type = FieldValue(regular, "content-type");
  for (const auto& [name, value] : regular) {
    if (name != "content-encoding") continue;
    head.content_encoding += (head.content_encoding.empty() ? "" : ", ") + value;
  }
  head.content_range = FieldValue(regular, "content-range");
  head.content_disposition = FieldValue(regular, "content-disposition");
  head.validator = FieldValue(regular, "etag");
  if (head.validator.empty()) head.validator = FieldValue(regular, "last-modified");
  if (with_fields) head.fields = std::move(regular);
  head.Shorten();
  return head;
}

}  // namespace

Http2Parser::Http2Parser(bool with_fields, HttpEvents* events)
    : with_fields_(with_fields), events_(events) {
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    Side& s = side(kind);
    s.kind = kind;
  }
  side(HttpKind::kRequest).preface_left = kHttp2Preface.size();
}

void Http2Parser::Stop(Side* s, const char* why) {
  if (s->stopped) return;
  s->stopped = true;
  s->why_stopped = why;
  s->payload = {};
  s->block = {};
  std::vector<uint32_t> open;
  for (const auto& [id, stream] : streams_) {
    const Message& message = stream.messages[static_cast<size_t>(s->kind)];
    if (message.headed && !message.ended) open.push_back(id);
  }
  for (const uint32_t id : open) EndMessage(s->kind, id, false, why);
}

bool Http2Parser::TakePreface(Side* s, ByteView* bytes) {
  const size_t n = std::min(s->preface_left, bytes->size());
  const size_t at = kHttp2Preface.size() - s->preface_left;
  if (AsText(bytes->first(n)) != kHttp2Preface.substr(at, n)) {
    Stop(s, "HTTP/2 does not begin with its preface");
    return false;
  }
  s->preface_left -= n;
  s->offset += n;
  *bytes = bytes->subspan(n);
  return true;
}

bool Http2Parser::TakeHeader(Side* s, ByteView* bytes) {
  const size_t n = std::min(kHttp2FrameHeaderBytes - s->header.size(), bytes->size());
  s->header.append(AsText(bytes->first(n)));
  s->offset += n;
  *bytes = bytes->subspan(n);
  if (s->header.size() < kHttp2FrameHeaderBytes) return false;
  const auto* p = AsBytes(s->header).data();
  s->frame.length = static_cast<uint32_t>(p[0]) << 16 | LoadBe16(p + 1);
  s->frame.type = p[3];
  s->frame.flags = p[4];
  s->frame.stream = LoadBe32(p + 5) & kStreamMask;
  s->header.clear();
  s->in_frame = true;
  s->left = s->frame.length;
  s->payload.clear();
  s->padding = 0;
  s->pad_known = (s->frame.flags & kPadded) == 0;
  // RFC 9113, 6.10: nothing stands between the frames of one head.
  if (s->block_stream != 0 && s->frame.type != kContinuation) {
    Stop(s, "a head of HTTP/2 is interrupted");
    return false;
  }
  const bool whole = s->frame.type == kHeaders || s->frame.type == kPushPromise ||
                     s->frame.type == kContinuation || s->frame.type == kResetStream;
  if (whole && s->frame.length > kMaxHeadBytes) {
    Stop(s, "a head of HTTP/2 is too large");
    return false;
  }
  if (s->left == 0) EndFrame(s);
  return !s->stopped;
}

void Http2Parser::BeginAmid(HttpKind kind, bool lost) {
  Side& s = side(kind);
  s.stopped = false;
  s.amid = true;
  s.heads_lost = s.heads_lost || lost;
  s.preface_left = 0;
  s.header.clear();
  s.payload.clear();
  s.block.clear();
  s.in_frame = false;
  s.block_stream = 0;
}

void Http2Parser::Feed(HttpKind kind, ByteView bytes, uint64_t offset) {
  Side& s = side(kind);
  if (s.stopped) return;
  s.offset = offset;
  while (!bytes.empty() && !s.stopped) {
    if (s.preface_left > 0) {
      if (!TakePreface(&s, &bytes)) return;
    } else if (!s.in_frame) {
      TakeHeader(&s, &bytes);
    } else {
      TakePayload(&s, &bytes);
    }
  }
}

void Http2Parser::TakePayload(Side* s, ByteView* bytes) {
  const size_t n = std::min<size_t>(s->left, bytes->size());
  const ByteView piece = bytes->first(n);
  *bytes = bytes->subspan(n);
  switch (s->frame.type) {
    case kData:
      TakeData(s, piece);
      break;
    case kHeaders:
    case kPushPromise:
    case kContinuation:
    case kResetStream:
      s->payload.append(AsText(piece));
      break;
    default:
      break;  // settings, pings, windows, unknown ones: nothing that a message consists of
  }
  s->left -= static_cast<uint32_t>(n);
  s->offset += n;
  if (s->left == 0 && !s->stopped) EndFrame(s);
}

// DATA: [pad length] content [padding].
void Http2Parser::TakeData(Side* s, ByteView bytes) {
  uint64_t at = s->offset;
  uint32_t left = s->left;
  if (!s->pad_known) {
    s->padding = bytes[0];
    s->pad_known = true;
    bytes = bytes.subspan(1);
    ++at;
    --left;
    if (s->padding > left) {
      Stop(s, "padding of HTTP/2 is longer than its frame");
      return;
    }
  }
  const size_t content = left > s->padding ? left - s->padding : 0;
  bytes = bytes.first(std::min(bytes.size(), content));
  if (bytes.empty()) return;
  auto it = streams_.find(s->frame.stream);
  const bool headed =
      it != streams_.end() && it->second.messages[static_cast<size_t>(s->kind)].headed;
  if (!headed && s->amid) {
    OnUnknownHead(s->frame.stream, s->kind, false, "its beginning is not there");
    it = streams_.find(s->frame.stream);
    if (it != streams_.end()) it->second.messages[static_cast<size_t>(s->kind)].gap = true;
  }
  if (it == streams_.end()) return;
  Message& message = it->second.messages[static_cast<size_t>(s->kind)];
  if (!message.headed || message.ended) return;
  message.bytes += bytes.size();
  events_->OnBody({s->kind, s->frame.stream}, bytes, at);
}

void Http2Parser::EndFrame(Side* s) {
  s->in_frame = false;
  const uint32_t stream = s->frame.stream;
  switch (s->frame.type) {
    case kData:
      if (s->frame.flags & kEndStream) EndMessage(s->kind, stream, true, "");
      break;
    case kHeaders:
      BeginBlock(s, false);
      break;
    case kPushPromise:
      BeginBlock(s, true);
      break;
    case kContinuation:
      if (s->block_stream == 0 || s->block_stream != stream) {
        Stop(s, "a head of HTTP/2 goes on that did not begin");
        break;
      }
      s->block += s->payload;
      if (s->block.size() > kMaxHeadBytes) {
        Stop(s, "a head of HTTP/2 is too large");
      } else if (s->frame.flags & kEndHeaders) {
        EndBlock(s);
      }
      break;
    case kResetStream:
      EndStreamOf(stream, "its stream was reset");
      break;
    default:
      break;
  }
  s->payload.clear();
}

// Takes padding, priority and the promised stream off a head's first frame.
void Http2Parser::BeginBlock(Side* s, bool promise) {
  ByteView block = AsBytes(s->payload);
  size_t padding = 0;
  size_t fixed = promise ? 4 : 0;
  if (s->frame.flags & kPadded) {
    if (block.empty()) return Stop(s, "a head of HTTP/2 makes no sense");
    padding = block[0];
    block = block.subspan(1);
  }
  if (!promise && (s->frame.flags & kPriority) != 0) fixed = 5;
  if (block.size() < fixed + padding || s->frame.stream == 0) {
    return Stop(s, "a head of HTTP/2 makes no sense");
  }
  s->block_promised = promise ? LoadBe32(block.data()) & kStreamMask : 0;
  block = block.subspan(fixed, block.size() - fixed - padding);
  s->block.assign(AsText(block));
  s->block_stream = s->frame.stream;
  s->block_ends_stream = !promise && (s->frame.flags & kEndStream) != 0;
  if (s->frame.flags & kEndHeaders) EndBlock(s);
}

void Http2Parser::EndBlock(Side* s) {
  const uint32_t stream = std::exchange(s->block_stream, 0);
  HttpFields fields;
  const char* const why = s->heads_lost ? "" : s->hpack.Read(AsBytes(s->block), &fields);
  if (why != nullptr && s->amid) {
    s->heads_lost = true;
    s->block.clear();
    if (s->block_promised != 0) return;
    OnUnknownHead(stream, s->kind, s->block_ends_stream,
                  "its head refers to what is not there, and is not known");
    return;
  }
  if (why != nullptr) {
    Stop(s, why);
    return;
  }
  s->block.clear();
  if (s->block_promised != 0) {
    // The server says which request it answers by itself.
    OnFields(s->block_promised, HttpKind::kRequest, true, std::move(fields));
  } else {
    OnFields(stream, s->kind, s->block_ends_stream, std::move(fields));
  }
}

Http2Parser::Stream& Http2Parser::StreamOf(uint32_t id) {
  if (streams_.size() >= kMaxStreams && streams_.count(id) == 0) {
    const uint32_t oldest = streams_.begin()->first;
    EndStreamOf(oldest, "too many streams at a time");
    streams_.erase(oldest);
  }
  return streams_[id];
}

void Http2Parser::OnUnknownHead(uint32_t stream_id, HttpKind kind, bool ends, const char* note) {
  Message& message = StreamOf(stream_id).messages[static_cast<size_t>(kind)];
  if (!message.headed && !message.ended) message.note = note;
  OnFields(stream_id, kind, ends, {});
}

void Http2Parser::OnFields(uint32_t stream_id, HttpKind kind, bool ends, HttpFields fields) {
  Stream& stream = StreamOf(stream_id);
  Message& message = stream.messages[static_cast<size_t>(kind)];
  if (message.ended) return;
  if (message.headed) {
    if (with_fields_) events_->OnTrailers({kind, stream_id}, fields);
    if (ends) EndMessage(kind, stream_id, true, "");
    return;
  }
  const std::string length = FieldValue(fields, "content-length");
  HttpHead head = HeadOf(std::move(fields), with_fields_);
  if (kind == HttpKind::kResponse && head.status >= 100 && head.status < 200 && !ends) {
    ++stream.interims;
    return;
  }
  if (kind == HttpKind::kRequest) {
    stream.method = head.method;
    stream.target = head.target;
    stream.host = head.host;
  } else {
    head.method = stream.method;
    head.target = stream.target;
    head.host = stream.host;
    head.interims = std::exchange(stream.interims, 0);
  }
  message.headed = true;
  const bool no_body = kind == HttpKind::kResponse &&
                       (stream.method == "HEAD" || head.status == 204 || head.status == 304);
  message.counted = !no_body && absl::SimpleAtoi(length, &message.length);
  events_->OnHead({kind, stream_id}, head);
  if (ends) EndMessage(kind, stream_id, true, "");
}

void Http2Parser::EndMessage(HttpKind kind, uint32_t id, bool complete, const char* why) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  Message& message = it->second.messages[static_cast<size_t>(kind)];
  if (!message.headed || message.ended) return;
  message.ended = true;
  // RFC 9113, 8.1.1: a message whose length is not what it says is malformed.
  const bool short_body = message.counted && message.bytes != message.length;
  events_->OnEnd({kind, id}, complete && !short_body && !message.gap,
                 *why == '\0' ? message.note : why);
  const Message& other = it->second.messages[static_cast<size_t>(OtherKind(kind))];
  if (other.ended) streams_.erase(it);
}

// Both messages of a stream end where they are.
void Http2Parser::EndStreamOf(uint32_t id, const char* why) {
  EndMessage(HttpKind::kRequest, id, false, why);
  EndMessage(HttpKind::kResponse, id, false, why);
  streams_.erase(id);
}

void Http2Parser::Gap(HttpKind kind, uint64_t length) {
  Side& s = side(kind);
  if (s.stopped) return;
  // Only inside a DATA frame is it certain where the next frame begins.
  const uint32_t content = s.left > s.padding ? s.left - s.padding : 0;
  const bool inside = s.in_frame && s.frame.type == kData && s.pad_known && length <= content;
  if (!inside) {
    Stop(&s, "bytes are missing");
    return;
  }
  s.left -= static_cast<uint32_t>(length);
  s.offset += length;
  const auto it = streams_.find(s.frame.stream);
  if (it != streams_.end()) {
    Message& message = it->second.messages[static_cast<size_t>(kind)];
    if (message.headed && !message.ended) {
      message.gap = true;
      message.bytes += length;
      events_->OnBodyGap({kind, s.frame.stream}, length);
    }
  }
  if (s.left == 0) EndFrame(&s);
}

void Http2Parser::Close() {
  while (!streams_.empty()) EndStreamOf(streams_.begin()->first, "");
}

// A stream of the map with its strings, and HPACK's table as large as RFC 7541 lets it be.
size_t Http2Parser::memory_bytes() const {
  constexpr size_t kStreamBytes = 512;
  constexpr size_t kHpackBytes = 8 << 10;
  size_t bytes = sizeof(*this) + streams_.size() * kStreamBytes + 2 * kHpackBytes;
  for (const Side& s : sides_) bytes += s.payload.capacity() + s.block.capacity();
  return bytes;
}

}  // namespace flowstitch
