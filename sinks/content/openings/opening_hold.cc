#include "sinks/content/openings/opening_hold.h"

#include <algorithm>

namespace flowstitch {

void OpeningHold::GiveFrom(const size_t (&skip)[2], Give give) {
  holds_ = false;
  for (Held& held : held_) {
    const Direction direction = held.piece.direction;
    const size_t end = held.begin + held.piece.bytes.size();
    const size_t begin = std::max(held.begin, skip[direction]);
    if (begin >= end) continue;
    StreamPiece piece = held.piece;
    piece.offset = begin;
    piece.bytes = AsBytes(texts_[direction]).subspan(begin, end - begin);
    give(piece);
  }
  std::vector<Held>().swap(held_);
  for (std::string& text : texts_) std::string().swap(text);
}

void OpeningHold::Release(Give give) {
  if (holds_) GiveFrom({0, 0}, give);
}

void OpeningHold::Take(const StreamPiece& piece, Give give) {
  if (!holds_) {
    give(piece);
    return;
  }
  std::string& text = texts_[piece.direction];
  held_.push_back({piece, text.size()});
  text.append(AsText(piece.bytes));
  const ProxyOpening opening = ReadProxyOpening(texts_[kClientToServer], texts_[kServerToClient]);
  switch (opening.verdict) {
    case ProxyOpening::Verdict::kUnsure:
      if (held_.size() == kMaxPieces) Release(give);
      return;
    case ProxyOpening::Verdict::kNone:
      Release(give);
      return;
    case ProxyOpening::Verdict::kDone:
      record_ = opening.record;
      GiveFrom({opening.client_bytes, opening.server_bytes}, give);
      return;
  }
}

}  // namespace flowstitch
