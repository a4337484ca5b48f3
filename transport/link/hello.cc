#include "transport/link/hello.h"

#include <random>

#include "absl/strings/str_format.h"
#include "base/utf8_text.h"
#include "transport/link/link_limits.h"

namespace flowstitch {

uint64_t RandomEpoch() {
  std::random_device device;
  uint64_t epoch = 0;
  while (epoch == 0) epoch = (uint64_t{device()} << 32) | device();
  return epoch;
}

LinkIdentity WithToken(LinkIdentity identity) {
  if (identity.token == 0) identity.token = RandomEpoch();
  return identity;
}

std::string RoleForPeople(wire::Role role) {
  switch (role) {
    case wire::CAPTURE:
      return "a capture";
    case wire::REASSEMBLER_INPUT:
      return "a reassembler's input (--captures)";
    case wire::REASSEMBLER_OUTPUT:
      return "a reassembler's output (--sinks)";
    case wire::SINK:
      return "a sink";
    case wire::ROLE_UNKNOWN:
    case wire::Role_INT_MIN_SENTINEL_DO_NOT_USE_:
    case wire::Role_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "a process of an unknown role";
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && ToPrintable(name) == name) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "--name must have 1 to %d bytes of UTF-8 without control characters", kMaxNameBytes));
}

void FillHello(const LinkIdentity& self, wire::Hello* hello) {
  hello->set_magic(kLinkMagic);
  hello->set_version_min(kLinkVersionMin);
  hello->set_version_max(kLinkVersionMax);
  hello->set_role(self.role);
  hello->set_name(self.name);
  hello->set_epoch(self.epoch);
  hello->set_live(self.live);
  hello->set_token(self.token);
  for (const auto& memory : self.reads_memory) hello->add_reads_memory(memory->id());
}

wire::Refusal MakeRefusal(wire::Refusal::Reason reason, std::string text) {
  wire::Refusal refusal;
  refusal.set_reason(reason);
  refusal.set_text(std::move(text));
  return refusal;
}

std::optional<wire::Refusal> CheckHello(const wire::Hello& hello, const LinkIdentity& self,
                                        wire::Role expected) {
  if (hello.magic() != kLinkMagic) {
    return MakeRefusal(wire::Refusal::NOT_FLOWSTITCH,
                       "the peer does not say that it is flowstitch");
  }
  if (hello.version_min() > kLinkVersionMax || hello.version_max() < kLinkVersionMin) {
    return MakeRefusal(
        wire::Refusal::VERSION,
        absl::StrFormat("'%s' speaks versions %d to %d of the link protocol, '%s' speaks %d to %d: "
                        "install the same release of flowstitch on both",
                        ToPrintable(hello.name()), hello.version_min(), hello.version_max(),
                        self.name, kLinkVersionMin, kLinkVersionMax));
  }
  if (hello.role() != expected) {
    return MakeRefusal(wire::Refusal::ROLE,
                       absl::StrFormat("'%s' is %s, but '%s' expects %s here: check the endpoints",
                                       ToPrintable(hello.name()), RoleForPeople(hello.role()),
                                       self.name, RoleForPeople(expected)));
  }
  if (!CheckName(hello.name()).ok() || hello.epoch() == 0) {
    return MakeRefusal(
        wire::Refusal::NOT_FLOWSTITCH,
        absl::StrFormat("a Hello needs a name of 1 to %d bytes without control characters, and an "
                        "epoch",
                        kMaxNameBytes));
  }
  return std::nullopt;
}

}  // namespace flowstitch
