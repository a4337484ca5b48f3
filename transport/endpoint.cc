#include "transport/endpoint.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace flowstitch {
namespace {

// sizeof(sockaddr_un::sun_path) less its terminating NUL.
constexpr size_t kMaxIpcPathBytes = 107;

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("bad endpoint '%s': %s; write tcp://HOST:PORT, ipc://PATH or inproc://NAME",
                      std::string(text), std::string(why)));
}

absl::Status CheckTcp(std::string_view text, absl::string_view rest) {
  const size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return Bad(text, "a port is missing");
  const absl::string_view port = rest.substr(colon + 1);
  uint32_t number = 0;
  if (port == "*") return absl::OkStatus();
  if (!absl::SimpleAtoi(port, &number) || number > 65535) {
    return Bad(text, "the port must be a number from 0 to 65535");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SocketEndpoint> ParseEndpoint(std::string_view text, bool binds_by_default) {
  SocketEndpoint endpoint{std::string(text), binds_by_default};
  if (!text.empty() && (text[0] == '@' || text[0] == '>')) {
    endpoint.bind = text[0] == '@';
    endpoint.address.erase(0, 1);
  }
  absl::string_view rest = endpoint.address;
  if (absl::ConsumePrefix(&rest, "tcp://")) {
    if (const absl::Status status = CheckTcp(text, rest); !status.ok()) return status;
    if (!endpoint.bind && absl::StartsWith(rest, "*:")) {
      return Bad(text, "'*' can be bound, not connected to");
    }
  } else if (absl::ConsumePrefix(&rest, "ipc://")) {
    if (rest.size() > kMaxIpcPathBytes) {
      return Bad(text, absl::StrFormat("a socket's path may have %d bytes", kMaxIpcPathBytes));
    }
  } else if (!absl::ConsumePrefix(&rest, "inproc://")) {
    return Bad(text, "its transport is not known");
  }
  if (rest.empty()) return Bad(text, "nothing follows the transport");
  return endpoint;
}

absl::StatusOr<std::vector<SocketEndpoint>> ParseEndpoints(std::string_view text,
                                                           bool binds_by_default) {
  std::vector<SocketEndpoint> endpoints;
  const std::vector<std::string> parts = absl::StrSplit(std::string(text), ',');
  for (const std::string& part : parts) {
    auto endpoint = ParseEndpoint(part, binds_by_default);
    if (!endpoint.ok()) return endpoint.status();
    endpoints.push_back(*std::move(endpoint));
  }
  return endpoints;
}

}  // namespace flowstitch
