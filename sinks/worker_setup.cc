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
  // Names that do not tell endpoints apart, and the console, need one order for all flows.
  if (options.console || !names.names_endpoints()) return 1;
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
  worker.http_form.parser_bytes = share(memory.parser_bytes);
  worker.http_form.decoder_bytes = std::min(DecoderMemory::kMaxBytes, share(memory.decoder_bytes));
  worker.http_form.piece_bytes = std::min(PieceMemory::kMaxBytes, share(memory.piece_bytes));
  worker.http = options.http;
  worker.http_form.heads = options.http_heads;
  worker.http_form.body.decode = options.decode;
  worker.http_form.body.limits = options.decode_limits;
  worker.http_form.body.names = options.body_names;
  worker.http_form.plain_files = options.files;
  worker.find_index = options.find_index;
  worker.flow_captures = options.flow_captures;
  worker.conversation = options.conversation;
  worker.netviz = options.netviz.on;
  worker.netviz_addresses = options.netviz.addresses;
  worker.console = options.console;
  worker.console_form = options.console_form;
  worker.console_form.max_bytes = options.max_bytes;
  worker.elements = {options.report_form, options.files && options.max_bytes != 0};
  return worker;
}

void ReserveSinkDescriptors(const SinkOptions& options) {
  const auto names = TemplateOf(options);
  if (!names.ok() || !NeedsDirectory(options)) return;
  const int workers = WorkersOf(options, *names);
  ReserveDescriptors(workers * DescriptorsPerWorker(options, workers) + kOtherDescriptors);
}

}  // namespace flowstitch
