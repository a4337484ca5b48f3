// TLS. It stands where HTTP does not: from a layer's first byte on, inside a tunnel, or behind a
// dialogue that asked for it (STARTTLS): there it begins with a segment.
#include <algorithm>
#include <utility>

#include "sinks/writers/http/http_layer.h"

namespace flowstitch {

void HttpLayer::OnOther(Direction direction, ByteView bytes, uint64_t /*offset*/) {
  const TlsKeys* keys = context_->options.keys;
  if (keys == nullptr || depth_ >= kMaxLayers || bytes.empty()) return;
  const bool first = !std::exchange(saw_other_[direction], true);
  // Without keys the bytes are not looked at.
  if (tls_ == nullptr && !keys->active()) return;
  if (tls_ == nullptr) {
    const bool begins = first ? TlsConnection::MayBegin(bytes) : BeginsHello(bytes);
    if (!begins) return;
    BeginTls();
  }
  in_tls_[direction] = in_tls_[direction] || TlsConnection::MayBegin(bytes);
  if (in_tls_[direction]) tls_->Bytes(direction, bytes, now_ns_);
}

void HttpLayer::OnOtherGap(Direction direction, uint64_t length) {
  saw_other_[direction] = true;
  if (in_tls_[direction]) tls_->Gap(direction, length);
}

void HttpLayer::BeginTls() {
  TlsEvents* const events = this;
  tls_ = std::make_unique<TlsConnection>(context_->options.keys, &facts_, events);
}

// Of a direction with decrypted bytes: its file, and the layer that reads them.
HttpLayer::Plain& HttpLayer::PlainOf(Direction direction) {
  Plain& plain = plain_[direction];
  if (inner_ == nullptr) {
    inner_ = std::make_unique<HttpLayer>(context_, flow_, suffix_ + "-TLS", depth_ + 1);
  }
  if (plain.file == nullptr && context_->options.plain_files) {
    plain.file = std::make_unique<PieceFile>(&context_->memory);
    plain.file->Begin(Stem(direction) + "-TLS", kKeepBytes, /*keep=*/true);
    const DigestChoice& choice = context_->options.body.digests;
    if (choice.any()) plain.digests = std::make_unique<Digests>(choice);
  }
  return plain;
}

// How much of `bytes` more there may be in the file.
uint64_t HttpLayer::RoomFor(const Plain& plain, uint64_t bytes) const {
  const int64_t most = context_->options.max_bytes;
  if (most < 0) return bytes;
  return std::min(bytes, static_cast<uint64_t>(most) -
                             std::min(plain.file->size(), static_cast<uint64_t>(most)));
}

void HttpLayer::OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) {
  if (failed()) return;
  Plain& plain = PlainOf(direction);
  if (plain.bytes == 0) plain.first_ns = time_ns;
  plain.bytes += bytes.size();
  context_->ledger->tls_plain_bytes += bytes.size();
  if (plain.file != nullptr) {
    const ByteView fits = bytes.first(static_cast<size_t>(RoomFor(plain, bytes.size())));
    if (plain.digests != nullptr) plain.digests->Update(fits);
    context_->Note(plain.file->Append(fits));
  }
  inner_->Bytes(direction, offset, bytes, time_ns);
}

void HttpLayer::OnPlainGap(Direction direction, uint64_t length) {
  if (failed()) return;
  Plain& plain = PlainOf(direction);
  ++plain.gaps;
  if (plain.file != nullptr) {
    const uint64_t hole = RoomFor(plain, length);
    plain.file->Skip(hole);
    if (plain.digests != nullptr) plain.digests->UpdateZeros(hole);
  }
  inner_->Gap(direction, length);
}

void HttpLayer::EndTls(const bool (&orderly)[2]) {
  tls_->Close();
  // The flow's facts are those of its outermost TLS.
  if (depth_ == 0) records().Tls(*flow_, facts_);
  // What was not decrypted up to its end has none.
  const auto ended = [&](Direction d) {
    return orderly[d] && tls_->why_not(d).empty() && plain_[d].gaps == 0;
  };
  if (inner_ != nullptr) inner_->Close({ended(kClientToServer), ended(kServerToClient)});
  for (const Direction direction : kDirections) {
    Plain& plain = plain_[direction];
    PlainRecord record;
    record.of = suffix_;
    record.note = tls_->why_not(direction);
    record.complete = record.note.empty() && plain.gaps == 0;
    record.gaps = plain.gaps;
    record.bytes = plain.bytes;
    record.time_ns = plain.first_ns;
    if (plain.file != nullptr && !failed()) {
      record.path = Stem(direction) + "-TLS";
      record.bytes = plain.file->size();
      if (plain.digests != nullptr) record.digests = plain.digests->Finish();
      context_->Note(plain.file->Commit(record.path, plain.first_ns));
    }
    if (plain.bytes > 0 || !record.note.empty()) {
      records().Plain(*flow_, direction, std::move(record));
    }
  }
}

}  // namespace flowstitch
