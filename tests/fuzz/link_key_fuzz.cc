// Bytes as a key's file: an error, or a key that is written and read again as the same.
#include "tests/fuzz/fuzz.h"
#include "transport/link_keys.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto key = ParseLinkKey({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!key.ok()) return 0;
  Must(key->public_key.size() == 40, "a key is a key");
  key->MayBeCalled("sensor-a");
  // What is in quotes cannot hold them, nor a line's end.
  const auto plain = [](const std::string& text) {
    return text.find_first_of("\"'\n\r") == std::string::npos;
  };
  if (!plain(key->name)) return 0;
  for (const std::string& name : key->names) {
    if (!plain(name)) return 0;
  }
  const auto again = ParseLinkKey(FormatLinkKey(*key, true), "fuzz");
  Must(again.ok(), "what is written can be read");
  Must(again->public_key == key->public_key && again->secret_key == key->secret_key &&
           again->roles == key->roles && again->names == key->names,
       "and is the same");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  LinkKey key = {"sensor-a", {"capture", "tap"}, std::string(40, 'a'), std::string(40, 'b')};
  key.names = {"sensor-*", "spare-?"};
  return {FormatLinkKey(key, true), FormatLinkKey(key, false), "curve\n public-key = 'x'\n"};
}
