#include "sinks/reassembler_feeds.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "transport/link_metrics.h"

namespace flowstitch {

absl::Status ReassemblerFeeds::Open(zmq::context_t& context, const LinkSecurity& security,
                                    const std::string& endpoints, const std::string& name,
                                    uint64_t window_bytes, const SharedMemories& memories) {
  const auto parsed = ParseEndpoints(endpoints, /*binds_by_default=*/false);
  if (!parsed.ok()) return parsed.status();
  const uint64_t epoch = RandomEpoch();
  for (const SocketEndpoint& endpoint : *parsed) {
    auto socket =
        Socket::Open(context, zmq::socket_type::dealer, {endpoint}, security, kReassemblerRole);
    if (!socket.ok()) return socket.status();
    Feed feed;
    feed.endpoint = endpoint.address;
    feed.link = std::make_unique<ReceivingDealer>(
        *std::move(socket), LinkIdentity{wire::SINK, name, epoch, false, nullptr, memories},
        wire::REASSEMBLER_OUTPUT, window_bytes);
    feeds_.push_back(std::move(feed));
  }
  for (const Feed& feed : feeds_) sockets_.push_back(&feed.link->socket());
  return absl::OkStatus();
}

absl::Status ReassemblerFeeds::Service(int64_t now_ns, const Taker& take) {
  for (size_t i = 0; i < feeds_.size(); ++i) {
    Feed& feed = feeds_[i];
    const absl::Status status = feed.link->Service(now_ns, [&](std::shared_ptr<Delivery> delivery) {
      if (delivery->message().has_end()) feed.end = delivery;
      take(i, std::move(delivery));
    });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void ReassemblerFeeds::Finish(size_t feed, const Delivery& delivery) {
  feeds_[feed].link->Finish(delivery);
}

bool ReassemblerFeeds::all_ended() const {
  return std::all_of(feeds_.begin(), feeds_.end(),
                     [](const Feed& feed) { return feed.end != nullptr; });
}

void ReassemblerFeeds::FinishEnds() {
  for (Feed& feed : feeds_) {
    if (feed.end == nullptr) continue;
    feed.link->Finish(*feed.end);
  }
}

bool ReassemblerFeeds::MayGo(int64_t now_ns) {
  bool all = true;
  for (Feed& feed : feeds_) all = feed.link->MayGo(now_ns) && all;
  return all;
}

void ReassemblerFeeds::AddMetrics(const std::string& sink, int64_t now_ns,
                                  MetricsText* text) const {
  for (const Feed& feed : feeds_) {
    AddLinkMetrics(feed.link->core(), {{"sink", sink}, {"peer", feed.endpoint}}, now_ns, text);
  }
}

std::string ReassemblerFeeds::missing() const {
  std::vector<std::string> endpoints;
  for (const Feed& feed : feeds_) {
    if (feed.end == nullptr) endpoints.push_back(feed.endpoint);
  }
  return absl::StrJoin(endpoints, ",");
}

}  // namespace flowstitch
