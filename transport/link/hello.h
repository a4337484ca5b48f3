// Who is at the other end: the versioned Hello, and why one is refused.
#ifndef FLOWSTITCH_TRANSPORT_LINK_HELLO_H_
#define FLOWSTITCH_TRANSPORT_LINK_HELLO_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/memory/shared_memory.h"
#include "proto/link.pb.h"

namespace flowstitch {

struct LinkIdentity {
  wire::Role role = wire::ROLE_UNKNOWN;
  std::string name;
  uint64_t epoch = 0;  // one random number for each start of the process
  bool live = false;   // a capture of an interface
  // Where payload of its batches may lie; null: they carry it.
  std::shared_ptr<const SharedMemory> writes_memory = nullptr;
  SharedMemories reads_memory = {};  // that its peers may put payload into
  uint64_t token = 0;                // see Hello.token; 0: the link makes one
  // Its peers are threads of this process: they may be slow, but are never gone.
  bool in_process = false;
};

// `identity` with a token of its own, if it has none.
LinkIdentity WithToken(LinkIdentity identity);

// A random epoch, never 0.
uint64_t RandomEpoch();

// "a capture", "a sink" …, as people say it.
std::string RoleForPeople(wire::Role role);

// Whether a process may be called so; the error is one of the option --name.
absl::Status CheckName(const std::string& name);

// Fills the fields of a Hello that both ends have in common.
void FillHello(const LinkIdentity& self, wire::Hello* hello);

wire::Refusal MakeRefusal(wire::Refusal::Reason reason, std::string text);

// Why `hello` cannot be spoken with, when a peer of role `expected` is wanted; nothing if it can.
std::optional<wire::Refusal> CheckHello(const wire::Hello& hello, const LinkIdentity& self,
                                        wire::Role expected);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_HELLO_H_
