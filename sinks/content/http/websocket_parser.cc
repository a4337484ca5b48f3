#include "sinks/content/http/websocket_parser.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

constexpr size_t kOutBytes = 64 << 10;
constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kDeflatedBit = 0x40;
constexpr uint8_t kReserved = 0x30;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kBinary = 2;
constexpr uint8_t kFirstControl = 8;
constexpr uint8_t kLastControl = 10;
// RFC 7692, 7.2.1: what the sender takes off the end of each message.
constexpr uint8_t kTail[] = {0x00, 0x00, 0xff, 0xff};

// Length of a frame's header, by its first two bytes.
size_t HeaderBytes(uint8_t second) {
  const uint8_t length = second & 0x7f;
  const size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + more + ((second & kMasked) != 0 ? 4u : 0u);
}

}  // namespace

WebSocketParser::WebSocketParser(Direction direction, bool from_client, std::string_view extensions,
                                 const DecodeLimits& limits, HttpEvents* events)
    : direction_(direction), events_(events), limits_(limits) {
  const std::string side =
      from_client ? "client_no_context_takeover" : "server_no_context_takeover";
  const std::vector<std::string> parts = absl::StrSplit(std::string(extensions), ',');
  for (const std::string& part : parts) {
    const std::string text = absl::AsciiStrToLower(part);
    if (!absl::StrContains(text, "permessage-deflate")) continue;
    deflates_ = true;
    keeps_context_ = !absl::StrContains(text, side);
  }
}

WebSocketParser::~WebSocketParser() {
  if (inflater_ != nullptr) inflateEnd(inflater_.get());
}

void WebSocketParser::Stop(const char* why) {
  if (stopped_) return;
  stopped_ = true;
  why_stopped_ = why;
  EndMessage(false, why);
}

void WebSocketParser::Feed(ByteView bytes, uint64_t offset) {
  offset_ = offset;
  while (!bytes.empty() && !stopped_) {
    if (!in_frame_) {
      if (!TakeHeader(&bytes)) return;
    } else {
      TakePayload(&bytes);
    }
  }
}

// One byte: final, reserved bits, kind; one: masked, length; length of 2 or 8 bytes; mask of 4.
bool WebSocketParser::TakeHeader(ByteView* bytes) {
  while (!bytes->empty()) {
    const size_t wanted = header_.size() < 2 ? 2 : HeaderBytes(static_cast<uint8_t>(header_[1]));
    if (header_.size() == wanted && wanted > 2) break;
    header_ += static_cast<char>((*bytes)[0]);
    *bytes = bytes->subspan(1);
    ++offset_;
    if (header_.size() >= 2 && header_.size() == HeaderBytes(static_cast<uint8_t>(header_[1]))) {
      break;
    }
  }
  if (header_.size() < 2 || header_.size() < HeaderBytes(static_cast<uint8_t>(header_[1]))) {
    return false;
  }
  const auto* p = AsBytes(header_).data();
  const uint8_t opcode = p[0] & 0x0f;
  const uint8_t length = p[1] & 0x7f;
  final_ = (p[0] & kFinal) != 0;
  const bool deflated = (p[0] & kDeflatedBit) != 0;
  control_ = opcode >= kFirstControl;
  masked_ = (p[1] & kMasked) != 0;
  left_ = length;
  size_t at = 2;
  if (length == 126) {
    left_ = LoadBe16(p + 2);
    at = 4;
  } else if (length == 127) {
    left_ = static_cast<uint64_t>(LoadBe32(p + 2)) << 32 | LoadBe32(p + 6);
    at = 10;
  }
  if (masked_) std::copy(p + at, p + at + 4, mask_);
  mask_at_ = 0;
  header_.clear();
  const bool known = opcode <= kBinary || (opcode >= kFirstControl && opcode <= kLastControl);
  if (!known || (p[0] & kReserved) != 0 || (control_ && (left_ > 125 || !final_)) ||
      (left_ >> 63) != 0 || (deflated && control_)) {
    Stop("a frame of the WebSocket makes no sense");
    return false;
  }
  if (!control_ && opcode != 0) {
    if (in_message_) EndMessage(false, "its last frame did not come");
    in_message_ = true;
    message_deflated_ = deflated;
    trouble_.clear();
    budget_ = std::make_unique<DecodeBudget>(limits_, DecodeShare{&account_, nullptr});
    message_lost_ = false;
    events_->OnWebSocketMessage(direction_, {opcode == kBinary, deflated});
    if (deflated && lost_deflate_ != nullptr) trouble_ = lost_deflate_;
  } else if (!control_ && !in_message_) {
    Stop("a message of the WebSocket goes on that did not begin");
    return false;
  }
  in_frame_ = true;
  if (left_ == 0) EndFrame();
  return true;
}

