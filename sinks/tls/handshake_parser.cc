#include "sinks/tls/handshake_parser.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "base/utf8_text.h"
#include "sinks/tls/byte_reader.h"

namespace flowstitch {
namespace {

constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
constexpr size_t kMaxRecordBytes = (1 << 14) + 2048;
constexpr uint8_t kHandshakeRecord = 22;

constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 2;
constexpr uint8_t kCertificate = 11;
constexpr uint8_t kServerHelloDone = 14;

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr uint16_t kSupportedVersions = 43;

constexpr uint16_t kTls13 = 0x0304;

std::string Text(ByteView bytes) { return ToUtf8(AsText(bytes)); }

// GREASE (RFC 8701) stands for no version.
bool IsGrease(uint16_t value) { return (value & 0x0f0f) == 0x0a0a; }

void ReadClientExtensions(ByteReader extensions, TlsFacts* facts) {
  while (!extensions.empty()) {
    const auto type = static_cast<uint16_t>(extensions.Number(2));
    ByteReader body = extensions.Vector(2);
    if (!extensions.ok()) return;
    if (type == kServerName) {
      ByteReader names = body.Vector(2);
      const bool is_host = names.Number(1) == 0;
      const ByteReader name = names.Vector(2);
      if (is_host && names.ok()) facts->server_name = Text(name.rest());
    } else if (type == kAlpn) {
      ByteReader protocols = body.Vector(2);
      while (!protocols.empty() && facts->alpn_offered.size() < HandshakeParser::kMaxProtocols) {
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

void ReadClientHello(ByteReader message, TlsFacts* facts) {
  facts->offered_version = static_cast<uint16_t>(message.Number(2));
  message.Bytes(32);
  message.Vector(1);  // session id
  message.Vector(2);  // ciphers
  message.Vector(1);  // compression
  if (!message.ok()) return;
  facts->client_hello = true;
  if (!message.empty()) ReadClientExtensions(message.Vector(2), facts);
}

std::string CipherName(uint16_t cipher) {
  // OpenSSL has the names, but gives them through a connection only.
  static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                         SSL_CTX_free);
  static SSL* const ssl = SSL_new(context.get());
  const uint8_t number[2] = {static_cast<uint8_t>(cipher >> 8), static_cast<uint8_t>(cipher)};
  const SSL_CIPHER* found = SSL_CIPHER_find(ssl, number);
  const char* name = found == nullptr ? nullptr : SSL_CIPHER_standard_name(found);
  return name == nullptr ? "" : name;
}

void ReadServerHello(ByteReader message, TlsFacts* facts) {
  facts->version = static_cast<uint16_t>(message.Number(2));
  message.Bytes(32);
  message.Vector(1);  // session id
  facts->cipher = static_cast<uint16_t>(message.Number(2));
  message.Bytes(1);  // compression
  if (!message.ok()) return;
  facts->server_hello = true;
  facts->cipher_name = CipherName(facts->cipher);
  if (message.empty()) return;
  ByteReader extensions = message.Vector(2);
  while (!extensions.empty()) {
    const auto type = static_cast<uint16_t>(extensions.Number(2));
    ByteReader body = extensions.Vector(2);
    if (!extensions.ok()) return;
    if (type == kSupportedVersions) {
      const auto version = static_cast<uint16_t>(body.Number(2));
      if (body.ok()) facts->version = version;
    } else if (type == kAlpn) {
      ByteReader protocols = body.Vector(2);
      const ByteReader protocol = protocols.Vector(1);
      if (protocols.ok()) facts->alpn = Text(protocol.rest());
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

void ReadCertificates(ByteReader message, TlsFacts* facts) {
  ByteReader list = message.Vector(3);
  facts->certificates.clear();
  while (!list.empty() && facts->certificates.size() < HandshakeParser::kMaxCertificates) {
    const ByteReader one = list.Vector(3);
    if (!list.ok()) return;
    facts->certificates.push_back(ReadCertificate(one.rest()));
  }
}

}  // namespace

std::string TlsVersionName(uint16_t version) {
  if (version == 0x0300) return "SSL 3.0";
  if (version >= 0x0301 && version <= kTls13) return absl::StrFormat("TLS 1.%d", version - 0x0301);
  return absl::StrFormat("0x%04x", version);
}

std::string TlsCipherText(const TlsFacts& facts) {
  return facts.cipher_name.empty() ? absl::StrFormat("0x%04x", facts.cipher) : facts.cipher_name;
}

void HandshakeParser::Feed(ByteView bytes, TlsFacts* facts) {
  if (done_) return;
  const size_t use = std::min(bytes.size(), kMaxBytes - std::min(seen_, kMaxBytes));
  seen_ += use;
  records_.append(AsText(bytes.first(use)));
  while (!done_ && TakeRecord()) {
    while (!done_ && TakeMessage(facts)) {
    }
  }
  if (use < bytes.size()) done_ = true;
  if (done_) Stop();
}

bool HandshakeParser::TakeRecord() {
  if (records_.empty()) return false;
  ByteReader reader(AsBytes(records_));
  // The type alone tells that it is something else, and most streams are.
  if (reader.Number(1) != kHandshakeRecord) {
    done_ = true;
    return false;
  }
  if (records_.size() < kRecordHeaderBytes) return false;
  const uint32_t version = reader.Number(2);
  const uint32_t length = reader.Number(2);
  if (version >> 8 != 3 || length > kMaxRecordBytes || length == 0) {
    done_ = true;
    return false;
  }
  if (records_.size() < kRecordHeaderBytes + length) return false;
  messages_.append(records_, kRecordHeaderBytes, length);
  records_.erase(0, kRecordHeaderBytes + length);
  return true;
}

bool HandshakeParser::TakeMessage(TlsFacts* facts) {
  if (messages_.size() < kMessageHeaderBytes) return false;
  ByteReader reader(AsBytes(messages_));
  const auto type = static_cast<uint8_t>(reader.Number(1));
  const uint32_t length = reader.Number(3);
  if (length > kMaxBytes) {
    done_ = true;
    return false;
  }
  if (messages_.size() < kMessageHeaderBytes + length) return false;
  const ByteReader body(reader.Bytes(length));
  if (type == kClientHello) {
    ReadClientHello(body, facts);
    // A second one answers a retry; more of the client's is not looked at.
  } else if (type == kServerHello) {
    ReadServerHello(body, facts);
    done_ = facts->version >= kTls13;  // what follows is encrypted
  } else if (type == kCertificate) {
    ReadCertificates(body, facts);
  } else if (type == kServerHelloDone) {
    done_ = true;
  }
  messages_.erase(0, kMessageHeaderBytes + length);
  return !done_;
}

}  // namespace flowstitch
