// A TLS connection between OpenSSL's two ends, in memory: its key log and its bytes, in order.
#ifndef FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_
#define FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

namespace flowstitch::testing {

class TlsTalk {
 public:
  struct Flight {
    int end;  // 0: the client
    std::string bytes;
  };

  // Two rounds of text both ways, in TLS 1.3 with a key update behind each. `cipher`: of TLS 1.2.
  TlsTalk(int version, const char* cipher) {
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
        const std::string text = Text(end, round);
        SSL_write(ends_[end], text.data(), static_cast<int>(text.size()));
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
  void Carry(int end) {
    char buffer[1 << 14];
    std::string all;
    int n = 0;
    while ((n = BIO_read(SSL_get_wbio(ends_[end]), buffer, sizeof(buffer))) > 0) {
      BIO_write(SSL_get_rbio(ends_[1 - end]), buffer, n);
      all.append(buffer, static_cast<size_t>(n));
    }
    if (!all.empty()) flights_.push_back({end, all});
    SSL_read(ends_[1 - end], buffer, sizeof(buffer));
  }

  SSL* ends_[2] = {};
  std::string log_;
  std::vector<Flight> flights_;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_TLS_TALK_H_
