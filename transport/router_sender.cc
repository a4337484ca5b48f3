#include "transport/router_sender.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/blob_message.h"
#include "transport/link_limits.h"
#include "transport/link_log.h"
#include "transport/name_claim.h"

namespace flowstitch {

RouterSender::RouterSender(Socket socket, LinkIdentity self, wire::Role peer_role,
                           size_t buffer_bytes)
    : socket_(std::move(socket)),
      self_(std::move(self)),
      peer_role_(peer_role),
      log_(buffer_bytes) {}

void RouterSender::Refuse(const std::string& route, const wire::Refusal& refusal) {
  wire::LinkMessage message;
  *message.mutable_refusal() = refusal;
  socket_.SendParts(route, WireMessage(message.SerializeAsString()));
  ++refused_peers_;
  refusals_.Warn(SteadyNowNs(), absl::StrCat("reassembler: refused a peer: ", refusal.text()));
}

RouterSender::Peer* RouterSender::OnStranger(const std::string& route,
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
    peer->name = hello.name();
    peer->link = std::make_unique<LinkSender>(self_, peer_role_, /*dials=*/false, &log_);
    peer->route = route;
    by_name_[hello.name()] = by_route_[route] = peer.get();
    peers_.push_back(std::move(peer));
    return peers_.back().get();
  }
  Peer* peer = known->second;
  if (hello.epoch() != peer->link->peer_epoch()) {
    if (peer->claimed_ns == 0) peer->claimed_ns = now_ns;
    const NameClaim claim = DecideNameClaim(peer->link->last_heard_ns(), peer->claimed_ns, now_ns);
    if (claim == NameClaim::kRefuse) {
      Refuse(route, NameInUse(hello.name()));
      peer->claimed_ns = 0;
    }
    if (claim != NameClaim::kGrant) return nullptr;
    spdlog::warn("reassembler: sink '{}' was restarted", hello.name());
  }
  peer->claimed_ns = 0;
  by_route_.erase(peer->route);
  peer->route = route;
  by_route_[route] = peer;
  return peer;
}

void RouterSender::Service(int64_t now_ns) {
  wire::LinkMessage message;
  ByteView blob;
  while (const auto parts = socket_.ReceiveParts()) {
    const ByteView bytes{static_cast<const uint8_t*>(parts->second.data()), parts->second.size()};
    if (!DecodeLinkMessage(bytes, &message, &blob).ok()) continue;
    const auto found = by_route_.find(parts->first);
    Peer* peer =
        found != by_route_.end() ? found->second : OnStranger(parts->first, message, now_ns);
    if (peer != nullptr) peer->link->Receive(message, now_ns);
  }
  uint64_t finished = log_.last_sequence();
  for (const auto& peer : peers_) finished = std::min(finished, peer->link->acknowledged());
  if (!peers_.empty()) log_.ForgetThrough(finished);
  for (const auto& peer : peers_) {
    while (const auto out = peer->link->NextToSend(now_ns)) {
      if (!socket_.SendParts(peer->route, *out)) break;
    }
    LogLinkState("reassembler", peer->name, peer->link->state(), &peer->logged_state);
  }
}

bool RouterSender::drained() const {
  if (peers_.empty()) return false;
  return std::all_of(peers_.begin(), peers_.end(), [this](const auto& peer) {
    return peer->link->acknowledged() == log_.last_sequence();
  });
}

}  // namespace flowstitch
