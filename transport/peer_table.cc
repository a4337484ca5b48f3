#include "transport/peer_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/link/blob_message.h"
#include "transport/link/link_contract.h"
#include "transport/link/link_limits.h"
#include "transport/link_log.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

// A process that wants a name says Hello twice a second.
constexpr int64_t kClaimLapseNs = 3 * kNsPerSecond;

}  // namespace

PeerTable::PeerTable(std::string kind, Socket* socket, LinkIdentity self, wire::Role peer_role,
                     Owner* owner)
    : kind_(std::move(kind)),
      socket_(*socket),
      self_(std::move(self)),
      peer_role_(peer_role),
      owner_(*owner) {}

// ZeroMQ lets a peer choose its route, and keeps it over a reconnect where this end connects, often
// with the same descriptor: only the connection's number tells who it is.
std::optional<size_t> PeerTable::SlotOf(const Socket::Parts& parts, int64_t now_ns) {
  const auto known = by_route_.find(parts.first);
  if (known == by_route_.end()) return std::nullopt;
  const ConnectionGuard::Id& its = peers_[known->second].connection;
  const ConnectionGuard::Id from = IdOf(parts, now_ns);
  // 0: its connection has gone since, and these were its last words.
  if (its.fd != from.fd || (from.number != 0 && from.number != its.number)) return std::nullopt;
  return known->second;
}

ConnectionGuard::Id PeerTable::IdOf(const Socket::Parts& parts, int64_t now_ns) {
  const int fd = parts.connection();
  if (socket_.connections() == nullptr) return {fd, 0};
  return socket_.connections()->Find(fd, now_ns);
}

std::optional<size_t> PeerTable::Greet(const Socket::Parts& parts, wire::LinkMessage* message,
                                       int64_t now_ns) {
  const ByteView bytes{static_cast<const uint8_t*>(parts.second.data()), parts.second.size()};
  // What a peer that has lost its connection had under way comes by the new one, before it knows: a
  // batch is not read, and its sender asked who it is.
  message->Clear();
  const ConnectionGuard::Id connection = IdOf(parts, now_ns);
  if (socket_.connections() != nullptr && socket_.connections()->IsLeaving(connection)) {
    return std::nullopt;
  }
  if (bytes.size() <= kMaxControlBytes) {
    ByteView blob;
    const absl::Status status = DecodeLinkMessage(bytes, message, &blob);
    if (!status.ok()) {
      Refuse(parts, MakeRefusal(wire::Refusal::NOT_FLOWSTITCH, std::string(status.message())),
             now_ns);
      return std::nullopt;
    }
  }
  if (message->has_hello()) {
    const std::string why = FindContradiction(*message, peer_role_);
    if (why.empty()) return OnHello(parts, message->hello(), now_ns);
    Refuse(parts, ContradictionRefusal(message->hello().name(), why), now_ns);
    return std::nullopt;
  }
  wire::LinkMessage question;
  question.mutable_who_are_you();
  socket_.SendParts(parts.first, WireMessage(question.SerializeAsString()));
  return std::nullopt;
}

void PeerTable::Refuse(const Socket::Parts& parts, const wire::Refusal& refusal, int64_t now_ns) {
  wire::LinkMessage message;
  *message.mutable_refusal() = refusal;
  socket_.SendParts(parts.first, WireMessage(message.SerializeAsString()));
  if (socket_.connections() != nullptr) {
    socket_.connections()->CloseSoon(IdOf(parts, now_ns), now_ns);
  }
  ++refused_;
  refusals_.Warn(now_ns, absl::StrCat("reassembler: refused a peer: ", refusal.text()));
}

std::optional<size_t> PeerTable::OnHello(const Socket::Parts& parts, const wire::Hello& hello,
                                         int64_t now_ns) {
  std::optional<wire::Refusal> refusal = CheckHello(hello, self_, peer_role_);
  const std::string key = parts.key();
  if (!refusal && socket_.keys() != nullptr && !key.empty() &&
      !socket_.keys()->MayBeCalled(key, hello.name())) {
    refusal = MakeRefusal(
        wire::Refusal::NAME_NOT_ALLOWED,
        absl::StrFormat("the key of '%s' is not for this name: give the process the --name that "
                        "its key has, or the public key a line `names` with a pattern",
                        hello.name()));
  }
  if (refusal) {
    Refuse(parts, *refusal, now_ns);
    return std::nullopt;
  }
  const auto known = by_name_.find(hello.name());
  if (known == by_name_.end()) return OnNewName(parts, hello, now_ns);
  const size_t slot = known->second;
  if (!Claim(slot, parts, hello, now_ns)) return std::nullopt;
  if (peers_[slot].link->state() == LinkState::kRefused) Renew(slot);
  Take(slot, parts, hello.name(), now_ns);
  return slot;
}

