// How outputs are kept on the disk.
#ifndef FLOWSTITCH_BASE_DURABILITY_H_
#define FLOWSTITCH_BASE_DURABILITY_H_

namespace flowstitch {

// When the disk is asked whether it has what was written. A killed process loses the same by each
// of them, a machine that stops:
enum class Durability {
  kOff,      // what the kernel had not written, some 30 s: also of files that are complete
  kSegment,  // nothing of a file that has its final name, or is told to be complete
  kCommit,   // nothing that a killed process would not lose: batches are acknowledged after it
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DURABILITY_H_
