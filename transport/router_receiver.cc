#include "transport/router_receiver.h"

#include "absl/strings/str_cat.h"
#include "transport/link_limits.h"
#include "transport/link_log.h"
#include "transport/name_claim.h"

namespace flowstitch {

RouterReceiver::RouterReceiver(Socket socket, LinkIdentity self, wire::Role peer_role,
                               uint64_t window_bytes)
    : socket_(std::move(socket)),
      self_(std::move(self)),
      peer_role_(peer_role),
      window_bytes_(window_bytes) {}

void RouterReceiver::Refuse(const std::string& route, const wire::Refusal& refusal) {
  wire::LinkMessage message;
  *message.mutable_refusal() = refusal;
  socket_.SendParts(route, WireMessage(message.SerializeAsString()));
  ++refused_peers_;
  refusals_.Warn(SteadyNowNs(), absl::StrCat("reassembler: refused a peer: ", refusal.text()));
}

RouterReceiver::Peer* RouterReceiver::OnStranger(const std::string& route,
                                                 const wire::LinkMessage& message, int64_t now_ns) {
  if (!message.has_hello()) {
    wire::LinkMessage question;
    question.mutable_who_are_you();
    socket_.SendParts(route, WireMessage(question.SerializeAsString()));
    return nullptr;
  }
  const wire::Hello& hello = message.hello();
  if (const auto refusal = CheckHello(hello, self_, peer_role_)) {
    Refuse(route, *refusal);
    return nullptr;
  }
  const auto known = by_name_.find(hello.name());
  if (known == by_name_.end()) {
    if (peers_.size() >= kMaxPeers) return nullptr;
    auto peer = std::make_unique<Peer>();
    peer->link = std::make_unique<LinkReceiver>(self_, peer_role_, /*dials=*/false, window_bytes_);
    peer->route = route;
    by_name_[hello.name()] = by_route_[route] = peers_.size();
    peers_.push_back(std::move(peer));
    return peers_.back().get();
  }
  Peer* peer = peers_[known->second].get();
  if (hello.epoch() != peer->link->peer_epoch()) {
    if (peer->claimed_ns == 0) peer->claimed_ns = now_ns;
    const NameClaim claim = DecideNameClaim(peer->link->last_heard_ns(), peer->claimed_ns, now_ns);
    if (claim == NameClaim::kRefuse) {
      Refuse(route, NameInUse(hello.name()));
      peer->claimed_ns = 0;
    }
    if (claim != NameClaim::kGrant) return nullptr;
    spdlog::warn("reassembler: source '{}' was restarted", hello.name());
  }
  peer->claimed_ns = 0;
  by_route_.erase(peer->route);
  peer->route = route;
  by_route_[route] = known->second;
  return peer;
}

void RouterReceiver::Service(int64_t now_ns, const Taker& take) {
  while (auto parts = socket_.ReceiveParts()) {
    auto delivery = Deliver(socket_, std::move(parts->second), self_.reads_memory);
    const auto found = by_route_.find(parts->first);
    if (!delivery->status().ok()) {
      if (found == by_route_.end()) continue;
      unusable_.Warn(now_ns, absl::StrCat("reassembler: a message of '",
                                          peers_[found->second]->link->peer_name(),
                                          "' is of no use: ", delivery->status().message()));
      continue;
    }
    Peer* peer = found != by_route_.end() ? peers_[found->second].get()
                                          : OnStranger(parts->first, delivery->message(), now_ns);
    if (peer == nullptr) continue;
    const uint64_t sequence = delivery->message().sequence();
    if (sequence == 0) {
      peer->link->Receive(delivery->message(), now_ns);
    } else if (peer->link->ReceiveSequenced(sequence, now_ns) == Arrival::kTake) {
      take(by_route_[parts->first], std::move(delivery));
    }
  }
  SendAll(now_ns);
}

void RouterReceiver::SendAll(int64_t now_ns) {
  for (const auto& peer : peers_) {
    while (const auto out = peer->link->NextToSend(now_ns)) {
      if (!socket_.SendParts(peer->route, *out)) break;
    }
    LogLinkState("reassembler", peer->link->peer_name(), peer->link->state(), &peer->logged_state);
  }
}

void RouterReceiver::set_flows(uint64_t flows) {
  for (const auto& peer : peers_) peer->link->set_flows(flows);
}

bool RouterReceiver::MayGo(int64_t now_ns, const std::function<bool(size_t peer)>& ended) {
  bool all = true;
  for (size_t i = 0; i < peers_.size(); ++i) {
    if (ended(i)) all = peers_[i]->link->MayGo(now_ns) && all;
  }
  return all;
}

}  // namespace flowstitch
