// A TLS connection between OpenSSL's two ends, in memory: its key log and its bytes, in order.
#ifndef FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_
#define FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "base/direction.h"

namespace flowstitch::testing {

class TlsTalk {
 public:
  struct Flight {
    Direction end;  // by which it was sent
    std::string bytes;
  };

  // Two rounds of text both ways, in TLS 1.3 with a key update behind each. `cipher`: of TLS 1.3
  // where it begins with "TLS_", else of the versions before; empty: what the ends choose.
  // `options`: OpenSSL's (SSL_OP_…), of both ends. With a server's RSA `key` the key exchange can
  // be RSA's.
  TlsTalk(int version, const char* cipher, uint64_t options = 0, EVP_PKEY* rsa_key = nullptr) {
    Open(version, cipher, options, rsa_key);
    Connect(nullptr);
    TalkOn(version);
  }
  // The same ends once more, with the session that they have.
  void Resume(int version) {
    SSL_SESSION* const session = SSL_get1_session(ends_[0]);
    for (SSL* end : ends_) {
      SSL_shutdown(end);
      SSL_free(end);
    }
    log_.clear();
    flights_.clear();
    Connect(session);
    SSL_SESSION_free(session);
    TalkOn(version);
  }
  // Another handshake inside of the protection (RFC 5746), and the talk once more; the client asks
  // for it, which needs SSL_OP_ALLOW_CLIENT_RENEGOTIATION.
  void Renegotiate(int version) {
    SSL_renegotiate(ends_[0]);
    Shake();
    TalkOn(version);
  }
  bool resumed() const { return SSL_session_reused(ends_[0]) == 1; }

  ~TlsTalk() {
    for (SSL* end : ends_) SSL_free(end);
    for (SSL_CTX* context : contexts_) SSL_CTX_free(context);
  }

  TlsTalk(const TlsTalk&) = delete;
  TlsTalk& operator=(const TlsTalk&) = delete;

  const std::string& log() const { return log_; }
  const std::vector<Flight>& flights() const { return flights_; }
  // What an end said.
  static std::string Text(int end, int round) {
    return std::string(100 + 50 * static_cast<size_t>(end), static_cast<char>('a' + round)) +
           (end == 0 ? " asks" : " answers");
  }
  static std::string All(int end) { return Text(end, 0) + Text(end, 1); }

 private:
  void Open(int version, const char* cipher, uint64_t options, EVP_PKEY* rsa_key) {
    SSL_CTX* client = contexts_[0] = SSL_CTX_new(TLS_client_method());
    SSL_CTX* server = contexts_[1] = SSL_CTX_new(TLS_server_method());
    EVP_PKEY* key = rsa_key != nullptr ? rsa_key : EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    for (SSL_CTX* context : {client, server}) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_options(context, options);
      SSL_CTX_set_min_proto_version(context, version);
      SSL_CTX_set_max_proto_version(context, version);
      const std::string name(cipher);
      if (name.rfind("TLS_", 0) == 0) {
        SSL_CTX_set_ciphersuites(context, cipher);
      } else if (!name.empty()) {
        SSL_CTX_set_cipher_list(context, (name + ":@SECLEVEL=0").c_str());
      }
    }
    SSL_CTX_use_certificate(server, certificate);
    SSL_CTX_use_PrivateKey(server, key);
    SSL_CTX_set_session_id_context(server, reinterpret_cast<const uint8_t*>("t"), 1);
    X509_free(certificate);
    if (rsa_key == nullptr) EVP_PKEY_free(key);
    SSL_CTX_set_app_data(client, &log_);
    SSL_CTX_set_keylog_callback(client, [](const SSL* ssl, const char* line) {
      auto* log = static_cast<std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      *log += std::string(line) + "\n";
    });
  }

  void Connect(SSL_SESSION* session) {
    for (const Direction end : kDirections) ends_[end] = SSL_new(contexts_[end]);
    for (SSL* end : ends_) SSL_set_bio(end, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (session != nullptr) SSL_set_session(ends_[0], session);
    SSL_set_connect_state(ends_[0]);
    SSL_set_accept_state(ends_[1]);
    Shake();
  }

  void Shake() {
    for (int i = 0; i < 6; ++i) {
      for (const Direction end : kDirections) {
        SSL_do_handshake(ends_[end]);
        Carry(end);
      }
    }
  }

  void TalkOn(int version) {
    for (int round = 0; round < 2; ++round) {
      for (const Direction end : kDirections) {
        const std::string text = Text(end, round);
        SSL_write(ends_[end], text.data(), static_cast<int>(text.size()));
        if (version == TLS1_3_VERSION) SSL_key_update(ends_[end], SSL_KEY_UPDATE_REQUESTED);
        Carry(end);
      }
    }
  }

  void Carry(int end) {
    char buffer[1 << 14];
    std::string all;
    int n = 0;
    while ((n = BIO_read(SSL_get_wbio(ends_[end]), buffer, sizeof(buffer))) > 0) {
      BIO_write(SSL_get_rbio(ends_[1 - end]), buffer, n);
      all.append(buffer, static_cast<size_t>(n));
    }
    if (!all.empty()) flights_.push_back({Direction(end), all});
    SSL_read(ends_[1 - end], buffer, sizeof(buffer));
  }

  SSL_CTX* contexts_[2] = {};
  SSL* ends_[2] = {};
  std::string log_;
  std::vector<Flight> flights_;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_
