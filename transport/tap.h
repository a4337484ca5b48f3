// A tap: a PUB socket (an XPUB, which tells of subscriptions) for anyone else. Best effort: a
// consumer that is too slow loses messages of its own, and the publisher never waits. Topics are in
// proto/README.md.
#ifndef FLOWSTITCH_TRANSPORT_TAP_H_
#define FLOWSTITCH_TRANSPORT_TAP_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "transport/log_limit.h"
#include "transport/metrics_text.h"
#include "transport/socket.h"

namespace flowstitch {

// "packets." and the name of the source; "streams." and protocol, server port and shard, with dots.
inline constexpr std::string_view kPacketTopic = "packets.";
inline constexpr std::string_view kStreamTopic = "streams.";

class Tap {
 public:
  static absl::StatusOr<Tap> Open(zmq::context_t& context, std::string_view endpoints,
                                  const LinkSecurity& security);

  // `batch` is the PacketBatch or StreamBatch alone, without the link's envelope.
  void Publish(std::string_view topic, const WireMessage& batch);

  // Takes what consumers say of their subscriptions; to be called from the loop, or it piles up.
  void Service(int64_t now_ns);
  // Of all consumers, as of the last Service; one consumer may have several.
  uint64_t subscriptions() const { return subscriptions_; }
  uint64_t messages() const { return messages_; }
  uint64_t bytes() const { return bytes_; }
  // All three.
  void AddMetrics(const MetricsText::Labels& labels, MetricsText* text) const;

 private:
  explicit Tap(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
  uint64_t subscriptions_ = 0;
  uint64_t messages_ = 0;
  uint64_t bytes_ = 0;
  uint64_t refused_ = 0;
  LogLimit refusals_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_TAP_H_
