#include "transport/key_guard.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/capture_time.h"
#include "base/mutex.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

constexpr char kZapEndpoint[] = "inproc://zeromq.zap.01";
constexpr size_t kMaxKeys = 100'000;
// version, request id, domain, address, identity, mechanism, and credentials where it has some
constexpr size_t kPartsWithoutKey = 6;
constexpr size_t kRequestParts = 7;

// A routing id that a peer chooses may not be one of those that ZeroMQ gives itself, which begin
// with a zero: libzmq 4.3.4 aborts when it comes to give one that is taken.
bool IsOwnRoutingId(const std::string& identity) { return !identity.empty() && identity[0] == 0; }

}  // namespace

absl::StatusOr<std::shared_ptr<const AllowedKeys>> KeyDirectory::ReadIfChanged() {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == kPublicKeyEnding) files.push_back(it->path());
    if (files.size() >= kMaxKeys) break;
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrFormat("cannot read the allowed keys in '%s': %s", path_, error.message()));
  }
  std::sort(files.begin(), files.end());
  std::string fingerprint;
  for (const fs::path& file : files) {
    struct stat info = {};
    stat(file.c_str(), &info);
    absl::StrAppend(&fingerprint, file.string(), " ", info.st_ino, " ", info.st_size, " ",
                    info.st_mtim.tv_sec, " ", info.st_mtim.tv_nsec, "\n");
  }
  if (fingerprint == fingerprint_) return nullptr;
  fingerprint_ = fingerprint;
  auto keys = std::make_shared<AllowedKeys>();
  for (const fs::path& file : files) {
    auto key = ReadPublicKey(file.string());
    if (!key.ok()) {
      spdlog::warn("{}; it is left out", std::string(key.status().message()));
      continue;
    }
    if (key->roles.empty()) {
      spdlog::warn("key '{}' has no roles and lets nobody in", file.string());
    }
    keys->by_public_key_[key->public_key] = *std::move(key);
  }
  return keys;
}

const LinkKey* AllowedKeys::Find(const std::string& public_key, std::string_view role,
                                 std::string* why) const {
  const auto it = by_public_key_.find(public_key);
  if (it == by_public_key_.end()) {
    *why = absl::StrFormat("its key %s is not among the allowed ones", public_key);
    return nullptr;
  }
  if (!it->second.MayActAs(role)) {
    *why = absl::StrFormat("the key of '%s' may not act as %s", it->second.name, std::string(role));
    return nullptr;
  }
  return &it->second;
}

bool AllowedKeys::MayBeCalled(const std::string& public_key, const std::string& name) const {
  const auto it = by_public_key_.find(public_key);
  return it != by_public_key_.end() && it->second.MayBeCalled(name);
}

absl::StatusOr<std::unique_ptr<KeyGuard>> KeyGuard::Open(zmq::context_t& context,
                                                         KeyDirectory directory,
                                                         std::shared_ptr<const AllowedKeys> keys) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(kZapEndpoint);
    std::unique_ptr<KeyGuard> guard(
        new KeyGuard(std::move(socket), std::move(directory), std::move(keys)));
    guard->refreshed_ns_ = SteadyNowNs();
    guard->thread_ = std::thread([g = guard.get()] { g->Run(); });
    return guard;
  } catch (const zmq::error_t& error) {
    return absl::UnavailableError(
        absl::StrFormat("cannot open the guard of the keys: %s", error.what()));
  }
}

KeyGuard::~KeyGuard() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void KeyGuard::Run() {
  while (!stop_) {
    try {
      RefreshWhenDue();
      zmq::pollitem_t item = {socket_.handle(), 0, ZMQ_POLLIN, 0};
      if (zmq::poll(&item, 1, std::chrono::milliseconds(100)) > 0) Answer();
    } catch (const zmq::error_t& error) {
      if (error.num() == ETERM) return;  // the context ends
    }
  }
}

// Reads without the lock: a slow disk holds up nobody who is let in already.
void KeyGuard::RefreshWhenDue() {
  const int64_t now_ns = SteadyNowNs();
  if (directory_.path().empty() || now_ns - refreshed_ns_ < kNsPerSecond) return;
  refreshed_ns_ = now_ns;
  auto read = directory_.ReadIfChanged();
  if (!read.ok()) {
    spdlog::error("{}; those known stay in force", std::string(read.status().message()));
  } else if (*read != nullptr) {
    const MutexLock lock(&mutex_);
    keys_ = *std::move(read);
  }
}

std::shared_ptr<const AllowedKeys> KeyGuard::keys() {
  const MutexLock lock(&mutex_);
  return keys_;
}

void KeyGuard::Answer() {
  std::vector<std::string> parts;
  zmq::message_t part;
  bool more = true;
  while (more && socket_.recv(part, zmq::recv_flags::dontwait)) {
    parts.push_back(part.to_string());
    more = part.more();
  }
  if (parts.size() < 2) return;
  std::string status = "500";
  std::string text = "internal error";
  std::string user;
  const bool odd = parts.size() >= kPartsWithoutKey && IsOwnRoutingId(parts[4]);
  if (odd) {
    status = "400";
    text = "a routing id that begins with a zero";
    LogRefusal(parts[3], text);
  } else if (parts.size() == kPartsWithoutKey && parts[5] == "NULL" && parts[2] == kOpenDomain) {
    status = "200";
    text = "OK";
  }
  const bool curve =
      !odd && parts.size() == kRequestParts && parts[5] == "CURVE" && parts[6].size() == 32;
  if (curve) {
    char public_key[41];
    zmq_z85_encode(public_key, reinterpret_cast<const uint8_t*>(parts[6].data()), 32);
    std::string why;
    if (keys()->Find(public_key, parts[2], &why) != nullptr) {
      status = "200";
      text = "OK";
      user = public_key;
    } else {
      // "Temporary": after a 400 a peer would not try again, once its key is among the allowed
      // ones.
      status = "300";
      text = "not allowed";
      LogRefusal(parts[3], why);
    }
  }
  ++(status == "200" ? accepted_ : refused_);
  const std::string answer[] = {parts[0], parts[1], status, text, user, ""};
  for (size_t i = 0; i < std::size(answer); ++i) {
    socket_.send(zmq::buffer(answer[i]),
                 i + 1 < std::size(answer) ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

void KeyGuard::LogRefusal(const std::string& address, const std::string& why) {
  absl::string_view peer = address;
  absl::ConsumePrefix(&peer, "::ffff:");  // IPv4 over an IPv6 socket
  refusals_.Warn(SteadyNowNs(), absl::StrCat("refused a connection from ", peer, ": ", why));
}

bool KeyGuard::StillAllowed(const std::string& public_key, std::string_view role) {
  std::string why;
  return keys()->Find(public_key, role, &why) != nullptr;
}

bool KeyGuard::MayBeCalled(const std::string& public_key, const std::string& name) {
  return keys()->MayBeCalled(public_key, name);
}

}  // namespace flowstitch
