#include "tests/support/conversation.h"

#include <algorithm>

namespace flowstitch::testing {

void Talk::Add(bool from_client, uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
               std::string_view data) {
  SegmentSpec spec;
  spec.source = from_client ? client_ : server_;
  spec.destination = from_client ? server_ : client_;
  spec.sequence = sequence;
  spec.acknowledgement = (flags & kTcpAck) ? acknowledgement : 0;
  spec.flags = flags;
  spec.payload = data;
  spec.window = window;
  spec.options = options;
  spec.ip_id = ip_id_++;
  packets.push_back(Capture(EthernetFrame(Datagram(spec), vlans), time_ns));
  time_ns += step_ns;
}

Talk& Talk::Handshake() {
  Add(true, client_isn_, 0, kTcpSyn, "");
  Add(false, server_isn_, client_isn_ + 1, kTcpSyn | kTcpAck, "");
  Add(true, client_isn_ + 1, server_isn_ + 1, kTcpAck, "");
  return *this;
}

void Talk::Send(bool from_client, std::string_view data, size_t segment_bytes) {
  uint32_t& next = from_client ? client_next_ : server_next_;
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, segment_bytes);
    Add(from_client, next, from_client ? server_next_ : client_next_, kTcpAck | kTcpPsh, piece);
    next += static_cast<uint32_t>(piece.size());
    data.remove_prefix(piece.size());
    if (!acknowledge) continue;
    Add(!from_client, from_client ? server_next_ : client_next_, next, kTcpAck, "");
  }
}

Talk& Talk::Client(std::string_view data, size_t segment_bytes) {
  Send(true, data, segment_bytes);
  return *this;
}

Talk& Talk::Server(std::string_view data, size_t segment_bytes) {
  Send(false, data, segment_bytes);
  return *this;
}

Talk& Talk::Close() {
  Add(true, client_next_, server_next_, kTcpFin | kTcpAck, "");
  Add(false, server_next_, client_next_ + 1, kTcpFin | kTcpAck, "");
  Add(true, client_next_ + 1, server_next_ + 1, kTcpAck, "");
  return *this;
}

Talk& Talk::FromClient(int64_t relative, std::string_view data, uint8_t flags) {
  Add(true, client_isn_ + 1 + static_cast<uint32_t>(relative), server_next_, flags, data);
  return *this;
}

Talk& Talk::FromServer(int64_t relative, std::string_view data, uint8_t flags) {
  Add(false, server_isn_ + 1 + static_cast<uint32_t>(relative), client_next_, flags, data);
  return *this;
}

Talk& Talk::ClientSegment(uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
                          std::string_view data) {
  Add(true, sequence, acknowledgement, flags, data);
  return *this;
}

Talk& Talk::ServerSegment(uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
                          std::string_view data) {
  Add(false, sequence, acknowledgement, flags, data);
  return *this;
}

Talk& Talk::ClientAcknowledges(int64_t relative) {
  Add(true, client_next_, server_isn_ + 1 + static_cast<uint32_t>(relative), kTcpAck, "");
  return *this;
}

Talk& Talk::ServerAcknowledges(int64_t relative) {
  Add(false, server_next_, client_isn_ + 1 + static_cast<uint32_t>(relative), kTcpAck, "");
  return *this;
}

}  // namespace flowstitch::testing
