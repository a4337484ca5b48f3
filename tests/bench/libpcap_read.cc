// libpcap_read FILE: reads every frame of a capture with libpcap, and does nothing with it. What
// reading alone costs.
#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: libpcap_read FILE\n");
    return 2;
  }
  char error[PCAP_ERRBUF_SIZE] = {};
  pcap_t* file = pcap_open_offline(argv[1], error);
  if (file == nullptr) {
    std::fprintf(stderr, "libpcap_read: %s\n", error);
    return 1;
  }
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  uint64_t frames = 0;
  uint64_t sum = 0;
  int result = 0;
  while ((result = pcap_next_ex(file, &header, &bytes)) == 1) {
    ++frames;
    sum += header->caplen + (header->caplen > 0 ? bytes[0] : 0);
  }
  if (result != PCAP_ERROR_BREAK) std::fprintf(stderr, "libpcap_read: %s\n", pcap_geterr(file));
  pcap_close(file);
  std::printf("%llu frames, %llu\n", static_cast<unsigned long long>(frames),
              static_cast<unsigned long long>(sum));
  return result == PCAP_ERROR_BREAK ? 0 : 1;
}
