#include "transport/router_sender.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "transport/link/link_limits.h"
#include "transport/link_messages.h"

namespace flowstitch {

RouterSender::RouterSender(Socket socket, const LinkIdentity& self, wire::Role peer_role,
                           size_t buffer_bytes)
    : self_(socket.Introduce(self)),
      peer_role_(peer_role),
      log_(buffer_bytes),
      socket_(std::make_unique<Socket>(std::move(socket))),
      table_("sink", socket_.get(), self, peer_role, this) {}

LinkEnd* RouterSender::MakeLink(size_t slot) {
  if (slot >= links_.size()) links_.resize(slot + 1);
  links_[slot] = std::make_unique<LinkSender>(self_, peer_role_, /*dials=*/false, &log_);
  return links_[slot].get();
}

void RouterSender::Receive(const Socket::Parts& parts, int64_t now_ns) {
  wire::LinkMessage message;
  auto slot = table_.SlotOf(parts, now_ns);
  if (!slot) {
    slot = table_.Greet(parts, &message, now_ns);
    if (slot) links_[*slot]->Receive(message, now_ns);
    return;
  }
  LinkSender& link = *links_[*slot];
  if (ReadControlMessage(parts.second, &message, &link) && table_.IsSameProcess(*slot, message)) {
    link.Receive(message, now_ns);
  }
}

void RouterSender::Service(int64_t now_ns) {
  if (socket_->connections() != nullptr) socket_->connections()->Service(now_ns);
  while (const auto parts = socket_->ReceiveParts()) Receive(*parts, now_ns);
  uint64_t finished = log_.last_sequence();
  for (const auto& link : links_) {
    if (link != nullptr && link->state() != LinkState::kRefused) {
      finished = std::min(finished, link->acknowledged());
    }
  }
  if (peers() > 0) log_.ForgetThrough(finished);
  table_.SendAll(now_ns);
  // One that was refused has no claim to what waits.
  for (size_t slot = 0; slot < links_.size(); ++slot) {
    if (links_[slot] == nullptr || links_[slot]->state() != LinkState::kRefused) continue;
    table_.Free(slot);
    links_[slot] = nullptr;
  }
  NameStalled(now_ns);
}

// Backpressure has a name: the log says which sink everything waits for.
void RouterSender::NameStalled(int64_t now_ns) {
  for (const auto& link : links_) {
    if (link != nullptr) link->NoteStall(now_ns);
  }
  // A thread that is slow needs no name.
  if (self_.in_process || !log_.full() || now_ns - stall_told_ns_ < kStalledNs) return;
  for (const auto& link : links_) {
    if (link == nullptr || link->stalled_since_ns() == 0) continue;
    const int64_t stalled_ns = now_ns - link->stalled_since_ns();
    if (stalled_ns < kStalledNs) continue;
    stall_told_ns_ = now_ns;
    stalled_.Warn(now_ns, absl::StrFormat("reassembler: sink '%s' has finished with nothing for %d "
                                          "s; %d MiB wait for it, and no more frames are taken",
                                          link->peer_name(), stalled_ns / kNsPerSecond,
                                          link->unacknowledged_bytes() >> 20));
  }
}

size_t RouterSender::peers() const {
  return static_cast<size_t>(std::count_if(links_.begin(), links_.end(), [](const auto& link) {
    return link != nullptr && link->state() != LinkState::kRefused;
  }));
}

bool RouterSender::reached() const {
  return std::any_of(links_.begin(), links_.end(), [](const auto& link) {
    return link != nullptr && link->state() == LinkState::kOpen;
  });
}

void RouterSender::ForEach(
    const std::function<void(const std::string& name, const LinkSender& link)>& look) const {
  for (const auto& link : links_) {
    if (link != nullptr) look(link->peer_name(), *link);
  }
}

bool RouterSender::drained() const {
  return peers() > 0 && std::all_of(links_.begin(), links_.end(), [this](const auto& link) {
           return link == nullptr || link->state() == LinkState::kRefused ||
                  link->acknowledged() == log_.last_sequence();
         });
}

}  // namespace flowstitch
