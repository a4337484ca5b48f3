// What a process opens before it gives up privileges: ZeroMQ, its keys, the server of its figures.
#ifndef FLOWSTITCH_TRANSPORT_PROCESS_SERVICES_H_
#define FLOWSTITCH_TRANSPORT_PROCESS_SERVICES_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/descriptors.h"
#include "base/memory/shared_memory.h"
#include "transport/link_security.h"
#include "transport/memory_descriptors.h"
#include "transport/metrics_server.h"

namespace flowstitch {

// In this order: what works in the context ends before it.
class ProcessServices {
 public:
  zmq::context_t context{1};
  std::unique_ptr<LinkSecurity> security;
  std::unique_ptr<MetricsServer> metrics;       // null: no figures are wanted
  std::shared_ptr<SharedMemory> shares_memory;  // null: batches carry their payload
  SharedMemories reads_memory;

  // Reads keys and listens, without a thread: what the process gives up afterwards, all its threads
  // give up. The keys may be readable for root only, and so may the port be. `metrics_address` may
  // be empty.
  absl::Status Open(const SecurityOptions& keys, const std::string& metrics_address,
                    const MemoryDescriptors& memory = {}) {
    if (const int limit = RaiseDescriptorLimit(); limit < kLeastDescriptors) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%d descriptors are too few: at least %d are needed (ulimit -n)", limit,
                          kLeastDescriptors));
    }
    auto opened = LinkSecurity::Open(keys);
    if (!opened.ok()) return opened.status();
    security = *std::move(opened);
    auto served = MetricsServer::Open(metrics_address);
    if (!served.ok()) return served.status();
    metrics = *std::move(served);
    return OpenMemory(memory);
  }
  // From here on there are threads. `stages` of this process will protect sockets.
  absl::Status Start(int stages = 1) {
    stages_ = stages;
    if (metrics != nullptr) metrics->Start();
    return security->Start(context);
  }
  // A stage has opened all its sockets: after the last one, our secret key is wiped.
  void NoteOpened() {
    if (--stages_ == 0) security->Forget();
  }

 private:
  absl::Status OpenMemory(const MemoryDescriptors& memory) {
    if (memory.share >= 0) {
      auto opened = SharedMemory::OpenToWrite(memory.share);
      if (!opened.ok()) return opened.status();
      shares_memory = *std::move(opened);
    }
    if (memory.read >= 0) {
      auto opened = SharedMemory::OpenToRead(memory.read);
      if (!opened.ok()) return opened.status();
      reads_memory.push_back(*std::move(opened));
    }
    return absl::OkStatus();
  }

  std::atomic<int> stages_{1};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_PROCESS_SERVICES_H_
