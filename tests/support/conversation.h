// A TCP conversation as packets: what a test says in a line, with sequence numbers kept for it.
#ifndef FLOWSTITCH_TESTS_SUPPORT_CONVERSATION_H_
#define FLOWSTITCH_TESTS_SUPPORT_CONVERSATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

class Talk {
 public:
  Talk(Endpoint client, Endpoint server, uint32_t client_isn = 1000, uint32_t server_isn = 5000)
      : client_(client),
        server_(server),
        client_isn_(client_isn),
        server_isn_(server_isn),
        client_next_(client_isn + 1),
        server_next_(server_isn + 1) {}

  std::vector<uint16_t> vlans;
  TimeNs time_ns = 1'600'000'000 * kNsPerSecond;
  int64_t step_ns = kNsPerMs;
  bool acknowledge = true;  // each piece of data is acknowledged at once
  // Of the segments that follow.
  uint16_t window = 65535;
  std::vector<uint8_t> options;

  // Each adds packets to `packets`.
  Talk& Handshake();
  Talk& Client(std::string_view data, size_t segment_bytes = 1460);
  Talk& Server(std::string_view data, size_t segment_bytes = 1460);
  Talk& Close();  // FIN from both sides

  // One segment with exactly this; relative numbers count from the first byte of the stream.
  Talk& FromClient(int64_t relative, std::string_view data, uint8_t flags = kTcpAck | kTcpPsh);
  Talk& FromServer(int64_t relative, std::string_view data, uint8_t flags = kTcpAck | kTcpPsh);
  // An acknowledgement by the client, or by the server, up to that offset of the other's stream.
  Talk& ClientAcknowledges(int64_t relative);
  Talk& ServerAcknowledges(int64_t relative);
  Talk& With(std::vector<uint8_t> tcp_options) {
    options = std::move(tcp_options);
    return *this;
  }
  Talk& Window(uint16_t bytes) {
    window = bytes;
    return *this;
  }
  // A segment of the client with exactly these numbers.
  Talk& ClientSegment(uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
                      std::string_view data = "");
  Talk& ServerSegment(uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
                      std::string_view data = "");
  Talk& Wait(int64_t ns) {
    time_ns += ns;
    return *this;
  }

  std::vector<CapturedPacket> packets;

 private:
  void Add(bool from_client, uint32_t sequence, uint32_t acknowledgement, uint8_t flags,
           std::string_view data);
  void Send(bool from_client, std::string_view data, size_t segment_bytes);

  Endpoint client_;
  Endpoint server_;
  uint32_t client_isn_;
  uint32_t server_isn_;
  uint32_t client_next_;
  uint32_t server_next_;
  uint16_t ip_id_ = 1;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_CONVERSATION_H_
