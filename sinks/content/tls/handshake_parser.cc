#include "sinks/content/tls/handshake_parser.h"
#include "sinks/content/tls/record_buffer.h"

#include <algorithm>

#include "sinks/content/tls/byte_reader.h"
#include "sinks/content/tls/handshake_messages.h"
#include "sinks/content/tls/record_buffer.h"

namespace flowstitch {
namespace {

constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
constexpr size_t kMaxRecordBytes = (1 << 14) + 2048;

}  // namespace

void HandshakeParser::Feed(ByteView bytes, TlsFacts* facts) {
  if (done_) return;
  const size_t use = std::min(bytes.size(), kMaxBytes - std::min(seen_, kMaxBytes));
  seen_ += use;
  records_.append(AsText(bytes.first(use)));
  while (!done_ && TakeRecord()) {
    while (!done_ && TakeMessage(facts)) {
    }
  }
  if (use < bytes.size()) done_ = true;
  if (done_) Stop();
}

bool HandshakeParser::TakeRecord() {
  if (records_.empty()) return false;
  ByteReader reader(AsBytes(records_));
  // The type alone tells that it is something else, and most streams are.
  if (reader.Number(1) != kHandshakeRecord) {
    done_ = true;
    return false;
  }
  if (records_.size() < kRecordHeaderBytes) return false;
  const uint32_t version = reader.Number(2);
  const uint32_t length = reader.Number(2);
  if (version >> 8 != 3 || length > kMaxRecordBytes || length == 0) {
    done_ = true;
    return false;
  }
  if (records_.size() < kRecordHeaderBytes + length) return false;
  messages_.append(records_, kRecordHeaderBytes, length);
  records_.erase(0, kRecordHeaderBytes + length);
  return true;
}

bool HandshakeParser::TakeMessage(TlsFacts* facts) {
  if (messages_.size() < kMessageHeaderBytes) return false;
  ByteReader reader(AsBytes(messages_));
  const auto type = static_cast<uint8_t>(reader.Number(1));
  const uint32_t length = reader.Number(3);
  if (length > kMaxBytes) {
    done_ = true;
    return false;
  }
  if (messages_.size() < kMessageHeaderBytes + length) return false;
  const ByteView body = reader.Bytes(length);
  if (type == kClientHello) {
    ClientHello hello;
    ReadClientHello(body, &hello, facts);
    // A second one answers a retry; more of the client's is not looked at.
  } else if (type == kServerHello) {
    ServerHello hello;
    ReadServerHello(body, &hello, facts);
    done_ = facts->version >= kTls13Version;  // what follows is encrypted
  } else if (type == kCertificate) {
    ReadCertificates(body, false, facts);
  } else if (type == kServerHelloDone) {
    done_ = true;
  }
  messages_.erase(0, kMessageHeaderBytes + length);
  return !done_;
}

}  // namespace flowstitch
