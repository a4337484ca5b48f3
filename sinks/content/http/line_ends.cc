#include "sinks/content/http/line_ends.h"

#include "sinks/content/http/http_head.h"

namespace flowstitch {

size_t LineEnds::PastBlankLine(std::string_view piece) const {
  if (end_ == End::kLf && piece.substr(0, 2) == "\r\n") return 2;
  if (end_ != End::kNone && piece[0] == '\n') return 1;
  return HeadLength(piece);
}

void LineEnds::Note(std::string_view piece) {
  const char last = piece.back();
  const bool after_lf = piece.size() > 1 ? piece[piece.size() - 2] == '\n' : end_ == End::kLf;
  end_ = last == '\n' ? End::kLf : last == '\r' && after_lf ? End::kLfCr : End::kNone;
}

}  // namespace flowstitch
