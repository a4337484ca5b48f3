#include "transport/router_receiver.h"

#include "transport/link_messages.h"

namespace flowstitch {

RouterReceiver::RouterReceiver(Socket socket, const LinkIdentity& self, wire::Role peer_role,
                               uint64_t window_bytes)
    : self_(socket.Introduce(self)),
      peer_role_(peer_role),
      window_bytes_(window_bytes),
      socket_(std::make_unique<Socket>(std::move(socket))),
      table_("source", socket_.get(), self, peer_role, this) {}

LinkEnd* RouterReceiver::MakeLink(size_t slot) {
  if (slot >= links_.size()) links_.resize(slot + 1);
  if (links_[slot] != nullptr) replaced_.push_back(std::move(links_[slot]));
  links_[slot] = std::make_unique<LinkReceiver>(self_, peer_role_, /*dials=*/false, window_bytes_);
  return links_[slot].get();
}

bool RouterReceiver::MayForget(size_t slot) const { return links_[slot]->unfinished_bytes() == 0; }

bool RouterReceiver::MayRestart(size_t slot) const {
  return links_[slot]->unfinished_bytes() <= window_bytes_;
}

void RouterReceiver::Service(int64_t now_ns, const Taker& take) {
  replaced_.clear();
  if (socket_->connections() != nullptr) socket_->connections()->Service(now_ns);
  wire::LinkMessage hello;
  while (auto parts = socket_->ReceiveParts()) {
    const auto slot = table_.SlotOf(*parts, now_ns);
    if (!slot) {
      const auto greeted = table_.Greet(*parts, &hello, now_ns);
      if (greeted) links_[*greeted]->Receive(hello, parts->second.size(), now_ns);
      continue;
    }
    LinkReceiver& link = *links_[*slot];
    if (link.state() == LinkState::kRefused) continue;
    auto delivery = Deliver(*socket_, std::move(parts->second), self_.reads_memory);
    if (delivery->status().ok() && !table_.IsSameProcess(*slot, delivery->message())) continue;
    if (Arrived(*delivery, &link, now_ns)) take(*slot, std::move(delivery));
  }
  SendAll(now_ns);
}

void RouterReceiver::SendAll(int64_t now_ns) { table_.SendAll(now_ns); }

void RouterReceiver::set_flows(uint64_t flows) {
  for (const auto& link : links_) link->set_flows(flows);
}

bool RouterReceiver::MayGo(int64_t now_ns, const std::function<bool(size_t peer)>& ended) {
  bool all = true;
  for (size_t i = 0; i < links_.size(); ++i) {
    if (ended(i)) all = links_[i]->MayGo(now_ns) && all;
  }
  return all;
}

}  // namespace flowstitch
