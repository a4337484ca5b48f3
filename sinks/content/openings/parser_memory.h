// What a worker's parsers of content hold together, and how much they may: a share of --memory. A
// parser that would pass it is given up, with its reason in the report, so that whoever opens flows
// does not choose how much memory a sink takes. A worker's own, so that the same flows are given up
// however the threads run.
#ifndef FLOWSTITCH_SINKS_CONTENT_OPENINGS_PARSER_MEMORY_H_
#define FLOWSTITCH_SINKS_CONTENT_OPENINGS_PARSER_MEMORY_H_

#include <cstddef>

namespace flowstitch {

class ParserMemory {
 public:
  explicit ParserMemory(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // A parser that was counted as `*counted` holds `now` bytes. False when it has grown and all
  // together hold too much.
  bool Update(size_t* counted, size_t now) {
    const bool grows = now > *counted;
    used_ += now - *counted;
    *counted = now;
    return !grows || used_ <= limit_bytes_;
  }
  size_t used() const { return used_; }

 private:
  const size_t limit_bytes_;
  size_t used_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_OPENINGS_PARSER_MEMORY_H_
