// A key log, an empty line, then bytes as both directions of a TLS connection, with gaps.
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

#include "sinks/tls/tls_connection.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

class Plain : public TlsEvents {
 public:
  void OnPlain(int direction, uint64_t offset, ByteView bytes, TimeNs) override {
    Must(offset == next_[direction], "bytes follow each other");
    next_[direction] += bytes.size();
    total += bytes.size();
  }
  void OnPlainGap(int direction, uint64_t length) override { next_[direction] += length; }
  uint64_t total = 0;

 private:
  uint64_t next_[2] = {};
};

// A connection between OpenSSL's two ends, in memory: its key log and its bytes, in order.
class Talk {
 public:
  explicit Talk(int version, const char* cipher) {
    SSL_CTX* client = SSL_CTX_new(TLS_client_method());
    SSL_CTX* server = SSL_CTX_new(TLS_server_method());
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(server, certificate);
    SSL_CTX_use_PrivateKey(server, key);
    for (SSL_CTX* context : {client, server}) {
      SSL_CTX_set_min_proto_version(context, version);
      SSL_CTX_set_max_proto_version(context, version);
      if (version == TLS1_2_VERSION) SSL_CTX_set_cipher_list(context, cipher);
    }
    SSL_CTX_set_app_data(client, &log_);
    SSL_CTX_set_keylog_callback(client, [](const SSL* ssl, const char* line) {
      auto* log = static_cast<std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      *log += std::string(line) + "\n";
    });
    ends_[0] = SSL_new(client);
    ends_[1] = SSL_new(server);
    for (SSL* end : ends_) SSL_set_bio(end, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ends_[0]);
    SSL_set_accept_state(ends_[1]);
    for (int i = 0; i < 6; ++i) {
      for (int end : {0, 1}) {
        SSL_do_handshake(ends_[end]);
        Carry(end);
      }
    }
    for (int round = 0; round < 2; ++round) {
      for (int end : {0, 1}) {
        SSL_write(ends_[end], "some plain text", 15);
        if (version == TLS1_3_VERSION) SSL_key_update(ends_[end], SSL_KEY_UPDATE_REQUESTED);
        Carry(end);
      }
    }
    for (SSL* end : ends_) SSL_free(end);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string Input() const { return log_ + "\n" + pieces_; }

 private:
  void Carry(int end) {
    char buffer[1 << 14];
    int n = 0;
    while ((n = BIO_read(SSL_get_wbio(ends_[end]), buffer, sizeof(buffer))) > 0) {
      BIO_write(SSL_get_rbio(ends_[1 - end]), buffer, n);
      pieces_ += Pieces(end, std::string(buffer, static_cast<size_t>(n)));
    }
    SSL_read(ends_[1 - end], buffer, sizeof(buffer));
  }

  SSL* ends_[2] = {};
  std::string log_;
  std::string pieces_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t blank = input.find("\n\n");
  if (blank == std::string_view::npos) return 0;
  TlsKeys keys;
  keys.Add(input.substr(0, blank + 1));
  TlsFacts facts;
  Plain plain;
  uint64_t offsets[2] = {};
  {
    TlsConnection connection(&keys, &facts, &plain);
    ForEachPiece(
        AsBytes(input.substr(blank + 2)), offsets,
        [&](int side, uint64_t, ByteView bytes) { connection.Bytes(side, bytes, 0); },
        [&](int side, uint64_t length) { connection.Gap(side, length); });
    connection.Close();
    for (int side : {0, 1}) Must(connection.why_not(side).size() < 200, "a reason is short");
  }
  Must(plain.total <= offsets[0] + offsets[1], "nothing comes from nowhere");
  Must(!keys.waiting_is_full(), "nothing waits any more");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  return {Talk(TLS1_3_VERSION, "").Input(),
          Talk(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256").Input(),
          Talk(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305").Input(),
          Talk(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA").Input(),
          "CLIENT_RANDOM 00 11\n# nothing\nRSA x y\n\n" + Pieces(0, "\x16\x03\x01\0\1\1")};
}
