#include "sinks/content/tls/tls_keys.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "sinks/content/tls/key_derivation.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

constexpr size_t kRandomDigits = 64;
// Of an encrypted premaster secret, in RSA's lines.
constexpr size_t kRsaNameBytes = 8;

std::string_view NextWord(std::string_view* line) {
  while (!line->empty() && (line->front() == ' ' || line->front() == '\t')) line->remove_prefix(1);
  const size_t end = std::min(line->find(' '), line->find('\t'));
  const std::string_view word = line->substr(0, end);
  line->remove_prefix(word.size());
  return word;
}

// Bytes of an even number of hexadecimal digits; empty for anything else.
std::string FromHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return "";
  for (const char c : digits) {
    if (!std::isxdigit(static_cast<unsigned char>(c))) return "";
  }
  return absl::HexStringToBytes(absl::string_view(digits.data(), digits.size()));
}

std::string* Place(std::string_view label, TlsSecrets* secrets) {
  if (label == "CLIENT_RANDOM") return &secrets->master;
  if (label == "PMS_CLIENT_RANDOM") return &secrets->pre_master;
  if (label == "CLIENT_EARLY_TRAFFIC_SECRET") return &secrets->client_early;
  if (label == "CLIENT_HANDSHAKE_TRAFFIC_SECRET") return &secrets->client_handshake;
  if (label == "SERVER_HANDSHAKE_TRAFFIC_SECRET") return &secrets->server_handshake;
  if (label == "CLIENT_TRAFFIC_SECRET_0") return &secrets->client_traffic;
  if (label == "SERVER_TRAFFIC_SECRET_0") return &secrets->server_traffic;
  return nullptr;
}

// A ticket is long, and a peer's choice.
std::string DigestOf(const std::string& name) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(name.data()), name.size(),
         reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

bool IsKnownOther(std::string_view label) {
  return label == "EXPORTER_SECRET" || label == "EARLY_EXPORTER_SECRET" ||
         label == "EARLY_EXPORTER_MASTER_SECRET" || label == "ECH_SECRET" || label == "ECH_CONFIG";
}

}  // namespace

TlsKeys::~TlsKeys() {
  if (fd_ >= 0) close(fd_);
}

absl::Status TlsKeys::Reopen() {
  struct stat info = {};
  if (stat(path_.c_str(), &info) != 0) return absl::OkStatus();  // it may come
  if (fd_ >= 0 && info.st_ino == inode_ && info.st_size >= offset_) return absl::OkStatus();
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return FileError("read", path_);
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  inode_ = info.st_ino;
  offset_ = 0;
  partial_.clear();
  utf16_ = false;
  lines_ = keys_ = others_ = first_bad_ = 0;
  return absl::OkStatus();
}

absl::Status TlsKeys::Open(const std::string& path) {
  {
    const MutexLock lock(&mutex_);
    path_ = path;
    active_.store(true, std::memory_order_release);
    struct stat info = {};
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      errno = EISDIR;
      return FileError("read", path);
    }
    if (const absl::Status status = Reopen(); !status.ok()) return status;
  }
  Refresh();
  return absl::OkStatus();
}

void TlsKeys::Refresh() {
  const MutexLock lock(&mutex_);
  if (path_.empty()) return;
  Reopen().IgnoreError();  // what was read stays
  if (fd_ < 0) return;
  std::string block(64 << 10, '\0');
  while (true) {
    const ssize_t n = read(fd_, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    std::string_view text(block.data(), static_cast<size_t>(n));
    if (offset_ == 0) NoteStart(text);
    offset_ += n;
    std::string narrow;
    if (utf16_) {  // all of a key log is ASCII
      std::copy_if(text.begin(), text.end(), std::back_inserter(narrow),
                   [](char c) { return c > 0; });
      text = narrow;
    }
    TakeText(text, &partial_);
  }
  // The last line may have no end, and may still grow: then it is taken again.
  if (!partial_.empty()) TakeKey(partial_);
}

// What a file is by its first bytes.
void TlsKeys::NoteStart(std::string_view block) {
  utf16_ = block.substr(0, 2) == "\xff\xfe" || block.substr(0, 2) == "\xfe\xff";
  other_ = block.substr(0, 10) == "-----BEGIN"                     ? "a PEM file"
           : !utf16_ && block.find('\0') != std::string_view::npos ? "a binary file"
                                                                   : "";
}

void TlsKeys::Add(std::string_view text) {
  const MutexLock lock(&mutex_);
  std::string partial;
  TakeText(text, &partial);
  if (!partial.empty()) TakeLine(partial);
}

void TlsKeys::TakeText(std::string_view text, std::string* partial) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    // A line that is too long to be one is forgotten, up to its end.
    if (partial->size() + piece.size() <= kMaxLineBytes) {
      partial->append(piece);
    } else {
      partial->assign(kMaxLineBytes + 1, '?');
    }
    if (end == std::string_view::npos) return;
    TakeLine(*partial);
    partial->clear();
    text.remove_prefix(end + 1);
  }
}

