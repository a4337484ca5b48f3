// The descriptors of a process: how many it may have, and room for them.
#ifndef FLOWSTITCH_BASE_DESCRIPTORS_H_
#define FLOWSTITCH_BASE_DESCRIPTORS_H_

namespace flowstitch {

// With fewer, libraries end the process.
inline constexpr int kLeastDescriptors = 24;

// Raises the limit as far as it goes, and tells it; at most 1,048,576.
int RaiseDescriptorLimit();

// Makes room for `count` descriptors at once, or for as many as the limit allows. Without it the
// kernel makes room in steps, and once a process has threads it waits in each step for all
// processors to pass a quiet point (some 10 ms), in which no thread can open a file. To be called
// before there are threads.
void ReserveDescriptors(int count);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DESCRIPTORS_H_
