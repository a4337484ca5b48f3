// Where a TLS connection's master secret comes from when the log has no line of it, and the ciphers
// that OpenSSL's TLS has no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <fstream>

#include "absl/strings/escaping.h"
#include "sinks/content/tls/tls_connection.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_plain.h"
#include "tests/support/tls_talk.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using namespace flowstitch::testing;

// Gives the flights of a talk to a connection, to its end.
void FeedTalk(const TlsTalk& talk, TlsConnection* connection) {
  for (const TlsTalk::Flight& flight : talk.flights()) {
    connection->Bytes(flight.end, AsBytes(flight.bytes), 0);
  }
  connection->Close();
}

void ExpectDecrypted(const TlsTalk& talk, TlsKeys* keys, const std::string& what) {
  TlsFacts facts;
  TlsPlain plain;
  TlsConnection connection(keys, &facts, &plain);
  FeedTalk(talk, &connection);
  for (const Direction end : kDirections) {
    EXPECT_EQ(plain.text[end], TlsTalk::All(end)) << what << connection.why_not(end);
    EXPECT_EQ(connection.why_not(end), "") << what;
  }
}

// The first bytes of the client's second flight: its key exchange (RFC 5246, 7.4.7.1).
std::string EncryptedPreMaster(const TlsTalk& talk) {
  constexpr size_t kRecordHeader = 5;
  for (const TlsTalk::Flight& flight : talk.flights()) {
    if (flight.end != 0 || static_cast<uint8_t>(flight.bytes[kRecordHeader]) != 16) continue;
    const auto* const length =
        reinterpret_cast<const uint8_t*>(flight.bytes.data()) + kRecordHeader + 4;
    return flight.bytes.substr(kRecordHeader + 6, LoadBe16(length));
  }
  return "";
}

std::string Decrypt(EVP_PKEY* key, const std::string& encrypted) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  std::string plain(encrypted.size(), '\0');
  size_t size = plain.size();
  EVP_PKEY_decrypt_init(context);
  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
  EVP_PKEY_decrypt(context, reinterpret_cast<uint8_t*>(plain.data()), &size,
                   reinterpret_cast<const uint8_t*>(encrypted.data()), encrypted.size());
  EVP_PKEY_CTX_free(context);
  return plain.substr(0, size);
}

// LABEL and random of the log's line.
std::string RandomOf(const TlsTalk& talk) {
  const size_t at = talk.log().find("CLIENT_RANDOM ");
  return talk.log().substr(at + 14, 64);
}

// Writes a private key to `path`.
void WritePem(EVP_PKEY* key, const std::string& path) {
  FILE* const file = std::fopen(path.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

TEST(TlsSecrets, ThePremasterSecretIsEnough) {
  TemporaryDirectory directory;
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  EVP_PKEY* const other = EVP_RSA_gen(2048);
  const std::string path = directory.path() + "/key.pem";
  WritePem(key, path);
  const std::string other_path = directory.path() + "/other.pem";
  WritePem(other, other_path);
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    for (const char* cipher : {"AES128-SHA", "CAMELLIA256-SHA", "SEED-SHA", "NULL-SHA",
                               "AES256-GCM-SHA384", "AES128-CCM8"}) {
      const std::string name(cipher);
      const bool newer =
          name.find("SHA384") != std::string::npos || name.find("CCM") != std::string::npos;
      if (newer && version != TLS1_2_VERSION) continue;
      for (const uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_NO_EXTENDED_MASTER_SECRET},
                                     uint64_t{SSL_OP_NO_ENCRYPT_THEN_MAC}}) {
        LoadTlsCiphers();  // SEED, also for the ends
        const TlsTalk talk(version, cipher, options, key);
        const std::string encrypted = EncryptedPreMaster(talk);
        const std::string pre_master = Decrypt(key, encrypted);
        ASSERT_EQ(pre_master.size(), 48u) << cipher;
        const std::string what =
            name + " " + std::to_string(version) + " " + std::to_string(options) + " ";
        TlsKeys by_key;
        ASSERT_TRUE(by_key.AddPrivateKey(other_path).ok());
        ASSERT_TRUE(by_key.AddPrivateKey(path).ok());
        ExpectDecrypted(talk, &by_key, what + "private key ");
        TlsKeys by_random;
        by_random.Add("PMS_CLIENT_RANDOM " + RandomOf(talk) + " " +
                      absl::BytesToHexString(pre_master));
        ExpectDecrypted(talk, &by_random, what + "PMS_CLIENT_RANDOM ");
        TlsKeys by_rsa;
        by_rsa.Add("RSA " + absl::BytesToHexString(encrypted.substr(0, 8)) + " " +
                   absl::BytesToHexString(pre_master));
        ExpectDecrypted(talk, &by_rsa, what + "RSA ");
      }
    }
  }
  TlsKeys wrong;
  ASSERT_TRUE(wrong.AddPrivateKey(other_path).ok());
  const TlsTalk talk(TLS1_2_VERSION, "AES128-SHA", 0, key);
  TlsFacts facts;
  TlsPlain plain;
  TlsConnection connection(&wrong, &facts, &plain);
  FeedTalk(talk, &connection);
  EXPECT_EQ(plain.text[0] + plain.text[1], "");
  EXPECT_THAT(connection.why_not(kClientToServer), HasSubstr("no keys"));
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
}

