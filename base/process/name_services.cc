#include "base/process/name_services.h"

#include <dlfcn.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

constexpr char kConfiguration[] = "/etc/nsswitch.conf";

// What becomes part of a library's name.
bool IsPlain(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

}  // namespace

std::vector<std::string> ServicesNamedIn(std::string_view configuration) {
  std::vector<std::string> services;
  for (absl::string_view line : absl::StrSplit(std::string(configuration), '\n')) {
    line = line.substr(0, line.find('#'));
    const size_t colon = line.find(':');
    const absl::string_view database = absl::StripAsciiWhitespace(line.substr(0, colon));
    if (colon == line.npos || (database != "hosts" && database != "passwd")) continue;
    bool in_action = false;  // "[NOTFOUND=return]"
    for (const absl::string_view word :
         absl::StrSplit(line.substr(colon + 1), absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
      in_action = in_action || word[0] == '[';
      if (!in_action && IsPlain(word)) services.emplace_back(word);
      if (absl::EndsWith(word, "]")) in_action = false;
    }
  }
  std::sort(services.begin(), services.end());
  services.erase(std::unique(services.begin(), services.end()), services.end());
  return services;
}

void LoadNameServices() {
  std::ifstream file(kConfiguration);
  std::stringstream text;
  text << file.rdbuf();
  for (const std::string& service : ServicesNamedIn(text.str())) {
    dlopen(absl::StrCat("libnss_", service, ".so.2").c_str(), RTLD_NOW);  // for good
  }
}

}  // namespace flowstitch
