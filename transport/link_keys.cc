#include "transport/link_keys.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/owned_descriptor.h"

namespace flowstitch {
namespace {

constexpr size_t kKeyCharacters = 40;
constexpr size_t kMaxFileBytes = 64 << 10;

absl::Status Bad(std::string_view file, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("key '%s': %s", std::string(file), std::string(why)));
}

bool IsZ85Key(const std::string& text) {
  uint8_t bytes[32];
  return text.size() == kKeyCharacters && zmq_z85_decode(bytes, text.c_str()) != nullptr;
}

struct KeyFile {
  std::string text;
  struct stat info = {};
  bool on_writable_mount = true;
};

// The file is judged by the descriptor that it is read by: nobody can put another in its place.
absl::StatusOr<KeyFile> ReadKeyFile(const std::string& path) {
  const OwnedDescriptor fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  KeyFile file;
  if (fd.get() < 0 || fstat(fd.get(), &file.info) != 0) {
    return Bad(path, absl::StrCat("cannot be read: ", strerror(errno)));
  }
  if (!S_ISREG(file.info.st_mode)) return Bad(path, "is not a regular file");
  struct statvfs mount = {};
  if (fstatvfs(fd.get(), &mount) == 0) file.on_writable_mount = (mount.f_flag & ST_RDONLY) == 0;
  file.text.resize(kMaxFileBytes + 1);
  size_t size = 0;
  while (size < file.text.size()) {
    const ssize_t got = read(fd.get(), file.text.data() + size, file.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Bad(path, absl::StrCat("cannot be read: ", strerror(errno)));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  file.text.resize(size);
  if (size > kMaxFileBytes) return Bad(path, "is too large for a key");
  return file;
}

// Under sudo, the user who called it.
std::optional<uid_t> CallingUser() {
  const char* text = geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  uint32_t uid = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &uid)) return std::nullopt;
  return uid;
}

bool IsOurGroup(gid_t group) {
  if (group == getegid() || group == 0) return true;
  std::vector<gid_t> groups(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
  if (groups.empty() || getgroups(static_cast<int>(groups.size()), groups.data()) < 0) return false;
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

// Why a secret in such a file is none; empty when it is well kept.
std::string WhyNotSecret(const KeyFile& file) {
  const mode_t mode = file.info.st_mode;
  const uid_t owner = file.info.st_uid;
  if ((mode & (S_IROTH | S_IXOTH)) != 0) return "everybody may read it; chmod 600 it";
  if ((mode & S_IRGRP) != 0 && !IsOurGroup(file.info.st_gid)) {
    return "a group that this process is not in may read it; chmod 600 it";
  }
  if (!file.on_writable_mount) return "";
  if ((mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "others than its owner may write it; chmod 600 it";
  }
  if (owner != 0 && owner != geteuid() && owner != CallingUser()) {
    return "it belongs to another user, who may write it; chown it";
  }
  return "";
}

}  // namespace

void Wipe(std::string* secret) {
  OPENSSL_cleanse(secret->data(), secret->size());
  secret->clear();
}

bool LinkKey::MayBeCalled(const std::string& process) const {
  if (names.empty()) return process == name;
  return std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), process.c_str(), FNM_NOESCAPE) == 0;
  });
}

bool LinkKey::MayActAs(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

absl::StatusOr<LinkKey> MakeLinkKey(std::string name, std::vector<std::string> roles) {
  char public_key[kKeyCharacters + 1];
  char secret_key[kKeyCharacters + 1];
  if (zmq_curve_keypair(public_key, secret_key) != 0) {
    return absl::UnimplementedError("this machine's ZeroMQ was built without CURVE");
  }
  return LinkKey{std::move(name), std::move(roles), public_key, secret_key};
}

std::string FormatLinkKey(const LinkKey& key, bool with_secret) {
  std::string text = with_secret
                         ? "# A flowstitch key: SECRET. It stays on the machine of its process.\n"
                         : "# A flowstitch key, public: for the allowed keys of its peers.\n";
  absl::StrAppend(&text, "metadata\n    name = \"", key.name, "\"\n    roles = \"",
                  absl::StrJoin(key.roles, ","), "\"\n");
  if (!key.names.empty()) {
    absl::StrAppend(&text, "    names = \"", absl::StrJoin(key.names, ","), "\"\n");
  }
  absl::StrAppend(&text, "curve\n    public-key = \"", key.public_key, "\"\n");
  if (with_secret) absl::StrAppend(&text, "    secret-key = \"", key.secret_key, "\"\n");
  return text;
}

// Looks at the text where it is: a copy of a line could be one of the secret.
absl::StatusOr<LinkKey> ParseLinkKey(std::string_view text, std::string_view name) {
  LinkKey key;
  absl::string_view section;
  const absl::string_view all(text.data(), text.size());
  for (const absl::string_view raw : absl::StrSplit(all, '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (equals == line.npos) {
      section = line;
      continue;
    }
    const absl::string_view field = absl::StripAsciiWhitespace(line.substr(0, equals));
    absl::string_view value = absl::StripAsciiWhitespace(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == value.back() &&
        (value[0] == '"' || value[0] == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    if (section == "metadata" && field == "name") key.name = std::string(value);
    if (section == "metadata" && field == "roles") {
      key.roles = absl::StrSplit(value, absl::ByAnyChar(", "), absl::SkipEmpty());
    }
    if (section == "metadata" && field == "names") {
      key.names = absl::StrSplit(value, absl::ByAnyChar(", "), absl::SkipEmpty());
    }
    if (section == "curve" && field == "public-key") key.public_key = std::string(value);
    if (section == "curve" && field == "secret-key") key.secret_key = std::string(value);
  }
  if (!IsZ85Key(key.public_key)) return Bad(name, "has no public-key of 40 Z85 characters");
  if (!key.secret_key.empty() && !IsZ85Key(key.secret_key)) {
    return Bad(name, "its secret-key is not 40 Z85 characters");
  }
  for (const std::string& role : key.roles) {
    if (std::find(std::begin(kKeyRoles), std::end(kKeyRoles), role) == std::end(kKeyRoles)) {
      return Bad(name, absl::StrFormat("its role '%s' is not known; known are capture, "
                                       "reassembler, sink, tap",
                                       role));
    }
  }
  return key;
}

absl::StatusOr<LinkKey> ReadPublicKey(const std::string& path) {
  auto file = ReadKeyFile(path);
  if (!file.ok()) return file.status();
  auto key = ParseLinkKey(file->text, path);
  Wipe(&file->text);
  if (key.ok())
    Wipe(&key->secret_key);  // of the other half, which was named by mistake or for its name
  // A name is the file's where it has none of its own.
  if (key.ok() && key->name.empty()) key->name = std::filesystem::path(path).stem().string();
  return key;
}

absl::StatusOr<LinkKey> ReadSecretKey(const std::string& path) {
  auto file = ReadKeyFile(path);
  if (!file.ok()) return file.status();
  auto key = ParseLinkKey(file->text, path);
  Wipe(&file->text);
  if (!key.ok()) return key;
  if (key->secret_key.empty()) {
    return Bad(path, "has no secret-key: it is the public half (its ending is .key_secret)");
  }
  if (const std::string why = WhyNotSecret(*file); !why.empty()) return Bad(path, why);
  char derived[kKeyCharacters + 1];
  if (zmq_curve_public(derived, key->secret_key.c_str()) != 0 || key->public_key != derived) {
    return Bad(path, "its two keys do not belong together");
  }
  return key;
}

}  // namespace flowstitch