// A session whose master secret was found is gone on with by its ticket, or its id.
TEST(TlsSecrets, AResumedSessionNeedsNoMore) {
  TemporaryDirectory directory;
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  const std::string path = directory.path() + "/key.pem";
  WritePem(key, path);
  for (const uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_NO_TICKET}}) {
    TlsKeys keys;
    ASSERT_TRUE(keys.AddPrivateKey(path).ok());
    TlsTalk talk(TLS1_2_VERSION, "AES128-SHA", options, key);
    ExpectDecrypted(talk, &keys, "first ");
    talk.Resume(TLS1_2_VERSION);
    ASSERT_TRUE(talk.resumed());
    ExpectDecrypted(talk, &keys, "resumed ");
    TlsKeys fresh;  // which has not seen the first
    ASSERT_TRUE(fresh.AddPrivateKey(path).ok());
    TlsFacts facts;
    TlsPlain plain;
    TlsConnection connection(&fresh, &facts, &plain);
    FeedTalk(talk, &connection);
    EXPECT_EQ(plain.text[0], "");
  }
  EVP_PKEY_free(key);
}

// What comes behind another handshake is decrypted as it comes, not only at the end.
TEST(TlsSecrets, RenegotiationIsFollowed) {
  TemporaryDirectory directory;
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  const std::string path = directory.path() + "/key.pem";
  WritePem(key, path);
  TlsKeys keys;
  ASSERT_TRUE(keys.AddPrivateKey(path).ok());
  TlsTalk talk(TLS1_2_VERSION, "AES128-SHA", SSL_OP_ALLOW_CLIENT_RENEGOTIATION, key);
  talk.Renegotiate(TLS1_2_VERSION);
  TlsFacts facts;
  TlsPlain plain;
  TlsConnection connection(&keys, &facts, &plain);
  for (const TlsTalk::Flight& flight : talk.flights()) {
    connection.Bytes(flight.end, AsBytes(flight.bytes), 0);
  }
  for (const Direction end : kDirections) {
    EXPECT_EQ(plain.text[end], TlsTalk::All(end) + TlsTalk::All(end));
  }
  EVP_PKEY_free(key);
}

TEST(TlsSecrets, WhatIsNoPrivateKeyIsNamed) {
  TemporaryDirectory directory;
  const auto add = [&](const std::string& text) {
    std::ofstream(directory.path() + "/k") << text;
    TlsKeys keys;
    return std::string(keys.AddPrivateKey(directory.path() + "/k").message());
  };
  const auto pem = [&](EVP_PKEY* key, const char* passphrase) {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, passphrase == nullptr ? nullptr : EVP_aes_128_cbc(), nullptr,
                             0, nullptr, const_cast<char*>(passphrase));
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    std::string text(bytes, static_cast<size_t>(size));
    BIO_free(out);
    EVP_PKEY_free(key);
    return text;
  };
  EXPECT_THAT(add("hello"), HasSubstr("no private key in PEM form"));
  EXPECT_THAT(add(pem(EVP_EC_gen("P-256"), nullptr)), HasSubstr("of the kind EC"));
  EXPECT_THAT(add(pem(EVP_RSA_gen(2048), "secret")), HasSubstr("passphrase"));
  EXPECT_THAT(std::string(TlsKeys().AddPrivateKey("/nowhere").message()), HasSubstr("/nowhere"));
}

// RFC 5246, 5: P_hash.
std::string ExpandHash(const EVP_MD* hash, const std::string& secret, const std::string& seed,
                       size_t bytes) {
  const auto hmac = [&](const std::string& text) {
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(hash, secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const uint8_t*>(text.data()), text.size(), out, &size);
    return std::string(reinterpret_cast<char*>(out), size);
  };
  std::string out;
  for (std::string a = hmac(seed); out.size() < bytes; a = hmac(a)) out += hmac(a + seed);
  return out.substr(0, bytes);
}

// One direction of a connection, protected as RFC 2246, 4346 and 5246 say.
struct Sender {
  int version;
  const EVP_CIPHER* cipher;
  const EVP_MD* mac;
  size_t block;  // 0: a stream
  std::string mac_key, key, iv;
  uint64_t sequence = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();

