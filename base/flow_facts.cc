#include "base/flow_facts.h"

#include <cstddef>

namespace flowstitch {
namespace {

template <size_t n, typename Fact>
std::string_view Name(const std::string_view (&names)[n], Fact fact) {
  const auto index = static_cast<size_t>(fact);
  return index < n ? names[index] : names[0];
}

}  // namespace

std::string_view NameOf(OpenedBy opened_by) {
  static constexpr std::string_view kNames[] = {"opened_by_unknown", "syn", "syn_ack", "guess"};
  return Name(kNames, opened_by);
}

std::string_view NameOf(GapReason reason) {
  static constexpr std::string_view kNames[] = {
      "gap_reason_unknown", "acknowledged", "not_acknowledged", "flow_ended",
      "stream_limit",       "memory_limit", "truncated"};
  return Name(kNames, reason);
}

std::string_view NameOf(CloseReason reason) {
  static constexpr std::string_view kNames[] = {
      "close_reason_unknown", "finished",        "reset", "idle", "replaced", "evicted",
      "open_at_end",          "reassembler_lost"};
  return Name(kNames, reason);
}

std::string_view NameOf(TunnelKind kind) {
  static constexpr std::string_view kNames[] = {
      "tunnel_unknown", "ip_in_ip", "gre",  "erspan", "ether_ip", "mpls_in_ip", "vxlan", "geneve",
      "gtp_u",          "teredo",   "l2tp", "capwap", "lisp",     "tzsp",       "ayiya"};
  return Name(kNames, kind);
}

}  // namespace flowstitch
