#include "transport/tap.h"

namespace flowstitch {

absl::StatusOr<Tap> Tap::Open(zmq::context_t& context, std::string_view endpoints,
                              const LinkSecurity& security) {
  auto parsed = ParseEndpoints(endpoints, /*binds_by_default=*/true);
  if (!parsed.ok()) return parsed.status();
  auto socket = Socket::Open(context, zmq::socket_type::pub, *parsed, security, kTapRole);
  if (!socket.ok()) return socket.status();
  return Tap(*std::move(socket));
}

}  // namespace flowstitch
