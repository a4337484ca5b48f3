// CURVE keys (https://rfc.zeromq.org/spec/26/) as files, in the form of ZeroMQ's certificates,
// which CZMQ and pyzmq read and write too:
//
//   metadata
//       name = "sensor-a"
//       roles = "capture"
//       names = "sensor-*"            patterns of names; without it, `name` is the only one
//   curve
//       public-key = "…40 characters of Z85…"
//       secret-key = "…"                          only in the file that stays where it was made
#ifndef FLOWSTITCH_TRANSPORT_LINK_KEYS_H_
#define FLOWSTITCH_TRANSPORT_LINK_KEYS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace flowstitch {

// What a key may act as, on the other end of a socket.
inline constexpr std::string_view kCaptureRole = "capture";          // gives packets
inline constexpr std::string_view kReassemblerRole = "reassembler";  // takes them, gives streams
inline constexpr std::string_view kSinkRole = "sink";                // takes streams
inline constexpr std::string_view kTapRole = "tap";                  // listens to taps
inline constexpr std::string_view kKeyRoles[] = {kCaptureRole, kReassemblerRole, kSinkRole,
                                                 kTapRole};

// Endings of the two files of a key.
inline constexpr std::string_view kPublicKeyEnding = ".key";
inline constexpr std::string_view kSecretKeyEnding = ".key_secret";

struct LinkKey {
  std::string name;                // of whoever has it, for people; may be empty
  std::vector<std::string> roles;  // empty: none
  std::string public_key;          // Z85, 40 characters
  std::string secret_key;          // the same; empty where only the public one is known
  // Patterns (fnmatch(3)) of what its processes may call themselves; empty: `name` alone.
  std::vector<std::string> names = {};

  bool MayActAs(std::string_view role) const;
  // Whether its process may say this name in its Hello.
  bool MayBeCalled(const std::string& process) const;
};

// A fresh pair.
absl::StatusOr<LinkKey> MakeLinkKey(std::string name, std::vector<std::string> roles);

// The text of a key's file; without the secret unless `with_secret`.
std::string FormatLinkKey(const LinkKey& key, bool with_secret);
// `name` is for the error only.
absl::StatusOr<LinkKey> ParseLinkKey(std::string_view text, std::string_view name);

// What is no regular file of 64 KiB at most, or no key, gives an error that names the file; a link
// is followed, and what it points to is judged. Never waits for a FIFO or a device.
absl::StatusOr<LinkKey> ReadPublicKey(const std::string& path);
// Beyond that, a secret is refused that strangers may read, or (where it could be written at all)
// that others may write. It may belong to root, to this process's user, or under sudo to whoever
// called; a group of this process may read it.
absl::StatusOr<LinkKey> ReadSecretKey(const std::string& path);

// Overwrites the secret, where it is not needed any more.
void Wipe(std::string* secret);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_KEYS_H_
