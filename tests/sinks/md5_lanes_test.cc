#include "sinks/streams/md5_lanes.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"

namespace flowstitch {
namespace {

std::string Hex(const Md5::Value& value) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
}

std::string OpenSsl(const std::string& bytes) {
  Md5::Value value;
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), value.data(), &size, EVP_md5(), nullptr);
  return Hex(value);
}

std::string Random(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// A stream whose bytes become known little by little, and are given in pieces.
class Stream : public Md5Feed {
 public:
  Stream(std::string bytes, size_t most, uint64_t seed)
      : bytes_(std::move(bytes)), most_(most), random_(seed) {}
  // As many more bytes are there.
  void Grow() { known_ = std::min(bytes_.size(), known_ + random_() % 5000); }
  void GrowWhole() { known_ = bytes_.size(); }

  Md5* md5() override { return &md5_; }
  ByteView Next() override {
    const size_t n = std::min<size_t>(known_ - given_, 1 + random_() % most_);
    const ByteView piece = AsBytes(bytes_).subspan(given_, n);
    given_ += n;
    return piece;
  }
  void PutBack(size_t size) override { given_ -= size; }

  bool taken() const { return given_ == known_; }
  bool whole() const { return given_ == bytes_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  size_t most_;
  std::mt19937_64 random_;
  size_t known_ = 0;
  size_t given_ = 0;
  Md5 md5_;
};

TEST(Md5, TheSuiteOfRfc1321) {
  const std::pair<const char*, const char*> suite[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
       "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
  };
  for (const auto& [text, digest] : suite) {
    Md5 md5;
    md5.Update(AsBytes(std::string_view(text)));
    EXPECT_EQ(Hex(md5.Finish()), digest);
  }
}

TEST(Md5, NoCutOfTheBytesMatters) {
  std::mt19937_64 random(1);
  for (size_t size = 0; size < 300; ++size) {
    const std::string bytes = Random(random, size);
    Md5 md5;
    for (size_t at = 0; at < size;) {
      const size_t n = std::min<size_t>(size - at, random() % 100);
      md5.Update(AsBytes(bytes).subspan(at, n));
      at += n;
    }
    EXPECT_EQ(Hex(md5.Finish()), OpenSsl(bytes)) << size;
  }
}

TEST(Md5Lanes, StreamsSideBySideHaveTheDigestsTheyHaveAlone) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::unique_ptr<Stream>> streams;
    const size_t count = 1 + random() % 40;
    const size_t most = 1 + random() % 3000;
    for (size_t i = 0; i < count; ++i) {
      streams.push_back(std::make_unique<Stream>(Random(random, random() % 20000), most, seed + i));
    }
    // As a sink does: one must be taken now, others are there to be taken along.
    for (size_t ended = 0; ended < count;) {
      for (const auto& stream : streams) stream->Grow();
      Stream* first = streams[random() % count].get();
      if (random() % 4 == 0) {
        first = streams[ended++].get();
        first->GrowWhole();
      }
      size_t next = 0;
      size_t finished = 0;
      size_t asked = 0;
      const size_t others = random() % (count + 1);
      Md5Lanes::Run(
          first,
          [&]() -> Md5Feed* {
            while (next < others && streams[next].get() == first) ++next;
            if (next >= others) return nullptr;
            ++asked;
            return streams[next++].get();
          },
          [&](Md5Feed* feed, bool all) {
            ++finished;
            EXPECT_TRUE(!all || static_cast<Stream*>(feed)->taken());
          });
      EXPECT_TRUE(first->taken());
      EXPECT_EQ(finished, asked);
    }
    for (const auto& stream : streams) {
      stream->GrowWhole();
      Md5Lanes::Run(
          stream.get(), [] { return nullptr; }, [](Md5Feed*, bool) {});
      ASSERT_TRUE(stream->whole());
      ASSERT_EQ(Hex(stream->md5()->Finish()), OpenSsl(stream->bytes())) << seed;
    }
  }
}

}  // namespace
}  // namespace flowstitch