NameClaim PeerTable::Judge(size_t slot, const wire::Hello& hello, int64_t now_ns) {
  const Peer& holder = peers_[slot];
  const LinkEnd& link = *holder.link;
  const bool same_process = hello.epoch() == link.peer_epoch();
  if (link.state() == LinkState::kRefused) {
    // A new process in the place of one that was refused begins anew.
    if (same_process) return NameClaim::kRefuse;
    return owner_.MayForget(slot) ? NameClaim::kGrant : NameClaim::kWait;
  }
  // The epoch stands in every batch on a tap; the token nowhere.
  if (same_process && hello.token() != link.peer_token()) return NameClaim::kRefuse;
  if (same_process && hello.token() != 0) return NameClaim::kGrant;
  const bool gone =
      socket_.connections() == nullptr || !socket_.connections()->IsOpen(holder.connection, now_ns);
  if (same_process && gone) return NameClaim::kGrant;
  return JudgeOther(slot, hello, now_ns);
}

// A claim is of one process that says Hello again and again; one that is not repeated is none.
NameClaim PeerTable::JudgeOther(size_t slot, const wire::Hello& hello, int64_t now_ns) {
  Peer& holder = peers_[slot];
  if (holder.claimant != hello.epoch() || now_ns - holder.claim_seen_ns > kClaimLapseNs) {
    holder.claimant = hello.epoch();
    holder.claimed_ns = now_ns;
  }
  holder.claim_seen_ns = now_ns;
  const LinkEnd& link = *holder.link;
  const NameClaim claim = DecideNameClaim(link.last_heard_ns(), holder.claimed_ns, now_ns);
  const bool same_process = hello.epoch() == link.peer_epoch();
  const bool too_much = !same_process && !owner_.MayRestart(slot);
  return claim == NameClaim::kGrant && too_much ? NameClaim::kWait : claim;
}

bool PeerTable::Claim(size_t slot, const Socket::Parts& parts, const wire::Hello& hello,
                      int64_t now_ns) {
  const LinkEnd& link = *peers_[slot].link;
  const NameClaim claim = Judge(slot, hello, now_ns);
  if (claim == NameClaim::kWait) return false;
  peers_[slot].claimant = 0;
  if (claim == NameClaim::kRefuse) {
    const bool was_refused = link.state() == LinkState::kRefused;
    Refuse(parts,
           was_refused ? MakeRefusal(wire::Refusal::CONTRADICTION, link.refusal())
                       : NameInUse(hello.name()),
           now_ns);
    return false;
  }
  if (hello.epoch() != link.peer_epoch()) {
    states_.Warn(now_ns,
                 absl::StrCat("reassembler: ", kind_, " '", hello.name(), "' was restarted"));
  }
  return true;
}

void PeerTable::Renew(size_t slot) {
  ++peers_[slot].generation;
  peers_[slot].link = owner_.MakeLink(slot);
  peers_[slot].logged_state = LinkState::kWaiting;
}

std::optional<size_t> PeerTable::OnNewName(const Socket::Parts& parts, const wire::Hello& hello,
                                           int64_t now_ns) {
  const std::optional<size_t> slot = FindSlot(parts.key());
  if (!slot) {
    Refuse(parts,
           MakeRefusal(wire::Refusal::NO_ROOM,
                       absl::StrFormat("there is no room for '%s': as many names as may be are "
                                       "there, or as one key may have",
                                       hello.name())),
           now_ns);
    return std::nullopt;
  }
  Renew(*slot);
  by_name_[hello.name()] = *slot;
  Take(*slot, parts, hello.name(), now_ns);
  return slot;
}

