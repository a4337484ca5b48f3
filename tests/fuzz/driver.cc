// Runs a fuzz target without libFuzzer: over its corpus, its seeds, and mutations of both by a
// fixed seed. With --write-seeds the seeds become files of the corpus.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "tests/fuzz/fuzz.h"

namespace {

constexpr int kMutations = 4000;

std::string Mutated(std::string input, std::mt19937_64* random) {
  const auto below = [random](size_t n) {
    return n == 0 ? 0 : static_cast<size_t>((*random)() % n);
  };
  const size_t changes = 1 + below(8);
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = below(input.size());
    switch (below(6)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>((*random)());
        break;
      case 1:
        if (!input.empty()) input[at] = below(2) == 0 ? '\xff' : '\0';
        break;
      case 2:
        input.erase(at, below(16));
        break;
      case 3:
        input.insert(at, std::string(below(16), static_cast<char>((*random)())));
        break;
      case 4:
        input.resize(at);
        break;
      default:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
    }
  }
  return input;
}

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> inputs = flowstitch::testing::FuzzSeeds();
  if (argc == 3 && std::string(argv[1]) == "--write-seeds") {
    std::filesystem::create_directories(argv[2]);
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::ofstream(std::string(argv[2]) + "/seed-" + std::to_string(i), std::ios::binary)
          << inputs[i];
    }
    return 0;
  }
  size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      inputs.push_back(text.str());
      ++files;
    }
  }
  if (argc > 1 && files == 0) {
    std::cerr << "the corpus is empty\n";
    return 1;
  }
  for (const std::string& input : inputs) Run(input);
  std::mt19937_64 random(20260101);
  for (int i = 0; i < kMutations; ++i) Run(Mutated(inputs[random() % inputs.size()], &random));
  std::cout << files << " files, " << inputs.size() << " inputs, " << kMutations << " mutations\n";
  return 0;
}
