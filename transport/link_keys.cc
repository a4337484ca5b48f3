#include "transport/link_keys.h"

#include <sys/stat.h>
#include <zmq.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

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

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Bad(path, absl::StrCat("cannot be read: ", strerror(errno)));
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return Bad(path, "is too large for a key");
  return text;
}

}  // namespace

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
                  absl::StrJoin(key.roles, ","), "\"\ncurve\n    public-key = \"", key.public_key,
                  "\"\n");
  if (with_secret) absl::StrAppend(&text, "    secret-key = \"", key.secret_key, "\"\n");
  return text;
}

absl::StatusOr<LinkKey> ParseLinkKey(std::string_view text, std::string_view name) {
  LinkKey key;
  std::string section;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& raw : lines) {
    const std::string line(absl::StripAsciiWhitespace(raw));
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (equals == std::string::npos) {
      section = line;
      continue;
    }
    const std::string field(absl::StripAsciiWhitespace(line.substr(0, equals)));
    std::string value(absl::StripAsciiWhitespace(line.substr(equals + 1)));
    if (value.size() >= 2 && value.front() == value.back() &&
        (value[0] == '"' || value[0] == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    if (section == "metadata" && field == "name") key.name = value;
    if (section == "metadata" && field == "roles") {
      key.roles = absl::StrSplit(value, absl::ByAnyChar(", "), absl::SkipEmpty());
    }
    if (section == "curve" && field == "public-key") key.public_key = value;
    if (section == "curve" && field == "secret-key") key.secret_key = value;
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
  const auto text = ReadSmallFile(path);
  if (!text.ok()) return text.status();
  return ParseLinkKey(*text, path);
}

absl::StatusOr<LinkKey> ReadSecretKey(const std::string& path) {
  auto key = ReadPublicKey(path);
  if (!key.ok()) return key;
  if (key->secret_key.empty()) {
    return Bad(path, "has no secret-key: it is the public half (its ending is .key_secret)");
  }
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Bad(path, "others than its owner may read it; chmod 600 it");
  }
  char derived[kKeyCharacters + 1];
  if (zmq_curve_public(derived, key->secret_key.c_str()) != 0 || key->public_key != derived) {
    return Bad(path, "its two keys do not belong together");
  }
  return key;
}

}  // namespace flowstitch
