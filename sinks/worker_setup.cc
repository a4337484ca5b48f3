#include "sinks/worker_setup.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/descriptors.h"
#include "base/memory/memory_plan.h"
#include "sinks/sink_checks.h"

namespace flowstitch {
namespace {

// Descriptors for everything that is not a flow file.
constexpr int kOtherDescriptors = 128;
constexpr int kMaxDescriptorsPerWorker = 4096;
// Bytes wait in a part of the window to be written together with others.
constexpr size_t kKeptShare = 4;

int DescriptorsPerWorker(const SinkOptions& options, int workers) {
  int most = RaiseDescriptorLimit() - kOtherDescriptors;
  if (options.max_descriptors > 0) most = std::min(most, options.max_descriptors);
  return std::clamp(most / workers, 1, kMaxDescriptorsPerWorker);
}

}  // namespace

int WorkersOf(const SinkOptions& options, const NameTemplate& names) {
  // Names that do not tell endpoints apart, too, need one order for all flows.
  if (options.writers.AnyWanted(&WriterKind::needs_one_worker) || !names.names_endpoints()) {
    return 1;
  }
  if (options.workers > 0) return options.workers;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 8);
}

SinkWorkerOptions SetUpWorker(const SinkOptions& options, const NameTemplate& names, int workers) {
  SinkWorkerOptions worker;
  worker.directory = options.directory;
  worker.names = names;
  std::error_code unreadable;  // then it counts as not empty
  worker.directory_was_empty = std::filesystem::is_empty(options.directory, unreadable);
  worker.files.write = options.files;
  worker.files.digests = options.digests;
  worker.files.max_bytes = options.max_bytes;
  worker.files.max_descriptors = static_cast<size_t>(DescriptorsPerWorker(options, workers));
  // While the others write, batches still come.
  worker.files.keep_bytes = options.window_bytes / kKeptShare / static_cast<size_t>(workers);
  const MemoryPlan memory = PlanMemory(
      options.memory_bytes == 0 ? DefaultMemory() : options.memory_bytes, /*with_sink=*/true);
  const auto share = [workers](size_t bytes) { return bytes / static_cast<size_t>(workers); };
  worker.writers = options.writers;
  WriterContext& context = worker.context;
  context.parser_bytes = share(memory.parser_bytes);
  context.decoder_bytes = share(memory.decoder_bytes);
  context.piece_bytes = share(memory.piece_bytes);
  context.directory = options.directory;
  context.flow_files = options.files;
  context.digests = options.digests;
  context.max_bytes = options.max_bytes;
  return worker;
}

void ReserveSinkDescriptors(const SinkOptions& options) {
  const auto names = TemplateOf(options);
  if (!names.ok() || !NeedsDirectory(options)) return;
  const int workers = WorkersOf(options, *names);
  ReserveDescriptors(workers * DescriptorsPerWorker(options, workers) + kOtherDescriptors);
}

}  // namespace flowstitch
