#include "sinks/writers/content/tls_layer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sinks/writers/content/content_layer.h"

namespace flowstitch {

TlsLayer::TlsLayer(ContentContext* context, SinkFlow* flow, std::string suffix, int depth)
    : context_(context), flow_(flow), suffix_(std::move(suffix)), depth_(depth) {}

TlsLayer::~TlsLayer() = default;

bool TlsLayer::Begins(Direction direction, ByteView bytes) {
  const bool first = !std::exchange(saw_bytes_[direction], true);
  // Without keys the bytes are not looked at.
  if (!context_->options.keys->active()) return false;
  return first ? TlsConnection::MayBegin(bytes) : BeginsHello(bytes);
}

void TlsLayer::Bytes(Direction direction, ByteView bytes, TimeNs time_ns) {
  if (context_->options.keys == nullptr || depth_ >= kMaxLayers || bytes.empty()) return;
  if (connection_ == nullptr) {
    if (!Begins(direction, bytes)) return;
    TlsEvents* const events = this;
    connection_ = std::make_unique<TlsConnection>(context_->options.keys, &facts_, events);
  }
  in_tls_[direction] = in_tls_[direction] || TlsConnection::MayBegin(bytes);
  if (in_tls_[direction]) connection_->Bytes(direction, bytes, time_ns);
}

void TlsLayer::Gap(Direction direction, uint64_t length) {
  saw_bytes_[direction] = true;
  if (in_tls_[direction]) connection_->Gap(direction, length);
}

std::string TlsLayer::PathOf(Direction direction) const {
  return absl::StrCat(flow_->streams[direction].path, suffix_, "-TLS");
}

// Of a direction with decrypted bytes: its file, and the layer that reads them.
TlsLayer::Plain& TlsLayer::PlainOf(Direction direction) {
  Plain& plain = plain_[direction];
  if (inner_ == nullptr) {
    inner_ = std::make_unique<ContentLayer>(context_, flow_, suffix_ + "-TLS", depth_ + 1);
  }
  if (plain.file == nullptr && context_->options.plain_files) {
    plain.file = std::make_unique<PieceFile>(&context_->memory);
    plain.file->Begin(PathOf(direction), ContentContext::kKeepBytes, /*keep=*/true);
    const DigestChoice& choice = context_->options.body.digests;
    if (choice.any()) plain.digests = std::make_unique<Digests>(choice);
  }
  return plain;
}

// How much of `bytes` more there may be in the file.
uint64_t TlsLayer::RoomFor(const Plain& plain, uint64_t bytes) const {
  const int64_t most = context_->options.max_bytes;
  if (most < 0) return bytes;
  return std::min(bytes, static_cast<uint64_t>(most) -
                             std::min(plain.file->size(), static_cast<uint64_t>(most)));
}

void TlsLayer::OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) {
  if (context_->failed()) return;
  Plain& plain = PlainOf(direction);
  if (plain.bytes == 0) plain.first_ns = time_ns;
  plain.bytes += bytes.size();
  context_->ledger->tls_plain_bytes += bytes.size();
  if (plain.file != nullptr) {
    const ByteView fits = bytes.first(static_cast<size_t>(RoomFor(plain, bytes.size())));
    if (plain.digests != nullptr) plain.digests->Update(fits);
    context_->Note(plain.file->Append(fits));
  }
  inner_->Bytes({direction, offset, bytes, time_ns, std::nullopt});
}

void TlsLayer::OnPlainGap(Direction direction, uint64_t length) {
  if (context_->failed()) return;
  Plain& plain = PlainOf(direction);
  ++plain.gaps;
  if (plain.file != nullptr) {
    const uint64_t hole = RoomFor(plain, length);
    plain.file->Skip(hole);
    if (plain.digests != nullptr) plain.digests->UpdateZeros(hole);
  }
  inner_->Gap(direction, length);
}

PlainRecord TlsLayer::EndPlain(Direction direction) {
  Plain& plain = plain_[direction];
  PlainRecord record;
  record.of = suffix_;
  record.note = connection_->why_not(direction);
  record.complete = record.note.empty() && plain.gaps == 0;
  record.gaps = plain.gaps;
  record.bytes = plain.bytes;
  record.time_ns = plain.first_ns;
  if (plain.file == nullptr || context_->failed()) return record;
  record.path = PathOf(direction);
  record.bytes = plain.file->size();
  if (plain.digests != nullptr) record.digests = plain.digests->Finish();
  context_->Note(plain.file->Commit(record.path, plain.first_ns));
  return record;
}

void TlsLayer::Close(const bool (&orderly)[2]) {
  if (connection_ == nullptr) return;
  connection_->Close();
  // The flow's facts are those of its outermost TLS.
  if (depth_ == 0) context_->records.Tls(*flow_, facts_);
  // What was not decrypted up to its end has none.
  const auto ended = [&](Direction d) {
    return orderly[d] && connection_->why_not(d).empty() && plain_[d].gaps == 0;
  };
  if (inner_ != nullptr) inner_->Close({ended(kClientToServer), ended(kServerToClient)});
  for (const Direction direction : kDirections) {
    PlainRecord record = EndPlain(direction);
    if (plain_[direction].bytes == 0 && record.note.empty()) continue;
    context_->records.Plain(*flow_, direction, std::move(record));
  }
}

void TlsLayer::Abandon() {
  connection_ = nullptr;
  inner_ = nullptr;
}

}  // namespace flowstitch
