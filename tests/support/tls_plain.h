// What is decrypted of a TLS connection, by direction; '?' stands for what is not there.
#ifndef FLOWSTITCH_TESTS_SUPPORT_TLS_PLAIN_H_
#define FLOWSTITCH_TESTS_SUPPORT_TLS_PLAIN_H_

#include <gtest/gtest.h>

#include <string>

#include "sinks/content/tls/tls_connection.h"

namespace flowstitch::testing {

class TlsPlain : public TlsEvents {
 public:
  void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs /*time_ns*/) override {
    EXPECT_EQ(offset, text[direction].size());
    text[direction].append(AsText(bytes));
  }
  void OnPlainGap(Direction direction, uint64_t length) override {
    text[direction].append(static_cast<size_t>(length), '?');
  }
  std::string text[2];
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_TLS_PLAIN_H_