void TlsKeys::TakeLine(std::string_view line) {
  ++lines_;
  if (TakeKey(line)) return;
  if (first_bad_ == 0) first_bad_ = lines_;
  bad_lines_.fetch_add(1, std::memory_order_relaxed);
}

bool TlsKeys::TakeKey(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  if (line.empty() || line[0] == '#') return true;
  const std::string_view label = NextWord(&line);
  const std::string_view random = NextWord(&line);
  const std::string secret = FromHex(NextWord(&line));
  if (label == "RSA") return TakeRsa(random, secret);
  TlsSecrets none;
  if (Place(label, &none) == nullptr) {
    const bool known = IsKnownOther(label);
    others_ += known ? 1 : 0;
    return known;
  }
  const std::string key = random.size() == kRandomDigits ? FromHex(random) : "";
  // A master secret has 48 bytes (RFC 5246, 8.1), a traffic secret as many as its hash, and a
  // premaster secret what the key exchange makes.
  const bool whole = label == "CLIENT_RANDOM"       ? secret.size() == kMasterSecretBytes
                     : label == "PMS_CLIENT_RANDOM" ? !secret.empty()
                                                    : secret.size() == 32 || secret.size() == 48;
  if (key.empty() || !whole) return false;
  const auto [it, added] = secrets_.try_emplace(key);
  std::string* const place = Place(label, &it->second);
  if (*place == secret) return true;
  *place = secret;
  if (added) {
    order_.push_back(key);
    if (order_.size() > kMaxConnections) {
      secrets_.erase(order_.front());
      order_.pop_front();
    }
  }
  NoteKey();
  return true;
}

void TlsKeys::NoteKey() {
  ++keys_;
  active_.store(true, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
}

bool TlsKeys::TakeRsa(std::string_view begin, const std::string& secret) {
  const std::string key = begin.size() == 2 * kRsaNameBytes ? FromHex(begin) : "";
  if (key.empty() || secret.size() != kMasterSecretBytes) return false;
  if (!rsa_.insert_or_assign(key, secret).second) return true;
  rsa_order_.push_back(key);
  if (rsa_order_.size() > kMaxConnections) {
    rsa_.erase(rsa_order_.front());
    rsa_order_.pop_front();
  }
  NoteKey();
  return true;
}

absl::Status TlsKeys::AddPrivateKey(const std::string& path) {
  if (const absl::Status status = private_keys_.Add(path); !status.ok()) return status;
  active_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

std::string TlsKeys::FindPreMaster(ByteView encrypted, uint16_t client_version) const {
  if (encrypted.size() < kRsaNameBytes) return "";
  {
    const MutexLock lock(&mutex_);
    const auto found = rsa_.find(std::string(AsText(encrypted.first(kRsaNameBytes))));
    if (found != rsa_.end()) return found->second;
  }
  return private_keys_.Decrypt(encrypted, client_version);
}

void TlsKeys::RememberSession(const std::string& name, const std::string& master) {
  if (name.empty()) return;
  const std::string digest = DigestOf(name);
  const MutexLock lock(&mutex_);
  if (!sessions_.insert_or_assign(digest, master).second) return;
  session_order_.push_back(digest);
  if (session_order_.size() > kMaxConnections) {
    sessions_.erase(session_order_.front());
    session_order_.pop_front();
  }
  session_generation_.fetch_add(1, std::memory_order_release);
}

std::string TlsKeys::FindSession(const std::string& name) const {
  if (name.empty()) return "";
  const std::string digest = DigestOf(name);
  const MutexLock lock(&mutex_);
  const auto found = sessions_.find(digest);
  return found == sessions_.end() ? "" : found->second;
}

std::string TlsKeys::Complaint() const {
  const MutexLock lock(&mutex_);
  if (path_.empty() || fd_ < 0) return "";
  const std::string fits = absl::StrCat(keys_, keys_ == 1 ? " key of " : " keys of ",
                                        "TLS connections ", keys_ == 1 ? "is" : "are", " in it");
  if (offset_ == 0) return "is empty";
  if (*other_ != '\0') return absl::StrCat("is ", other_, ", no key log: ", fits);
  if (keys_ == 0 && others_ > 0) return "has no key of a kind that is read";
  if (keys_ == 0) return "has no line that is a key: it may be another file";
  if (first_bad_ != 0) {
    return absl::StrCat("has lines that are no keys, number ", first_bad_, " first: ", fits);
  }
  return utf16_ ? absl::StrCat("is UTF-16: ", fits) : "";
}

std::optional<TlsSecrets> TlsKeys::Find(const TlsRandom& client_random) const {
  const MutexLock lock(&mutex_);
  const std::string key(reinterpret_cast<const char*>(client_random.data()), client_random.size());
  const auto it = secrets_.find(key);
  if (it == secrets_.end()) return std::nullopt;
  return it->second;
}

size_t TlsKeys::connections() const {
  const MutexLock lock(&mutex_);
  return secrets_.size();
}

}  // namespace flowstitch
