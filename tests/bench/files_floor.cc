// What the machine needs for flow files at least: reads a capture and writes its bytes into so many
// files, by as many threads as there are cores, and does nothing else. No frame is looked at,
// nothing is put in order, no report is written.
//   files_floor CAPTURE DIRECTORY FILES BYTES
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Files `first`, `first` + `step` … of the bytes in [at, end) of the capture.
void WriteFiles(int capture, off_t at, off_t end, int directory, size_t first, size_t step,
                size_t files, size_t bytes) {
  std::vector<char> block(kBlockBytes);
  size_t number = first;
  int file = -1;
  size_t written = 0;  // of that file
  while (at < end) {
    const ssize_t n = pread(capture, block.data(),
                            std::min<size_t>(block.size(), static_cast<size_t>(end - at)), at);
    if (n <= 0) Fail("read");
    at += n;
    for (size_t from = 0; from < static_cast<size_t>(n) && number < files;) {
      if (file < 0) {
        file = openat(directory, ("file" + std::to_string(number)).c_str(),
                      O_CREAT | O_EXCL | O_WRONLY, 0666);
        if (file < 0) Fail("create");
      }
      const size_t piece = std::min(static_cast<size_t>(n) - from, bytes - written);
      if (pwrite(file, block.data() + from, piece, static_cast<off_t>(written)) !=
          static_cast<ssize_t>(piece))
        Fail("write");
      from += piece;
      written += piece;
      if (written < bytes) continue;
      close(file);
      file = -1;
      written = 0;
      number += step;
    }
  }
  if (file >= 0) close(file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: files_floor CAPTURE DIRECTORY FILES BYTES\n");
    return 2;
  }
  const int capture = open(argv[1], O_RDONLY);
  const int directory = open(argv[2], O_PATH | O_DIRECTORY);
  struct stat info = {};
  if (capture < 0 || directory < 0 || fstat(capture, &info) != 0) Fail("open");
  const size_t files = std::strtoul(argv[3], nullptr, 10);
  const size_t bytes = std::strtoul(argv[4], nullptr, 10);
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> all;
  for (size_t t = 0; t < threads; ++t) {
    const auto part = [&](size_t n) {
      return static_cast<off_t>(static_cast<size_t>(info.st_size) * n / threads);
    };
    all.emplace_back(WriteFiles, capture, part(t), part(t + 1), directory, t, threads, files,
                     bytes);
  }
  for (std::thread& thread : all) thread.join();
}
