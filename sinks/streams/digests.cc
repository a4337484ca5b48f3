#include "sinks/streams/digests.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"

namespace flowstitch {

namespace {

constexpr std::array<uint8_t, 16384> kZeros = {};

template <typename Update>
void ForZeros(uint64_t count, const Update& update) {
  while (count > 0) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(count, kZeros.size()));
    update(ByteView(kZeros.data(), n));
    count -= n;
  }
}

std::string Hex(const unsigned char* digest, size_t size) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace

Digests::Digests(const DigestChoice& choice) {
  const auto add = [this](bool wanted, const char* type, const EVP_MD* md) {
    if (!wanted) return;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, md, nullptr);
    others_.push_back({type, context});
  };
  if (choice.md5) md5_ = std::make_unique<Md5>();
  add(choice.sha1, "SHA1", EVP_sha1());
  add(choice.sha256, "SHA256", EVP_sha256());
}

Digests::~Digests() {
  for (const One& one : others_) EVP_MD_CTX_free(one.context);
}

void Digests::Update(ByteView bytes) {
  if (md5_ != nullptr) md5_->Update(bytes);
  UpdateOthers(bytes);
}

void Digests::UpdateOthers(ByteView bytes) {
  for (const One& one : others_) EVP_DigestUpdate(one.context, bytes.data(), bytes.size());
}

void Digests::UpdateZeros(uint64_t count) {
  ForZeros(count, [this](ByteView zeros) { Update(zeros); });
}

void Digests::UpdateOthersZeros(uint64_t count) {
  if (others_.empty()) return;
  ForZeros(count, [this](ByteView zeros) { UpdateOthers(zeros); });
}

std::vector<DigestValue> Digests::Finish() {
  std::vector<DigestValue> values;
  if (md5_ != nullptr) {
    const Md5::Value value = md5_->Finish();
    values.push_back({"MD5", Hex(value.data(), value.size())});
  }
  for (const One& one : others_) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(one.context, digest, &size);
    values.push_back({one.type, Hex(digest, size)});
  }
  return values;
}

}  // namespace flowstitch
