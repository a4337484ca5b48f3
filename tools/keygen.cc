// flowstitch-keygen: a key pair for one process.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/process/command_line.h"
#include "transport/link_keys.h"

namespace {

// Never over a file that is there. The error is said.
bool WriteNew(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) {
    std::fprintf(stderr, "flowstitch-keygen: cannot make '%s': %s\n", path.c_str(),
                 std::strerror(errno));
    return false;
  }
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (close(fd) == 0 && written) return true;
  std::fprintf(stderr, "flowstitch-keygen: cannot write '%s': %s\n", path.c_str(),
               std::strerror(errno));
  unlink(path.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app(
      "Makes a key pair for one process: NAME.key, its public half, for the allowed keys (--allow) "
      "or as the peer's key (--peer-key) of the processes it talks to, and NAME.key_secret, which "
      "stays with it (--key).",
      "flowstitch-keygen");
  std::string name;
  std::string directory = ".";
  std::vector<std::string> roles;
  std::vector<std::string> names;
  app.add_option("name", name,
                 "Whose key it is: the process calls itself so, and the files are named after it.")
      ->required()
      ->type_name("NAME")
      ->check([](const std::string& text) {
        const bool plain = !text.empty() && text[0] != '.' &&
                           text.find_first_not_of(
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-") == std::string::npos;
        return plain ? std::string() : "'" + text + "' has more than letters, digits, '.-_'";
      });
  app.add_option("--role", roles,
                 "What its owner may act as: capture (gives packets), reassembler (takes them, "
                 "gives streams), sink (takes streams), tap (listens to taps); several with "
                 "commas.")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("ROLE[,ROLE...]")
      ->check(CLI::IsMember({"capture", "reassembler", "sink", "tap"}));
  app.add_option("--names", names,
                 "What processes with this key may call themselves (--name): patterns with `*` and "
                 "`?`, several with commas. Without it, NAME alone.")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("PATTERN[,PATTERN...]")
      ->check([](const std::string& text) {
        const bool fits = !text.empty() && text.find_first_of(" \"'\n\r\t") == std::string::npos;
        return fits ? std::string() : "'" + text + "' has blanks or quotes";
      });
  app.add_option("-o,--output", directory, "Directory of the two files.")
      ->type_name("DIR")
      ->capture_default_str();
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;
  auto key = MakeLinkKey(name, roles);
  if (!key.ok()) {
    std::fprintf(stderr, "flowstitch-keygen: %s\n", std::string(key.status().message()).c_str());
    return 1;
  }
  key->names = names;
  const std::string stem = directory + "/" + name;
  const std::string secret = stem + std::string(kSecretKeyEnding);
  const std::string shared = stem + std::string(kPublicKeyEnding);
  if (!WriteNew(secret, FormatLinkKey(*key, true), 0600)) return 1;
  if (!WriteNew(shared, FormatLinkKey(*key, false), 0644)) {
    unlink(secret.c_str());
    return 1;
  }
  std::printf("%s\n%s\n", shared.c_str(), secret.c_str());
  return 0;
}
