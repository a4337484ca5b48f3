#include "transport/tap.h"

#include "transport/link/link_limits.h"

namespace flowstitch {

absl::StatusOr<Tap> Tap::Open(zmq::context_t& context, std::string_view endpoints,
                              const LinkSecurity& security) {
  auto parsed = ParseEndpoints(endpoints, /*binds_by_default=*/true);
  if (!parsed.ok()) return parsed.status();
  auto socket = Socket::Open(context, zmq::socket_type::xpub, *parsed, security, kTapRole);
  if (!socket.ok()) return socket.status();
  return Tap(*std::move(socket));
}

void Tap::Publish(std::string_view topic, const WireMessage& batch) {
  ++messages_;
  bytes_ += batch.size();
  socket_.SendParts(topic, batch);
}

void Tap::Service(int64_t now_ns) {
  ConnectionGuard* connections = socket_.connections();
  if (connections != nullptr) connections->Service(now_ns);
  // Each begins with a byte: 1 for one more, 0 for one less (https://rfc.zeromq.org/spec/29/). When
  // a consumer goes, ZeroMQ takes its subscriptions back one by one, without a connection.
  while (const auto message = socket_.Receive()) {
    if (message->size() == 0) continue;
    const bool more = *static_cast<const uint8_t*>(message->data()) == 1;
    if (!more) {
      if (subscriptions_ > 0) --subscriptions_;
      continue;
    }
    ++subscriptions_;
    if (connections == nullptr) continue;
    const ConnectionGuard::Id connection = connections->Find(ConnectionOf(*message), now_ns);
    connections->Admit(connection);
    const bool too_long = message->size() > kMaxTopicBytes + 1;
    if (too_long || connections->Count(connection) == kMaxTopicsPerConsumer + 1) {
      refusals_.Warn(now_ns,
                     "a consumer of a tap asks for too many topics, or too long ones, and is "
                     "disconnected");
      ++refused_;
      connections->CloseNow(connection);
    }
  }
}

void Tap::AddMetrics(const MetricsText::Labels& labels, MetricsText* text) const {
  text->Gauge("tap_subscriptions", "subscriptions of all consumers of the tap", labels,
              static_cast<double>(subscriptions()));
  text->Counter("tap_refused_consumers",
                "consumers of the tap disconnected for what they asked for", labels, refused_);
  text->Counter("tap_messages", "messages published on the tap", labels, messages_);
  text->Counter("tap_bytes", "bytes published on the tap", labels, bytes_);
}

}  // namespace flowstitch
