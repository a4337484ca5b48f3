#include "capture/filter_hint.h"

#include "absl/strings/str_format.h"
#include "base/frames/ip_header.h"
#include "base/frames/link_layer.h"
#include "base/frames/tunnels.h"

namespace flowstitch {

void FilterHint::NoteMiss(const Frame& frame) {
  if (matched_) return;
  ++frames_;
  const LinkLayer link = ReadLinkLayer(frame.link_type, frame.bytes);
  if (link.vlans.count > 0) ++tagged_;
  if (link.verdict != LinkVerdict::kIp) return;
  const auto ip = ReadIpHeader(link.datagram);
  Tunnel tunnel;
  LinkLayer inner;
  if (ip && !ip->fragment && OpenTunnel(*ip, &tunnel, &inner)) ++tunneled_;
}

std::string FilterHint::Text(const std::string& expression) const {
  if (matched_ || frames_ == 0) return "";
  std::string text =
      absl::StrFormat("the filter '%s' matched none of %d frames", expression, frames_);
  if (tagged_ > 0) {
    absl::StrAppendFormat(&text,
                          "; %d have VLAN tags, into which it does not look: try 'vlan and (%s)'",
                          tagged_, expression);
  }
  if (tunneled_ > 0) {
    absl::StrAppendFormat(&text, "; %d are of tunnels, into which it does not look", tunneled_);
  }
  return text;
}

}  // namespace flowstitch
