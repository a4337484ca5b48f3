#include "sinks/writers/content/content_layer.h"

#include <utility>

namespace flowstitch {

ContentLayer::ContentLayer(ContentContext* context, SinkFlow* flow, std::string suffix, int depth)
    : context_(context),
      flow_(flow),
      suffix_(std::move(suffix)),
      depth_(depth),
      tls_(context, flow, suffix_, depth) {
  if (!context->options.http) return;
  http_.emplace(context, flow, suffix_, /*from_start=*/depth > 0 || flow->from_start(), &tls_);
}

ContentLayer::~ContentLayer() { context_->parsers.Update(&counted_bytes_, 0); }

void ContentLayer::Bytes(const StreamPiece& piece) {
  if (given_up_) return;
  const bool first = positions_[0] == 0 && positions_[1] == 0;
  positions_[piece.direction] = piece.offset + piece.bytes.size();
  if (first && depth_ == 0 && OpeningHold::MayBegin(*flow_, piece)) {
    opening_ = std::make_unique<OpeningHold>();
  }
  if (opening_ == nullptr) {
    Feed(piece);
  } else {
    opening_->Take(piece, [this](const StreamPiece& p) { Feed(p); });
    if (!opening_->holds()) opening_ = nullptr;
  }
  if (tls_.begun() || !http_ || !http_->passed_on()) CountMemory();
}

void ContentLayer::Feed(const StreamPiece& piece) {
  if (http_) {
    http_->Bytes(piece);
  } else {
    tls_.Bytes(piece.direction, piece.bytes, piece.time_ns);
  }
}

void ContentLayer::EndOpening() {
  if (const auto opening = std::move(opening_)) {
    opening->Release([this](const StreamPiece& p) { Feed(p); });
  }
}

size_t ContentLayer::memory_bytes() const {
  size_t bytes = sizeof(*this) + tls_.memory_bytes();
  if (http_) bytes += http_->memory_bytes();
  if (opening_ != nullptr) bytes += opening_->memory_bytes();
  return bytes;
}

void ContentLayer::CountMemory() {
  if (!context_->parsers.Update(&counted_bytes_, memory_bytes())) GiveUp();
}

// The flow goes on, and nothing more is looked for in it.
void ContentLayer::GiveUp() {
  ++context_->ledger->parsers_given_up;
  for (const Direction direction : kDirections) {
    context_->records.Unread(*flow_, direction,
                             {suffix_, positions_[direction], std::nullopt,
                              "the memory for parsers is used up (--memory)"});
  }
  Finish({false, false});
  given_up_ = true;
  http_.reset();
  tls_.Abandon();
  context_->parsers.Update(&counted_bytes_, 0);
}

void ContentLayer::Gap(Direction direction, uint64_t length) {
  if (given_up_) return;
  EndOpening();
  positions_[direction] += length;
  if (http_) {
    http_->Gap(direction, length);
  } else {
    tls_.Gap(direction, length);
  }
}

void ContentLayer::Close(const bool (&orderly)[2]) {
  if (given_up_) return;
  EndOpening();
  Finish(orderly);
}

void ContentLayer::Finish(const bool (&orderly)[2]) {
  if (http_) http_->EndMessages(orderly);
  tls_.Close(orderly);
  if (http_) http_->CommitHeads();
}

}  // namespace flowstitch
