#ifndef FLOWSTITCH_TESTS_SUPPORT_RANDOM_TEXT_H_
#define FLOWSTITCH_TESTS_SUPPORT_RANDOM_TEXT_H_
#include <random>
#include <string>
#include <string_view>

namespace flowstitch::testing {

// `size` of the `letters`, each as likely.
inline std::string RandomText(std::mt19937_64* random, size_t size, const char* letters) {
  const size_t n = std::string_view(letters).size();
  std::string text(size, '\0');
  for (char& c : text) c = letters[(*random)() % n];
  return text;
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_RANDOM_TEXT_H_