// A free slot, a new one, or that of the name that is missed least: of the same key, where that has
// as many as it may have.
std::optional<size_t> PeerTable::FindSlot(const std::string& key) {
  const auto of_key = [&key](const Peer& peer) {
    return peer.link != nullptr && !key.empty() && peer.key == key;
  };
  const bool key_full =
      static_cast<size_t>(std::count_if(peers_.begin(), peers_.end(), of_key)) >= kMaxNamesPerKey;
  const bool full = peers_.size() >= kMaxPeers;
  std::optional<size_t> best;
  const auto rank = [this](size_t slot) {
    const LinkEnd& link = *peers_[slot].link;
    return std::pair(link.state() != LinkState::kRefused, link.last_heard_ns());
  };
  for (size_t slot = 0; slot < peers_.size(); ++slot) {
    const Peer& peer = peers_[slot];
    if (peer.link == nullptr && !key_full) return slot;
    if (peer.link == nullptr || (key_full ? !of_key(peer) : !full)) continue;
    const LinkState state = peer.link->state();
    const bool gone = state == LinkState::kRefused || state == LinkState::kLost;
    if (!gone || !owner_.MayForget(slot)) continue;
    if (!best || rank(slot) < rank(*best)) best = slot;
  }
  if (!full && !key_full) {
    peers_.emplace_back();
    return peers_.size() - 1;
  }
  if (!best) return std::nullopt;
  ++forgotten_;
  forgets_.Warn(
      SteadyNowNs(),
      absl::StrFormat("reassembler: %s '%s', which has gone, is forgotten for another one", kind_,
                      peers_[*best].name));
  Free(*best);
  return best;
}

void PeerTable::Free(size_t slot) {
  Peer& peer = peers_[slot];
  if (socket_.connections() != nullptr) {
    socket_.connections()->CloseSoon(peer.connection, SteadyNowNs());
  }
  by_route_.erase(peer.route);
  by_name_.erase(peer.name);
  const uint32_t generation = peer.generation;
  peer = {};
  peer.generation = generation;
}

void PeerTable::Take(size_t slot, const Socket::Parts& parts, const std::string& name,
                     int64_t now_ns) {
  Peer& peer = peers_[slot];
  ConnectionGuard* connections = socket_.connections();
  const ConnectionGuard::Id connection = IdOf(parts, now_ns);
  // One live connection a name.
  if (connections != nullptr && peer.connection != connection) {
    connections->CloseSoon(peer.connection, now_ns);
  }
  if (!peer.route.empty()) by_route_.erase(peer.route);
  peer.name = name;
  peer.route = parts.first;
  peer.key = parts.key();
  peer.connection = connection;
  peer.claimant = 0;
  peer.refusal_done = false;
  by_route_[peer.route] = slot;
  peer.link->NoteNewConnection();
  if (connections != nullptr) connections->Admit(connection);
}

bool PeerTable::IsSameProcess(size_t slot, const wire::LinkMessage& message) {
  if (!message.has_hello()) return true;
  LinkEnd& link = *peers_[slot].link;
  const wire::Hello& hello = message.hello();
  if (hello.name() == peers_[slot].name && hello.epoch() == link.peer_epoch() &&
      hello.token() == link.peer_token()) {
    return true;
  }
  link.Contradicts("it says Hello as another process on the same connection");
  return false;
}

void PeerTable::NoteRefusal(Peer* peer, int64_t now_ns) {
  if (peer->refusal_done) return;
  peer->refusal_done = true;
  ++refused_;
  refusals_.Warn(now_ns, absl::StrCat("reassembler: refused ", kind_, " '", peer->name,
                                      "': ", peer->link->refusal()));
  // Its connection stays known until it is closed: what still comes is passed over without a word.
  if (socket_.connections() != nullptr) {
    socket_.connections()->CloseSoon(peer->connection, now_ns);
  }
}

// One that is silent is as one that has not said Hello: its connection must not fill a place that
// somebody else wants.
void PeerTable::NoteState(Peer* peer, int64_t now_ns) {
  const LinkState state = peer->link->state();
  ConnectionGuard* connections = socket_.connections();
  if (connections != nullptr && state != peer->logged_state) {
    if (state == LinkState::kLost) connections->Withdraw(peer->connection, now_ns);
    if (state == LinkState::kOpen) connections->Admit(peer->connection);
  }
  LogLinkState("reassembler", peer->name, state, &peer->logged_state, now_ns, &states_);
  if (state == LinkState::kRefused) NoteRefusal(peer, now_ns);
}

void PeerTable::SendAll(int64_t now_ns) {
  for (Peer& peer : peers_) {
    if (peer.link == nullptr) continue;
    while (const auto out = peer.link->NextToSend(now_ns)) {
      if (!socket_.SendParts(peer.route, *out)) break;
    }
    NoteState(&peer, now_ns);
  }
}

}  // namespace flowstitch
