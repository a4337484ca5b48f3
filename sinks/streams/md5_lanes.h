// MD5 of streams whose bytes come in pieces: one by itself, or several side by side (md5_kernel.h).
#ifndef FLOWSTITCH_SINKS_STREAMS_MD5_LANES_H_
#define FLOWSTITCH_SINKS_STREAMS_MD5_LANES_H_

#include <array>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "base/bytes.h"

namespace flowstitch {

// One MD5 under way.
class Md5 {
 public:
  using Value = std::array<uint8_t, 16>;

  void Update(ByteView bytes);
  // Ends the computation.
  Value Finish();

 private:
  friend class Md5Lanes;

  uint32_t state_[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t length_ = 0;  // of all bytes so far
  size_t rest_ = 0;      // bytes that are not a whole block, in block_
  uint8_t block_[64];
};

// Where a lane's bytes come from.
class Md5Feed {
 public:
  virtual ~Md5Feed() = default;
  virtual Md5* md5() = 0;
  // The bytes behind those given so far; empty when there are no more now. They stay valid while
  // the lanes run.
  virtual ByteView Next() = 0;
  // The last `size` bytes given were not used: they are given again another time.
  virtual void PutBack(size_t size) = 0;
};

class Md5Lanes {
 public:
  // Takes all that `first` gives. As far as there is room beside it, `other` is asked for further
  // feeds (null: there are none), which are taken along and may be left with a rest; `done` says
  // which are finished with.
  using Other = absl::FunctionRef<Md5Feed*()>;
  using Done = absl::FunctionRef<void(Md5Feed* feed, bool all)>;
  static void Run(Md5Feed* first, Other other, Done done);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_MD5_LANES_H_