  Sender(int the_version, const char* name, const EVP_MD* the_mac, size_t block_bytes,
         const std::string& master, const std::string& seed)
      : version(the_version),
        cipher(EVP_CIPHER_fetch(nullptr, name, nullptr)),
        mac(the_mac),
        block(block_bytes) {
    const auto mac_bytes = static_cast<size_t>(EVP_MD_get_size(mac));
    const auto key_bytes = static_cast<size_t>(EVP_CIPHER_get_key_length(cipher));
    const std::string all = "key expansion" + seed;
    std::string keys;
    if (version == 0x0303) {
      keys = ExpandHash(EVP_sha256(), master, all, 200);
    } else {  // RFC 2246, 5
      keys = ExpandHash(EVP_md5(), master.substr(0, 24), all, 200);
      const std::string sha = ExpandHash(EVP_sha1(), master.substr(24), all, 200);
      for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<char>(keys[i] ^ sha[i]);
    }
    mac_key = keys.substr(0, mac_bytes);
    key = keys.substr(2 * mac_bytes, key_bytes);
    iv = keys.substr(2 * (mac_bytes + key_bytes), block);
    EVP_EncryptInit_ex(context, cipher, nullptr, reinterpret_cast<const uint8_t*>(key.data()),
                       nullptr);
    EVP_CIPHER_CTX_set_padding(context, 0);
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() {
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(const_cast<EVP_CIPHER*>(cipher));
  }

  std::string Send(const std::string& content) {
    std::string head;
    for (int i = 7; i >= 0; --i) head += static_cast<char>(sequence >> (8 * i));
    ++sequence;
    for (const size_t n : {size_t{23}, size_t{3}, static_cast<size_t>(version & 0xff),
                           content.size() >> 8, content.size() & 0xff}) {
      head += static_cast<char>(n);
    }
    const std::string text = head + content;
    uint8_t tag[EVP_MAX_MD_SIZE];
    unsigned tag_bytes = 0;
    HMAC(mac, mac_key.data(), static_cast<int>(mac_key.size()),
         reinterpret_cast<const uint8_t*>(text.data()), text.size(), tag, &tag_bytes);
    std::string plain = content + std::string(reinterpret_cast<char*>(tag), tag_bytes);
    std::string prefix;
    if (block > 0) {
      const size_t padding = block - 1 - plain.size() % block;
      plain += std::string(padding + 1, static_cast<char>(padding));
      if (version > 0x0301) {
        iv = std::string(block, static_cast<char>('i' + sequence));
        prefix = iv;
      }
      EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr,
                         reinterpret_cast<const uint8_t*>(iv.data()));
    }
    std::string out(plain.size(), '\0');
    int n = 0;
    EVP_EncryptUpdate(context, reinterpret_cast<uint8_t*>(out.data()), &n,
                      reinterpret_cast<const uint8_t*>(plain.data()),
                      static_cast<int>(plain.size()));
    if (block > 0) iv = out.substr(out.size() - block);
    return prefix + out;
  }
};

TEST(TlsSecrets, CiphersThatOpenSslHasNoTlsFor) {
  LoadTlsCiphers();
  struct Case {
    uint16_t suite;
    const char* cipher;
    const EVP_MD* mac;
    size_t block;
  };
  const Case cases[] = {
      {0x0004, "RC4", EVP_md5(), 0},           {0x0005, "RC4", EVP_sha1(), 0},
      {0xc011, "RC4", EVP_sha1(), 0},          {0x000a, "DES-EDE3-CBC", EVP_sha1(), 8},
      {0xc012, "DES-EDE3-CBC", EVP_sha1(), 8}, {0x0009, "DES-CBC", EVP_sha1(), 8},
      {0x0096, "SEED-CBC", EVP_sha1(), 16},    {0x0041, "CAMELLIA-128-CBC", EVP_sha1(), 16},
      {0x002f, "AES-128-CBC", EVP_sha1(), 16},
  };
  const std::string master = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL";
  ClientHello client;
  client.random.fill('c');
  for (const uint16_t version : std::to_array<uint16_t>({0x0301, 0x0302, 0x0303})) {
    for (const Case& c : cases) {
      ServerHello server;
      server.random.fill('s');
      server.version = version;
      const CipherSuite suite = FindCipherSuite(c.suite);
      ASSERT_NE(suite.mode, CipherSuite::Mode::kNone) << c.suite;
      EXPECT_NE(CipherSuiteName(c.suite), "");
      Sender sender(version, c.cipher, c.mac, c.block, master,
                    std::string(32, 's') + std::string(32, 'c'));
      const auto receiver = RecordCipher::FromMasterSecret(suite, master, client, server, true);
      ASSERT_NE(receiver, nullptr) << c.cipher;
      for (size_t i = 0; i < 60; ++i) {
        const std::string content(i * 7, static_cast<char>('a' + i % 26));
        const std::string record = sender.Send(content);
        std::string plain;
        if (i % 10 == 5) {  // it is lost
          receiver->SkipRecord(record.size());
          continue;
        }
        if (!receiver->knows_next()) {
          EXPECT_TRUE(version == 0x0301 && c.block > 0 && i % 10 == 6);
          receiver->PassOver(AsBytes(record));
          continue;
        }
        EXPECT_TRUE(receiver->Decrypt(23, version, AsBytes(record), &plain))
            << c.cipher << " " << i;
        EXPECT_EQ(plain, content) << c.cipher;
        EXPECT_LE(record.size() - content.size(), receiver->overhead() + c.block);
      }
    }
  }
  EXPECT_EQ(FindCipherSuite(0x0007).mode, CipherSuite::Mode::kNone);
  EXPECT_EQ(CipherSuiteName(0x0007), "TLS_RSA_WITH_IDEA_CBC_SHA");
}

}  // namespace
}  // namespace flowstitch
