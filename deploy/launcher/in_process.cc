#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

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

}  // namespace

int RunInProcess(LauncherOptions options) {
  options.capture.reassembler = ">inproc://captures";
  options.reassembler.captures = "@inproc://captures";
  options.reassembler.sinks = "@inproc://sinks";
  options.sink.reassembler = ">inproc://sinks";
  ReserveSinkDescriptors(options.sink);
  ProcessServices services;  // the keys are those of the taps
  CaptureInputs inputs;
  absl::Status opened = services.Open(options.security, options.metrics);
  if (opened.ok()) opened = GiveUpRights(&options, &inputs);
  if (opened.ok()) opened = services.Start(/*stages=*/3);
  if (!opened.ok()) return Report(opened);
  // The first signal stops the capture alone: what is in flight is written, and the others end by
  // themselves. When a stage fails, the others are stopped for good.
  std::atomic<int> others{0};
  std::atomic<int> failed{0};
  absl::Status reassembled;
  absl::Status sunk;
  std::mutex first_mutex;
  absl::Status first;  // the cause; what the others then say follows from it
  const auto guard = [&](absl::Status* result, auto run) {
    *result = Guard(run);
    if (!result->ok()) {
      {
        const std::lock_guard<std::mutex> lock(first_mutex);
        if (first.ok()) first = *result;
      }
      failed = 1;
      others = 2;
    }
  };
  std::thread reassembler([&] {
    guard(&reassembled, [&] { return RunReassemblerStage(options.reassembler, services, others); });
  });
  std::thread sink(
      [&] { guard(&sunk, [&] { return RunSinkStage(options.sink, services, others); }); });
  // The capture looks at one flag: the signals' or the failure's. It may have ended long before the
  // others, which give up after a second signal.
  std::atomic<int> stop_capture{0};
  std::mutex done_mutex;
  std::condition_variable done;
  bool all_done = false;
  std::thread watch([&] {
    std::unique_lock<std::mutex> lock(done_mutex);
    while (!all_done) {
      stop_capture = failed > 0 ? 2 : StopRequests().load();
      if (StopRequests() > 1) others = StopRequests().load();
      done.wait_for(lock, std::chrono::milliseconds(10));
    }
  });
  const absl::Status captured = Guard(
      [&] { return RunCaptureStage(options.capture, services, stop_capture, std::move(inputs)); });
  if (absl::IsResourceExhausted(captured)) failed = others = 2;
  reassembler.join();
  sink.join();
  {
    const std::lock_guard<std::mutex> lock(done_mutex);
    all_done = true;
  }
  done.notify_one();
  watch.join();
  // tcpflow does not tell.
  if (first.ok() && options.as_tcpflow && absl::IsCancelled(captured)) return kExitOk;
  return Report(first.ok() ? captured : first);
}

}  // namespace flowstitch
