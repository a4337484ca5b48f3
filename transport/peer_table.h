// The peers at the other ends of a ROUTER socket: who has which name, on which connection, with
// which key. A name is one process's at a time, and one connection's; names are limited, and
// forgotten when there are too many. What a peer says goes to its link.
#ifndef FLOWSTITCH_TRANSPORT_PEER_TABLE_H_
#define FLOWSTITCH_TRANSPORT_PEER_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "transport/link/link_end.h"
#include "transport/log_limit.h"
#include "transport/name_claim.h"
#include "transport/socket.h"

namespace flowstitch {

class PeerTable {
 public:
  struct Peer {
    std::string name;
    std::string route;  // ZeroMQ's name of the connection
    std::string key;    // public; empty where there are no keys
    ConnectionGuard::Id connection;
    LinkEnd* link = nullptr;  // null: the slot is free
    uint32_t generation = 0;  // counts the names that have had the slot
    // Another process that has asked for this name: which, when first, and when last.
    uint64_t claimant = 0;
    int64_t claim_seen_ns = 0;
    int64_t claimed_ns = 0;
    LinkState logged_state = LinkState::kWaiting;
    bool refusal_done = false;
  };
  // Who has the links themselves.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Makes a link for the slot, in place of the one that was there.
    virtual LinkEnd* MakeLink(size_t slot) = 0;
    // Whether nothing is held of the slot's peer, so that another one may have the slot.
    virtual bool MayForget(size_t slot) const = 0;
    // Whether so little is held of its earlier processes that it may come as a new one.
    virtual bool MayRestart(size_t slot) const = 0;
  };

  // `kind`: what the log calls a peer ("source", "sink"). `socket` and `owner` outlive the table.
  PeerTable(std::string kind, Socket* socket, LinkIdentity self, wire::Role peer_role,
            Owner* owner);

  // The slot of the peer that a message is from, if it is known and came by its connection.
  std::optional<size_t> SlotOf(const Socket::Parts& parts, int64_t now_ns);
  // A message on a connection that is not known: the slot, when it is a Hello that is accepted; it
  // is then in `message`, and the link's to answer. All else is answered here.
  std::optional<size_t> Greet(const Socket::Parts& parts, wire::LinkMessage* message,
                              int64_t now_ns);
  // False, and the peer is refused, when a known peer's Hello is not of who it was.
  bool IsSameProcess(size_t slot, const wire::LinkMessage& message);
  // Sends what the links have to say, says in the log what has changed, and closes the connections
  // of those that were refused.
  void SendAll(int64_t now_ns);
  // The slot has no peer any more.
  void Free(size_t slot);

  const std::vector<Peer>& peers() const { return peers_; }
  uint64_t refused() const { return refused_; }
  uint64_t forgotten() const { return forgotten_; }

 private:
  std::optional<size_t> OnHello(const Socket::Parts& parts, const wire::Hello& hello,
                                int64_t now_ns);
  std::optional<size_t> OnNewName(const Socket::Parts& parts, const wire::Hello& hello,
                                  int64_t now_ns);
  // Whether a process may have a name that another one, or its own earlier connection, has.
  bool Claim(size_t slot, const Socket::Parts& parts, const wire::Hello& hello, int64_t now_ns);
  NameClaim Judge(size_t slot, const wire::Hello& hello, int64_t now_ns);
  NameClaim JudgeOther(size_t slot, const wire::Hello& hello, int64_t now_ns);
  std::optional<size_t> FindSlot(const std::string& key);
  ConnectionGuard::Id IdOf(const Socket::Parts& parts, int64_t now_ns);
  void NoteState(Peer* peer, int64_t now_ns);
  void Refuse(const Socket::Parts& parts, const wire::Refusal& refusal, int64_t now_ns);
  void Renew(size_t slot);
  void Take(size_t slot, const Socket::Parts& parts, const std::string& name, int64_t now_ns);
  void NoteRefusal(Peer* peer, int64_t now_ns);

  const std::string kind_;
  Socket& socket_;
  const LinkIdentity self_;
  const wire::Role peer_role_;
  Owner& owner_;
  std::vector<Peer> peers_;
  absl::flat_hash_map<std::string, size_t> by_route_;
  absl::flat_hash_map<std::string, size_t> by_name_;
  uint64_t refused_ = 0;
  uint64_t forgotten_ = 0;
  LogLimit refusals_;
  LogLimit states_;
  LogLimit forgets_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_PEER_TABLE_H_
