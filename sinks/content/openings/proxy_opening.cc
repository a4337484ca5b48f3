#include "sinks/content/openings/proxy_opening.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/ip_address.h"
#include "sinks/content/tls/byte_reader.h"

namespace flowstitch {
namespace {

using Verdict = ProxyOpening::Verdict;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr size_t kMaxVersion1Bytes = 107;
constexpr std::string_view kVersion2{"\r\n\r\n\0\r\nQUIT\n", 12};

bool BeginsAs(std::string_view text, std::string_view start) {
  const size_t n = std::min(text.size(), start.size());
  return text.substr(0, n) == start.substr(0, n);
}

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

// "PROXY TCP4 203.0.113.9 198.51.100.2 56324 80".
ProxyOpening ReadVersion1(std::string_view client) {
  const size_t end = client.find("\r\n");
  if (end == std::string_view::npos) {
    return {client.size() < kMaxVersion1Bytes ? Verdict::kUnsure : Verdict::kNone};
  }
  const std::vector<std::string> words = absl::StrSplit(std::string(client.substr(0, end)), ' ');
  ProxyOpening opening{Verdict::kDone, end + 2};
  ProxyRecord& record = opening.record;
  record.kind = "proxy-1";
  if (words[1] == "UNKNOWN") return opening;
  const bool known = (words[1] == "TCP4" || words[1] == "TCP6") && words.size() == 6 &&
                     absl::SimpleAtoi(words[4], &record.source_port) &&
                     absl::SimpleAtoi(words[5], &record.destination_port);
  if (!known || end + 2 > kMaxVersion1Bytes) return {};
  record.source = words[2];
  record.destination = words[3];
  return opening;
}

ProxyOpening ReadVersion2(std::string_view client) {
  enum Family : uint32_t { kInet = 1, kInet6 = 2, kUnix = 3 };
  constexpr size_t kHeaderBytes = 16;
  constexpr size_t kPathBytes = 108;
  if (client.size() < kHeaderBytes) return {Verdict::kUnsure};
  ByteReader reader(AsBytes(client).subspan(kVersion2.size()));
  const uint32_t command = reader.Number(1);
  const uint32_t family = reader.Number(1) >> 4;
  const uint32_t length = reader.Number(2);
  if (command >> 4 != 2 || (command & 15) > 1 || kHeaderBytes + length > kMaxProxyOpeningBytes) {
    return {};
  }
  if (client.size() < kHeaderBytes + length) return {Verdict::kUnsure};
  ProxyOpening opening{Verdict::kDone, kHeaderBytes + length};
  ProxyRecord& record = opening.record;
  record.kind = "proxy-2";
  // A health check of the proxy itself has addresses that mean nothing.
  if ((command & 15) == 0) return opening;
  ByteReader addresses(reader.Bytes(length));
  const auto read_address = [&](size_t bytes) -> std::string {
    const ByteView address = addresses.Bytes(bytes);
    if (!addresses.ok()) return "";
    if (bytes == kPathBytes)
      return std::string(AsText(address).substr(0, AsText(address).find('\0')));
    return FormatIpAddress(bytes == 4 ? IpAddress::FromIpv4(address.data())
                                      : IpAddress::FromIpv6(address.data()));
  };
  const size_t bytes = family == kInet    ? 4
                       : family == kInet6 ? 16
                       : family == kUnix  ? kPathBytes
                                          : 0;
  if (bytes == 0) return opening;
  record.source = read_address(bytes);
  record.destination = read_address(bytes);
  if (family != kUnix) {
    record.source_port = addresses.Number(2);
    record.destination_port = addresses.Number(2);
  }
  if (!addresses.ok()) return {};
  return opening;
}

// One side of a dialogue: what it says, or that more is needed.
struct Speaker {
  explicit Speaker(std::string_view text) : all(text), reader(AsBytes(text)) {}
  size_t taken() const { return all.size() - reader.rest().size(); }
  std::string_view all;
  ByteReader reader;
};

// VN 4, CD, DSTPORT, DSTIP, USERID, NULL; 4a: an address 0.0.0.x, and the host's name behind it.
ProxyOpening ReadSocks4(std::string_view client, std::string_view server) {
  constexpr size_t kReplyBytes = 8;
  constexpr size_t kFixedBytes = 8;
  Speaker request(client);
  request.reader.Number(1);
  const uint32_t command = request.reader.Number(1);
  const uint32_t port = request.reader.Number(2);
  const ByteView address = request.reader.Bytes(4);
  if (client.size() >= 2 && command != 1 && command != 2) return {};
  if (!request.reader.ok()) return {Verdict::kUnsure};
  const size_t user_end = client.find('\0', kFixedBytes);
  if (user_end == std::string_view::npos) return {Verdict::kUnsure};
  ProxyOpening opening{Verdict::kDone, user_end + 1, kReplyBytes};
  opening.record.kind = "socks-4";
  opening.record.destination = FormatIpAddress(IpAddress::FromIpv4(address.data()));
  opening.record.destination_port = port;
  if (address[0] == 0 && address[1] == 0 && address[2] == 0 && address[3] != 0) {
    const size_t name_end = client.find('\0', user_end + 1);
    if (name_end == std::string_view::npos) return {Verdict::kUnsure};
    opening.record.destination = std::string(client.substr(user_end + 1, name_end - user_end - 1));
    opening.client_bytes = name_end + 1;
  }
  constexpr char kGranted = 0x5a;
  if (server.size() >= 2 && (server[0] != 0 || server[1] != kGranted)) return {};
  return server.size() < kReplyBytes ? ProxyOpening{Verdict::kUnsure} : opening;
}

// An address of SOCKS 5 with its port. False: it is of no known type.
bool ReadSocks5Address(ByteReader* reader, std::string* host, uint32_t* port) {
  enum Type : uint32_t { kIpv4 = 1, kName = 3, kIpv6 = 4 };
  const uint32_t type = reader->Number(1);
  if (!reader->ok()) return true;
  if (type == kName) {
    *host = Text(reader->Vector(1).rest());
  } else if (type == kIpv4 || type == kIpv6) {
    const ByteView address = reader->Bytes(type == kIpv4 ? 4 : 16);
    if (reader->ok()) {
      *host = FormatIpAddress(type == kIpv4 ? IpAddress::FromIpv4(address.data())
                                            : IpAddress::FromIpv6(address.data()));
    }
  } else {
    return false;
  }
  *port = reader->Number(2);
  return true;
}

ProxyOpening ReadSocks5(std::string_view client_text, std::string_view server_text) {
  constexpr uint32_t kVersion = 5;
  constexpr uint32_t kPasswords = 2;  // RFC 1929
  Speaker client(client_text);
  Speaker server(server_text);
  client.reader.Number(1);
  const ByteView methods = client.reader.Vector(1).rest();
  if (client.reader.ok() && methods.empty()) return {};
  const uint32_t version = server.reader.Number(1);
  const uint32_t method = server.reader.Number(1);
  if (!server_text.empty() && version != kVersion) return {};
  if (!client.reader.ok() || !server.reader.ok()) return {Verdict::kUnsure};
  const bool offered = std::find(methods.begin(), methods.end(), method) != methods.end();
  // Others, such as GSSAPI, may wrap what follows.
  if (!offered || (method != 0 && method != kPasswords)) return {};
  if (method == kPasswords) {
    const uint32_t authentication = client.reader.Number(1);
    client.reader.Vector(1);
    client.reader.Vector(1);
    server.reader.Number(1);
    const uint32_t status = server.reader.Number(1);
    if (client.reader.ok() && authentication != 1) return {};
    if (server.reader.ok() && status != 0) return {};
    if (!client.reader.ok() || !server.reader.ok()) return {Verdict::kUnsure};
  }
  ProxyOpening opening{Verdict::kDone};
  opening.record.kind = "socks-5";
  const uint32_t asked = client.reader.Number(1);
  const uint32_t command = client.reader.Number(1);
  client.reader.Number(1);
  if (client.reader.ok() && (asked != kVersion || command != 1)) return {};
  std::string bound;
  uint32_t bound_port = 0;
  if (!ReadSocks5Address(&client.reader, &opening.record.destination,
                         &opening.record.destination_port)) {
    return {};
  }
  const uint32_t answered = server.reader.Number(1);
  const uint32_t reply = server.reader.Number(1);
  server.reader.Number(1);
  if (server.reader.ok() && (answered != kVersion || reply != 0)) return {};
  if (!ReadSocks5Address(&server.reader, &bound, &bound_port)) return {};
  if (!client.reader.ok() || !server.reader.ok()) return {Verdict::kUnsure};
  opening.client_bytes = client.taken();
  opening.server_bytes = server.taken();
  return opening;
}

}  // namespace

bool MayBeginProxyOpening(ByteView client) {
  if (client.empty()) return false;
  switch (client[0]) {
    case 'P':
      return BeginsAs(AsText(client), kVersion1);
    case '\r':
      return BeginsAs(AsText(client), kVersion2);
    case 4:
      return client.size() < 2 || client[1] == 1 || client[1] == 2;
    case 5:
      // Its methods, and nothing more, before the answer.
      return client.size() < 2 || (client[1] > 0 && client.size() <= 2u + client[1]);
    default:
      return false;
  }
}

ProxyOpening ReadProxyOpening(std::string_view client, std::string_view server) {
  if (client.empty()) return {Verdict::kUnsure};
  ProxyOpening opening;
  switch (client[0]) {
    case 'P':
      if (BeginsAs(client, kVersion1)) {
        opening = client.size() < kVersion1.size() ? ProxyOpening{Verdict::kUnsure}
                                                   : ReadVersion1(client);
      }
      break;
    case '\r':
      if (BeginsAs(client, kVersion2)) opening = ReadVersion2(client);
      break;
    case 4:
      opening = ReadSocks4(client, server);
      break;
    case 5:
      opening = ReadSocks5(client, server);
      break;
    default:
      break;
  }
  const bool too_long = std::max(client.size(), server.size()) > kMaxProxyOpeningBytes;
  if (opening.verdict == Verdict::kUnsure && too_long) return {};
  return opening;
}

}  // namespace flowstitch
