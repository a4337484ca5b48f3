#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "capture/capture_sandbox.h"
#include "capture/capture_stage.h"
#include "deploy/launcher/run.h"
#include "reassembler/reassembler_sandbox.h"
#include "reassembler/reassembler_stage.h"
#include "sinks/sink_checks.h"
#include "sinks/sink_sandbox.h"
#include "sinks/sink_stage.h"
#include "sinks/worker_setup.h"

namespace flowstitch {
namespace {

// What all three stages may do together.
SandboxOptions SandboxOfAll(const LauncherOptions& options, const CaptureInputs& inputs) {
  SandboxOptions all = SinkSandbox(options.sink);
  for (const SandboxOptions& stage :
       {CaptureSandbox(options.capture, inputs), ReassemblerSandbox(options.reassembler)}) {
    all.files.Add(stage.files);
    all.writes_files = all.writes_files || stage.writes_files;
  }
  return all;
}

// Inputs are opened with the rights that were given, and read without them.
absl::Status GiveUpRights(LauncherOptions* options, CaptureInputs* inputs) {
  *inputs = CaptureInputs::Open(options->capture);
  absl::Status status = DropPrivileges(
      options->capture.privileges, NeedsDirectory(options->sink) ? options->sink.directory : "");
  if (status.ok()) status = PrepareSink(&options->sink);
  if (status.ok()) Confine(SandboxOfAll(*options, *inputs));
  return status;
}

void ConnectStages(LauncherOptions* options) {
  options->capture.reassembler = ">inproc://captures";
  options->reassembler.captures = "@inproc://captures";
  options->reassembler.sinks = "@inproc://sinks";
  options->sink.reassembler = ">inproc://sinks";
}

// The three stages as threads, and what stops them: the first signal stops the capture alone, so
// that what is in flight is written, and the others end by themselves. A second signal, or a stage
// that fails, stops all for good.
class Stages {
 public:
  Stages(const LauncherOptions& options, ProcessServices& services)
      : options_(options), services_(services) {}

  // Returns when all have ended: how the capture did.
  absl::Status Run(CaptureInputs inputs) {
    std::thread reassembler([this] {
      RunBehindCapture(
          [this] { return RunReassemblerStage(options_.reassembler, services_, stop_others_); });
    });
    std::thread sink([this] {
      RunBehindCapture([this] { return RunSinkStage(options_.sink, services_, stop_others_); });
    });
    std::thread watch([this] { PassStopsOn(); });
    const absl::Status captured = Guard([&] {
      return RunCaptureStage(options_.capture, services_, stop_capture_, std::move(inputs));
    });
    if (absl::IsResourceExhausted(captured)) failed_ = stop_others_ = 2;
    reassembler.join();
    sink.join();
    EndWatch();
    watch.join();
    return captured;
  }

  // Of the stages behind the capture, once Run has returned: the cause, from which follows what
  // others say.
  absl::Status first_failure() {
    const MutexLock lock(&mutex_);
    return first_;
  }

 private:
  template <typename Stage>
  void RunBehindCapture(Stage stage) {
    const absl::Status status = Guard(stage);
    if (status.ok()) return;
    {
      const MutexLock lock(&mutex_);
      first_.Update(status);
    }
    failed_ = 1;
    stop_others_ = 2;
  }

  // The capture looks at one flag: the signals' or the failure's. It may have ended long before
  // the others, which give up after a second signal.
  void PassStopsOn() {
    const MutexLock lock(&mutex_);
    while (!all_done_) {
      stop_capture_ = failed_ > 0 ? 2 : StopRequests().load();
      if (StopRequests() > 1) stop_others_ = StopRequests().load();
      done_.WaitFor(&mutex_, std::chrono::milliseconds(10));
    }
  }

  void EndWatch() {
    const MutexLock lock(&mutex_);
    all_done_ = true;
    done_.Tell();
  }

  const LauncherOptions& options_;
  ProcessServices& services_;
  std::atomic<int> stop_capture_{0};
  std::atomic<int> stop_others_{0};
  std::atomic<int> failed_{0};
  Mutex mutex_;
  Condition done_;
  bool all_done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

int RunInProcess(LauncherOptions options) {
  ConnectStages(&options);
  ReserveSinkDescriptors(options.sink);
  ProcessServices services;  // the keys are those of the taps
  CaptureInputs inputs;
  absl::Status opened = services.Open(options.security, options.metrics);
  if (opened.ok()) opened = GiveUpRights(&options, &inputs);
  if (opened.ok()) opened = services.Start(/*stages=*/3);
  if (!opened.ok()) return Report(opened);
  Stages stages(options, services);
  const absl::Status captured = stages.Run(std::move(inputs));
  const absl::Status first = stages.first_failure();
  // tcpflow does not tell.
  if (first.ok() && options.as_tcpflow && absl::IsCancelled(captured)) return kExitOk;
  return Report(first.ok() ? captured : first);
}

}  // namespace flowstitch