void WebSocketParser::TakePayload(ByteView* bytes) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, bytes->size()));
  const ByteView piece = bytes->first(n);
  *bytes = bytes->subspan(n);
  if (!control_) {
    if (masked_) {
      std::vector<uint8_t> plain(n);
      for (size_t i = 0; i < n; ++i) plain[i] = piece[i] ^ mask_[(mask_at_ + i) & 3];
      Give(plain, offset_);
    } else {
      Give(piece, offset_);
    }
  }
  mask_at_ += n;
  offset_ += n;
  left_ -= n;
  if (left_ == 0 && !stopped_) EndFrame();
}

void WebSocketParser::Give(ByteView bytes, uint64_t offset) {
  if (bytes.empty() || message_lost_) return;
  if (message_deflated_ && lost_deflate_ == nullptr) {
    Inflate(bytes, offset);
  } else {
    events_->OnWebSocketBytes(direction_, bytes, offset);
  }
}

// The message under way ends where it is. Without what it had to say to the next ones, those are
// kept as they come.
void WebSocketParser::LoseDeflate(const char* why) {
  message_lost_ = true;
  trouble_ = why;
  if (keeps_context_) {
    lost_deflate_ = "kept as it came: an earlier message did not inflate";
  } else if (inflater_ != nullptr) {
    inflateReset(inflater_.get());
  }
}

void WebSocketParser::Inflate(ByteView bytes, uint64_t offset) {
  if (inflater_ == nullptr) {
    inflater_ = std::make_unique<z_stream>();
    if (inflateInit2(inflater_.get(), -15) != Z_OK) {
      LoseDeflate("zlib does not start");
      return;
    }
  }
  z_stream& z = *inflater_;
  z.next_in = const_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  budget_->NoteInput(bytes.size());
  uint8_t out[kOutBytes];
  do {
    z.next_out = out;
    z.avail_out = kOutBytes;
    const int code = inflate(&z, Z_SYNC_FLUSH);
    const size_t n = kOutBytes - z.avail_out;
    if (n > 0) {
      const absl::Status status = budget_->Take(n);
      if (!status.ok()) {
        LoseDeflate("it inflates to too much: the rest is left out");
        return;
      }
      events_->OnWebSocketBytes(direction_, {out, n}, offset);
    }
    if (code == Z_STREAM_END) {
      // RFC 7692, 7.2.3.5: a message may end its deflate stream; the next block begins one.
      inflateReset(&z);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      LoseDeflate("it does not inflate: the rest is left out");
      return;
    } else if (code == Z_BUF_ERROR && n == 0) {
      break;
    }
  } while (z.avail_in > 0 || z.avail_out == 0);
}

void WebSocketParser::EndFrame() {
  in_frame_ = false;
  if (!control_ && final_) {
    if (message_deflated_ && lost_deflate_ == nullptr && !message_lost_) Inflate(kTail, offset_);
    if (message_deflated_ && !keeps_context_ && inflater_ != nullptr) inflateReset(inflater_.get());
    EndMessage(true, "");
  }
}

void WebSocketParser::EndMessage(bool complete, std::string_view why) {
  if (!in_message_) return;
  in_message_ = false;
  events_->OnWebSocketEnd(direction_, complete && trouble_.empty(),
                          trouble_.empty() ? why : trouble_);
}

void WebSocketParser::Gap(uint64_t length) {
  if (stopped_) return;
  if (!in_frame_ || length > left_) {
    Stop("bytes are missing");
    return;
  }
  left_ -= length;
  offset_ += length;
  mask_at_ += length;
  if (!control_ && message_deflated_ && lost_deflate_ == nullptr) {
    if (!message_lost_) LoseDeflate("bytes are missing inside it: the rest is left out");
  } else if (!control_) {
    trouble_ = "bytes are missing inside it";
    events_->OnWebSocketGap(direction_, length);
  }
  if (left_ == 0) EndFrame();
}

void WebSocketParser::Close() { EndMessage(false, "its last frame did not come"); }

size_t WebSocketParser::memory_bytes() const {
  constexpr size_t kInflaterBytes = 44 << 10;  // zlib's, with its window
  return sizeof(*this) + (inflater_ == nullptr ? 0 : kInflaterBytes);
}

}  // namespace flowstitch
