// TLS with logged keys: connections of OpenSSL's in memory, cut, late keyed, with holes.
#include "sinks/content/tls/tls_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/support/temporary_directory.h"
#include "tests/support/tls_plain.h"
#include "tests/support/tls_talk.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using namespace flowstitch::testing;

const std::pair<int, const char*> kSuites[] = {
    {TLS1_3_VERSION, ""},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384"},
    {TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-CCM8"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-ARIA128-GCM-SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CAMELLIA128-SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA"},
    {TLS1_1_VERSION, "ECDHE-ECDSA-AES128-SHA"},
    {TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA"},
    {TLS1_VERSION, "ECDHE-ECDSA-NULL-SHA"},
};

TEST(TlsConnection, DecryptsHoweverItIsCutAndWhicheverSideComesFirst) {
  for (const auto& [version, cipher] : kSuites) {
    const TlsTalk talk(version, cipher);
    for (uint64_t seed = 1; seed <= 30; ++seed) {
      std::mt19937_64 random(seed);
      TlsKeys keys;
      keys.Add(talk.log());
      TlsFacts facts;
      TlsPlain plain;
      TlsConnection connection(&keys, &facts, &plain);
      // The two directions need not come in step: both are there in the end.
      std::string left[2];
      for (const TlsTalk::Flight& flight : talk.flights()) left[flight.end] += flight.bytes;
      while (!left[0].empty() || !left[1].empty()) {
        const auto end = Direction(left[0].empty() ? 1 : left[1].empty() ? 0 : random() % 2);
        const size_t n = std::min<size_t>(left[end].size(), 1 + random() % 300);
        connection.Bytes(end, AsBytes(left[end]).first(n), 0);
        left[end].erase(0, n);
      }
      connection.Close();
      for (const Direction end : kDirections) {
        EXPECT_EQ(plain.text[end], TlsTalk::All(end)) << cipher << " seed " << seed;
        EXPECT_EQ(connection.why_not(end), "") << cipher << " seed " << seed;
      }
    }
  }
}

TEST(TlsConnection, KeysMayComeAtAnyTime) {
  for (const auto& [version, cipher] : kSuites) {
    const TlsTalk talk(version, cipher);
    for (size_t when = 0; when <= talk.flights().size(); ++when) {
      TlsKeys keys;
      TlsFacts facts;
      TlsPlain plain;
      TlsConnection connection(&keys, &facts, &plain);
      for (size_t i = 0; i < talk.flights().size(); ++i) {
        if (i == when) keys.Add(talk.log());
        connection.Bytes(talk.flights()[i].end, AsBytes(talk.flights()[i].bytes), 0);
      }
      if (when == talk.flights().size()) keys.Add(talk.log());
      connection.Close();
      for (const Direction end : kDirections)
        EXPECT_EQ(plain.text[end], TlsTalk::All(end)) << cipher << when;
    }
  }
}

TEST(TlsConnection, WithoutKeysItSaysSoAndKeepsNothing) {
  for (const auto& [version, cipher] : kSuites) {
    const TlsTalk talk(version, cipher);
    const TlsTalk other(version, cipher);
    TlsKeys keys;
    keys.Add(other.log());
    TlsFacts facts;
    TlsPlain plain;
    TlsConnection connection(&keys, &facts, &plain);
    for (const auto& flight : talk.flights()) {
      connection.Bytes(flight.end, AsBytes(flight.bytes), 0);
    }
    connection.Close();
    for (const Direction end : kDirections) {
      EXPECT_EQ(plain.text[end], "");
      EXPECT_THAT(connection.why_not(end), HasSubstr("no keys of this connection"));
    }
    // Wrong ones are noticed.
    TlsKeys wrong;
    std::string log = other.log();
    const std::string theirs = log.substr(log.find(' ') + 1, 64);
    const std::string ours = talk.log().substr(talk.log().find(' ') + 1, 64);
    for (size_t at = 0; (at = log.find(theirs, at)) != std::string::npos;)
      log.replace(at, 64, ours);
    wrong.Add(log);
    TlsConnection deceived(&wrong, &facts, &plain);
    for (const auto& flight : talk.flights()) deceived.Bytes(flight.end, AsBytes(flight.bytes), 0);
    deceived.Close();
    for (const Direction end : kDirections) {
      EXPECT_EQ(plain.text[end], "");
      EXPECT_THAT(deceived.why_not(end), HasSubstr("does not decrypt"));
    }
  }
}

// A hole within a record costs that record; where a record begins, everything behind it.
TEST(TlsConnection, AHoleCostsItsRecord) {
  for (const auto& [version, cipher] : kSuites) {
    const TlsTalk talk(version, cipher);
    size_t first_text = talk.flights().size() - 4;  // two rounds of two
    if (version == TLS1_3_VERSION) {
      // A key update is a record of its own behind the text.
      first_text = talk.flights().size() - 4;
    }
    TlsKeys keys;
    keys.Add(talk.log());
    TlsFacts facts;
    TlsPlain plain;
    TlsConnection connection(&keys, &facts, &plain);
    for (size_t i = 0; i < talk.flights().size(); ++i) {
      const TlsTalk::Flight& flight = talk.flights()[i];
      if (i != first_text) {
        connection.Bytes(flight.end, AsBytes(flight.bytes), 0);
        continue;
      }
      const ByteView bytes = AsBytes(flight.bytes);
      connection.Bytes(flight.end, bytes.first(20), 0);
      connection.Gap(flight.end, 7);
      connection.Bytes(flight.end, bytes.subspan(27), 0);
    }
    connection.Close();
    const int end = talk.flights()[first_text].end;
    const std::string& got = plain.text[end];
    // CBC's padding is not known: then the hole is about as long.
    ASSERT_GE(got.size(), TlsTalk::Text(end, 1).size()) << cipher;
    EXPECT_EQ(got.substr(got.size() - TlsTalk::Text(end, 1).size()), TlsTalk::Text(end, 1))
        << cipher;
    EXPECT_EQ(got.find_first_not_of('?'), got.size() - TlsTalk::Text(end, 1).size()) << cipher;
    EXPECT_EQ(plain.text[1 - end], TlsTalk::All(1 - end)) << cipher;
  }
}

TEST(TlsKeys, ReadsAFileThatGrowsMovesAndComesLate) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/keys";
  TlsKeys keys;
  ASSERT_TRUE(keys.Open(path).ok());
  EXPECT_TRUE(keys.active());
  const auto line = [](char c) {
    return "CLIENT_RANDOM " + std::string(64, c) + " " + std::string(96, '1') + "\n";
  };
  const auto has = [&keys](uint8_t byte) {
    TlsRandom random;
    random.fill(byte);
    return keys.Find(random).has_value();
  };
  std::ofstream(path, std::ios::app) << "# comment\r\n" << line('a') << line('b').substr(0, 50);
  keys.Refresh();
  EXPECT_TRUE(has(0xaa));
  EXPECT_FALSE(has(0xbb));
  std::ofstream(path, std::ios::app) << line('b').substr(50) << std::string(5000, 'x') << "\n"
                                     << line('c');
  keys.Refresh();
  EXPECT_TRUE(has(0xbb));
  EXPECT_TRUE(has(0xcc));
  EXPECT_EQ(keys.bad_lines(), 1u);
  std::filesystem::rename(path, path + ".old");
  std::ofstream(path) << line('d');
  keys.Refresh();
  EXPECT_TRUE(has(0xdd));
  EXPECT_TRUE(has(0xaa));  // what was read stays
  std::ofstream(path, std::ios::trunc) << line('e').substr(0, 40);
  keys.Refresh();
  std::ofstream(path, std::ios::app) << line('e').substr(40);
  keys.Refresh();
  EXPECT_TRUE(has(0xee));
  EXPECT_FALSE(TlsKeys().Open(directory.path()).ok());
}

