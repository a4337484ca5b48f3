// Generates captures: a small one that shows everything (the default), or traffic by the numbers.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "base/process/command_line.h"
#include "tests/support/conversation.h"
#include "tests/support/deflated.h"
#include "tests/support/traffic.h"

namespace flowstitch::testing {
namespace {

std::string Response(const std::string& type, const std::string& body,
                     const std::string& more = "") {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Page() {
  std::string page = "<html><body>\n";
  for (int i = 0; i < 400; ++i)
    page += "<p>line " + std::to_string(i) + " of a generated page</p>\n";
  return page + "</body></html>\n";
}

// Words as a language has them: gzip makes it about half.
std::string Text(uint64_t seed, uint64_t bytes) {
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < bytes) {
    // Few words are frequent, most are not.
    uint64_t word = random() % (uint64_t{1} << (random() % 14));
    do {
      text += static_cast<char>('a' + word % 26);
      word = word / 26 + (text.size() + word) % 3 * (word > 0 ? 1 : 0);
    } while (word > 2 && text.size() < bytes);
    text += random() % 12 == 0 ? '\n' : ' ';
  }
  text.resize(bytes);
  return text;
}

// HTTP with gzip, segments out of order and lost, IPv6, two VLANs.
std::vector<CapturedPacket> Demonstration() {
  const std::string page = Page();
  std::vector<CapturedPacket> all;
  const auto add = [&all](const std::vector<CapturedPacket>& packets) {
    all.insert(all.end(), packets.begin(), packets.end());
  };
  Talk gzip(End("10.0.0.1", 40001), End("192.0.2.80", 80));
  gzip.Handshake().Client(
      "GET /page HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n");
  gzip.Server(Response("text/html", Gzip(page), "Content-Encoding: gzip\r\n"), 500).Close();
  add(gzip.packets);

  Talk shuffled(End("10.0.0.1", 40002), End("192.0.2.80", 80), 0xfffffff0, 0xffffff00);
  shuffled.acknowledge = false;
  shuffled.Handshake().Client("GET /shuffled.txt HTTP/1.1\r\nHost: demo.example\r\n\r\n");
  const size_t first = shuffled.packets.size();
  shuffled.Server(Response("text/plain", page), 700).Close();
  for (size_t i = first; i + 6 < shuffled.packets.size(); i += 3) {
    std::swap(shuffled.packets[i].bytes, shuffled.packets[i + 2].bytes);
    std::swap(shuffled.packets[i].wire_length, shuffled.packets[i + 2].wire_length);
  }
  add(shuffled.packets);

  Talk lossy(End("10.0.0.2", 40003), End("192.0.2.80", 80));
  lossy.Handshake().Client("GET /lost.txt HTTP/1.1\r\nHost: demo.example\r\n\r\n");
  const size_t data = lossy.packets.size();
  lossy.Server(Response("text/plain", page), 1000).Close();
  lossy.packets.erase(lossy.packets.begin() + static_cast<long>(data) + 8);
  add(lossy.packets);

  Talk six(End("2001:db8::1", 40004), End("2001:db8::80", 80));
  six.Handshake().Client("GET /six.json HTTP/1.1\r\nHost: demo.example\r\n\r\n");
  six.Server(Response("application/json", "{\"protocol\": \"IPv6\"}\n")).Close();
  add(six.packets);

  for (const uint16_t vlan : {uint16_t{10}, uint16_t{20}}) {
    Talk tagged(End("10.0.0.3", static_cast<uint16_t>(40000 + vlan)), End("192.0.2.25", 25));
    tagged.vlans = {vlan};
    tagged.Handshake().Server("220 mail.example ready\r\n").Client("EHLO demo.example\r\n");
    tagged.Server("250 mail.example\r\n").Client("QUIT\r\n").Server("221 bye\r\n").Close();
    add(tagged.packets);
  }
  TimeNs time_ns = 1'600'000'000 * kNsPerSecond;
  for (CapturedPacket& packet : all) {
    packet.time_ns = time_ns;
    time_ns += 2 * kNsPerMs;
  }
  return all;
}

}  // namespace
}  // namespace flowstitch::testing

int main(int argc, char** argv) {
  using namespace flowstitch;
  using namespace flowstitch::testing;
  CLI::App app("Generates a capture file.", "flowstitch-make-capture");
  std::string path;
  TrafficOptions traffic;
  traffic.flows = 0;
  app.add_option("file", path, "The pcap file to write ('-' is standard output).")->required();
  app.add_option(
         "--flows", traffic.flows,
         "So many flows; 0: a small capture that shows HTTP with gzip, disorder, loss, IPv6 "
         "and VLANs.")
      ->capture_default_str();
  app.add_option("--bytes", traffic.bytes_per_flow, "Bytes of each flow.")->capture_default_str();
  app.add_option("--concurrent", traffic.concurrent, "Flows at a time.")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--disorder", traffic.disorder, "Share of segments that come late, from 0 to 1.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--loss", traffic.loss, "Share of segments that are missing, from 0 to 1.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--segment", traffic.segment_bytes, "Bytes of a segment.")
      ->check(CLI::Range(1, 65000))
      ->capture_default_str();
  app.add_flag("--ipv6", traffic.ipv6, "Every second flow over IPv6.");
  app.add_option("--seed", traffic.seed, "Another seed gives other packets.")
      ->capture_default_str();
  std::string http = "none";
  app.add_option("--http", http,
                 "The servers' streams are HTTP responses with a body of --bytes text, plain or in "
                 "gzip, the same in every flow.")
      ->check(CLI::IsMember({"none", "plain", "gzip"}))
      ->capture_default_str();
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;

  std::ofstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "flowstitch-make-capture: cannot write '%s'\n", path.c_str());
      return 1;
    }
  }
  std::ostream& out = path == "-" ? std::cout : file;
  const size_t header = PcapFile({}).size();
  out << PcapFile({});
  const auto write = [&](const CapturedPacket& packet) {
    out << PcapFile({packet}).substr(header);
  };
  if (http != "none") {
    const std::string body = Text(traffic.seed, traffic.bytes_per_flow);
    traffic.server_stream = http == "gzip"
                                ? Response("text/plain", Gzip(body), "Content-Encoding: gzip\r\n")
                                : Response("text/plain", body);
  }
  if (traffic.flows > 0) {
    MakeTraffic(traffic, write);
  } else {
    for (const CapturedPacket& packet : Demonstration()) write(packet);
  }
  out.flush();
  return out ? 0 : 1;
}
