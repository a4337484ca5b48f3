#include "sinks/content/tls/handshake_messages.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "base/utf8_text.h"
#include "sinks/content/tls/byte_reader.h"
#include "sinks/content/tls/cipher_suites.h"

namespace flowstitch {
namespace {

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr uint16_t kEncryptThenMac = 22;
constexpr uint16_t kExtendedMasterSecret = 23;
constexpr uint16_t kSessionTicket = 35;
constexpr uint16_t kEarlyData = 42;
constexpr uint16_t kSupportedVersions = 43;

// RFC 8446, 4.1.3: the random of a ServerHello that asks for another ClientHello.
constexpr uint8_t kRetryRandom[] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

std::string Text(ByteView bytes) { return ToUtf8(AsText(bytes)); }

// GREASE (RFC 8701) stands for no version.
bool IsGrease(uint16_t value) { return (value & 0x0f0f) == 0x0a0a; }

void ReadClientExtensions(ByteReader extensions, ClientHello* hello, TlsFacts* facts) {
  while (!extensions.empty()) {
    const auto type = static_cast<uint16_t>(extensions.Number(2));
    ByteReader body = extensions.Vector(2);
    if (!extensions.ok()) return;
    if (type == kServerName) {
      ByteReader names = body.Vector(2);
      const bool is_host = names.Number(1) == 0;
      const ByteReader name = names.Vector(2);
      if (is_host && names.ok()) facts->server_name = Text(name.rest());
    } else if (type == kEarlyData) {
      hello->early_data = true;
    } else if (type == kSessionTicket) {
      hello->ticket = AsText(body.rest());
    } else if (type == kAlpn) {
      ByteReader protocols = body.Vector(2);
      facts->alpn_offered.clear();
      while (!protocols.empty() && facts->alpn_offered.size() < kMaxProtocols) {
        const ByteReader protocol = protocols.Vector(1);
        if (!protocols.ok()) break;
        facts->alpn_offered.push_back(Text(protocol.rest()));
      }
    } else if (type == kSupportedVersions) {
      ByteReader versions = body.Vector(1);
      while (!versions.empty()) {
        const auto version = static_cast<uint16_t>(versions.Number(2));
        if (!IsGrease(version)) facts->offered_version = std::max(facts->offered_version, version);
      }
    }
  }
}

std::string NameText(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? ToUtf8({bytes, static_cast<size_t>(size)}) : "";
}

std::string TimeText(const ASN1_TIME* time) {
  tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return "";
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02dZ", fields.tm_year + 1900, fields.tm_mon + 1,
                         fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec);
}

TlsCertificate ReadCertificate(ByteView der) {
  TlsCertificate certificate;
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), digest, &size, EVP_sha256(), nullptr) == 1) {
    certificate.sha256 = absl::BytesToHexString({reinterpret_cast<const char*>(digest), size});
  }
  const uint8_t* bytes = der.data();
  const std::unique_ptr<X509, decltype(&X509_free)> x509(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), X509_free);
  if (x509 == nullptr) return certificate;
  certificate.subject = NameText(X509_get_subject_name(x509.get()));
  certificate.issuer = NameText(X509_get_issuer_name(x509.get()));
  certificate.not_before = TimeText(X509_get0_notBefore(x509.get()));
  certificate.not_after = TimeText(X509_get0_notAfter(x509.get()));
  return certificate;
}

// RFC 7301: a list with one entry.
void ReadAlpn(ByteReader body, TlsFacts* facts) {
  ByteReader protocols = body.Vector(2);
  const ByteReader protocol = protocols.Vector(1);
  if (protocols.ok()) facts->alpn = Text(protocol.rest());
}

TlsRandom ReadRandom(ByteReader* message) {
  TlsRandom random = {};
  const ByteView bytes = message->Bytes(random.size());
  std::copy(bytes.begin(), bytes.end(), random.begin());
  return random;
}

}  // namespace