// What users give as a key log.
TEST(TlsKeys, WhatAFileIsIsSaid) {
  const std::string random(64, 'a');
  const std::string line = "CLIENT_RANDOM " + random + " " + std::string(96, '1');
  std::string utf16 = "\xff\xfe";
  for (const char c : line + "\r\n") utf16 += std::string(1, c) + std::string(1, '\0');
  struct Case {
    std::string text;
    bool has_key;
    std::string complaint;
  };
  const Case cases[] = {
      {line + "\n", true, ""},
      {line, true, ""},  // without the last line's end
      {"# comment\r\n\r\n" + line + "\r\n", true, ""},
      {line.substr(0, line.size() - 2), false, "has no line that is a key"},
      {utf16, true, "is UTF-16: 1 key of TLS connections is in it"},
      {"", false, "is empty"},
      {"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", false,
       "is a PEM file, no key log"},
      {std::string("\x7f"
                   "ELF\0\1\2",
                   7),
       false, "is a binary file"},
      {"hello\nworld\n", false, "has no line that is a key"},
      {"EXPORTER_SECRET 1234 5678\n", false, "has no key of a kind that is read"},
      {line + "\nhello\n", true, "has lines that are no keys, number 2 first: 1 key"},
  };
  TlsRandom wanted;
  wanted.fill(0xaa);
  for (const Case& c : cases) {
    TemporaryDirectory directory;
    const std::string path = directory.path() + "/keys";
    std::ofstream(path) << c.text;
    TlsKeys keys;
    ASSERT_TRUE(keys.Open(path).ok());
    EXPECT_EQ(keys.Find(wanted).has_value(), c.has_key) << c.complaint;
    if (c.complaint.empty()) {
      EXPECT_EQ(keys.Complaint(), "");
    } else {
      EXPECT_THAT(keys.Complaint(), ::testing::HasSubstr(c.complaint));
    }
  }
}

TEST(TlsKeys, OddLinesAreCountedAndHarmNothing) {
  TlsKeys keys;
  EXPECT_FALSE(keys.active());
  keys.Add("CLIENT_RANDOM zz 11\nCLIENT_RANDOM " + std::string(64, 'a') +
           "\nNOBODY_KNOWS 1 2\nECH_SECRET 1 2\n\n" + "CLIENT_RANDOM " + std::string(64, 'a') +
           " 123\nCLIENT_RANDOM " + std::string(64, 'a') + " " + std::string(130, '1') +
           "\nSERVER_TRAFFIC_SECRET_0 " + std::string(64, 'A') + " " + std::string(64, 'F'));
  EXPECT_EQ(keys.bad_lines(), 5u);
  EXPECT_EQ(keys.connections(), 1u);
  TlsRandom random;
  random.fill(0xaa);
  EXPECT_EQ(keys.Find(random)->server_traffic, std::string(32, '\xff'));
  EXPECT_EQ(keys.Find(random)->master, "");
}

}  // namespace
}  // namespace flowstitch
