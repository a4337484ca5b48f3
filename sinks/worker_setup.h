// How a sink's work is shared out: how many workers, and what each of them may hold.
#ifndef FLOWSTITCH_SINKS_WORKER_SETUP_H_
#define FLOWSTITCH_SINKS_WORKER_SETUP_H_

#include "sinks/sink_options.h"
#include "sinks/sink_worker.h"

namespace flowstitch {

// Threads that share the flows, by the options and the machine.
int WorkersOf(const SinkOptions& options, const NameTemplate& names);

// What all of `workers` have in common, with each one's part of the memory and the descriptors. The
// outputs that they share are for the caller to fill in.
SinkWorkerOptions SetUpWorker(const SinkOptions& options, const NameTemplate& names, int workers);

// Room for the descriptors of the stage, as base/descriptors.h says: before the process has
// threads. Not needed, but files are opened without a wait then.
void ReserveSinkDescriptors(const SinkOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WORKER_SETUP_H_