bool BeginsHello(ByteView bytes) {
  constexpr size_t kLookedAt = 11;
  constexpr uint32_t kLeastHelloBytes = 38;
  constexpr uint32_t kMostHelloBytes = 64 << 10;
  if (bytes.size() < kLookedAt || bytes[0] != 22) return false;
  ByteReader reader(bytes);
  reader.Number(1);
  const uint32_t record_version = reader.Number(2);
  const uint32_t record_bytes = reader.Number(2);
  const uint32_t type = reader.Number(1);
  const uint32_t hello_bytes = reader.Number(3);
  const uint32_t version = reader.Number(2);
  return record_version >> 8 == 3 && (record_version & 0xff) <= 4 && record_bytes > 4 &&
         record_bytes <= 1 << 14 && (type == kClientHello || type == kServerHello) &&
         hello_bytes >= kLeastHelloBytes && hello_bytes <= kMostHelloBytes && version >> 8 == 3 &&
         (version & 0xff) <= 3;
}

bool ReadClientHello(ByteView bytes, ClientHello* hello, TlsFacts* facts) {
  ByteReader message(bytes);
  hello->version = static_cast<uint16_t>(message.Number(2));
  facts->offered_version = hello->version;
  hello->random = ReadRandom(&message);
  hello->session_id = AsText(message.Vector(1).rest());
  message.Vector(2);  // ciphers
  message.Vector(1);  // compression
  if (!message.ok()) return false;
  facts->client_hello = true;
  if (!message.empty()) ReadClientExtensions(message.Vector(2), hello, facts);
  return true;
}

bool ReadServerHello(ByteView bytes, ServerHello* hello, TlsFacts* facts) {
  ByteReader message(bytes);
  hello->version = static_cast<uint16_t>(message.Number(2));
  hello->random = ReadRandom(&message);
  hello->retry = std::equal(hello->random.begin(), hello->random.end(), kRetryRandom);
  hello->session_id = AsText(message.Vector(1).rest());
  hello->cipher = static_cast<uint16_t>(message.Number(2));
  hello->compression = static_cast<uint8_t>(message.Number(1));
  if (!message.ok()) return false;
  facts->server_hello = true;
  facts->cipher = hello->cipher;
  facts->cipher_name = CipherSuiteName(facts->cipher);
  ByteReader extensions = message.empty() ? ByteReader({}) : message.Vector(2);
  while (!extensions.empty()) {
    const auto type = static_cast<uint16_t>(extensions.Number(2));
    ByteReader body = extensions.Vector(2);
    if (!extensions.ok()) break;
    if (type == kSupportedVersions) {
      const auto version = static_cast<uint16_t>(body.Number(2));
      if (body.ok()) hello->version = version;
    } else if (type == kAlpn) {
      ReadAlpn(body, facts);
    } else if (type == kEncryptThenMac) {
      hello->encrypt_then_mac = true;
    } else if (type == kExtendedMasterSecret) {
      hello->extended_master_secret = true;
    }
  }
  facts->version = hello->version;
  return true;
}

// A list of certificates; in TLS 1.3 with a context before it, and extensions behind each.
void ReadCertificates(ByteView bytes, bool tls13, TlsFacts* facts) {
  ByteReader message(bytes);
  if (tls13) message.Vector(1);
  ByteReader list = message.Vector(3);
  facts->certificates.clear();
  while (!list.empty() && facts->certificates.size() < kMaxCertificates) {
    const ByteReader one = list.Vector(3);
    if (tls13) list.Vector(2);
    if (!list.ok()) return;
    facts->certificates.push_back(ReadCertificate(one.rest()));
  }
}

bool ReadEncryptedExtensions(ByteView bytes, TlsFacts* facts) {
  ByteReader message(bytes);
  ByteReader extensions = message.Vector(2);
  bool early_data = false;
  while (!extensions.empty()) {
    const auto type = static_cast<uint16_t>(extensions.Number(2));
    const ByteReader body = extensions.Vector(2);
    if (!extensions.ok()) break;
    if (type == kAlpn) ReadAlpn(body, facts);
    if (type == kEarlyData) early_data = true;
  }
  return early_data;
}

std::string TlsVersionName(uint16_t version) {
  if (version == 0x0300) return "SSL 3.0";
  if (version >= 0x0301 && version <= kTls13Version)
    return absl::StrFormat("TLS 1.%d", version - 0x0301);
  return absl::StrFormat("0x%04x", version);
}

std::string TlsCipherText(const TlsFacts& facts) {
  return facts.cipher_name.empty() ? absl::StrFormat("0x%04x", facts.cipher) : facts.cipher_name;
}

}  // namespace flowstitch
