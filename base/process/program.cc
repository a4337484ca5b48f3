#include "base/process/program.h"

#include <malloc.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

std::atomic<int> stop_requests{0};
std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch such");

void OnStopSignal(int signal) {
  int none = 0;
  stop_signal.compare_exchange_strong(none, signal, std::memory_order_relaxed);
  stop_requests.fetch_add(1, std::memory_order_relaxed);
}

// What a shell says of a process that a signal has ended.
constexpr int kExitBySignal = 128;

}  // namespace

const std::atomic<int>& StopRequests() { return stop_requests; }

int StopSignal() { return stop_signal; }

const char* StopSignalName() {
  switch (stop_signal) {
    case SIGINT:
      return "SIGINT";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "SIGTERM";
  }
}

void CatchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;  // without SA_RESTART: blocking calls return and look
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  // Both are errors of the call that writes, which knows what it wrote to.
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaction(signal, &ignore, nullptr);
}

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
}

namespace {

// Where nobody else was to be told: before the stages run, in a library's thread, in a destructor.
[[noreturn]] void OnTerminate() {
  if (std::current_exception() == nullptr) std::abort();
  const int status = Report(Guard([]() -> absl::Status { throw; }));
  _exit(status);
}

}  // namespace

void SetUpLog(const std::string& program, bool verbose) {
  auto logger =
      std::make_shared<spdlog::logger>(program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%n: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  std::set_terminate(OnTerminate);
}

absl::Status Guard(absl::FunctionRef<absl::Status()> run) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        "no memory is left: lower --memory, or raise what the process may have (ulimit -v, its "
        "control group)");
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot go on: ", error.what()));
  }
}

int Report(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  if (absl::IsAborted(status)) return kExitBySignal + SIGPIPE;
  const std::string_view text(status.message().data(), status.message().size());
  if (absl::IsCancelled(status) && StopSignal() != 0) {
    spdlog::warn("{}", text);
    return kExitBySignal + StopSignal();
  }
  spdlog::error("{}", text);
  return kExitFailed;
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

}  // namespace flowstitch
