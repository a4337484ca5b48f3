// What every program does around its stage: signals, log, exit status.
#ifndef FLOWSTITCH_BASE_PROCESS_PROGRAM_H_
#define FLOWSTITCH_BASE_PROCESS_PROGRAM_H_

#include <atomic>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace flowstitch {

// Exit statuses, the same for all programs.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // something could not be read, written or reached
inline constexpr int kExitBadUsage = 2;  // the command line is wrong
// Beyond these, as a shell gives for a signal: 130, 143 or 129 where SIGINT, SIGTERM or SIGHUP came
// while input files were left unread; 141 where whoever read standard output went first.

// How often SIGINT, SIGTERM or SIGHUP have come: a stage ends in order after the first, and gives
// up what it waits for after the second. The counter lives as long as the process.
const std::atomic<int>& StopRequests();
// Which of them came first; 0: none.
int StopSignal();
// "SIGINT" …, for people.
const char* StopSignalName();
// Lets the three signals raise StopRequests(), and ignores SIGPIPE and SIGXFSZ (a file that grows
// beyond ulimit -f).
void CatchStopSignals();

// Tells malloc to keep what it has: batches of 256 KiB come and go, and giving each back to the
// kernel costs a page fault for every 4 KiB of the next one.
void KeepFreedMemory();

// Log lines go to standard error as "PROGRAM: LEVEL: TEXT". `verbose` adds what helps to find a
// fault. A process that ends for want of memory says so from here on.
void SetUpLog(const std::string& program, bool verbose);

// What `run` returns; where it finds no memory, or no thread, an error that says so. Whoever runs
// in a thread of its own is guarded by it.
absl::Status Guard(absl::FunctionRef<absl::Status()> run);

// Says what went wrong, as an error line, and gives the exit status for it. A cancelled status is
// that of a run that a signal cut short, an aborted one that of a reader that has gone (not an
// error to speak of).
int Report(const absl::Status& status);

// The machine's name, for default names of sources and sinks.
std::string HostName();

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_PROGRAM_H_
