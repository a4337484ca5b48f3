#include "sinks/writers/console/tls_text.h"

namespace flowstitch {

void TlsText::Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) {
  if (tls_ == nullptr && keys_->active() && TlsConnection::BeginsAt(offset, bytes)) {
    TlsEvents* const events = this;
    tls_ = std::make_unique<TlsConnection>(keys_, &facts_, events);
  }
  if (tls_ != nullptr) in_tls_[direction] = in_tls_[direction] || TlsConnection::MayBegin(bytes);
  if (in_tls_[direction]) {
    tls_->Bytes(direction, bytes, time_ns);
  } else {
    give_(direction, offset, bytes, time_ns, /*decrypted=*/false);
  }
}

void TlsText::Gap(Direction direction, uint64_t length) {
  if (in_tls_[direction]) {
    tls_->Gap(direction, length);
  } else {
    give_gap_(direction, length, /*decrypted=*/false);
  }
}

std::string TlsText::Close() {
  if (tls_ == nullptr) return "";
  tls_->Close();
  const std::string why = tls_->why_not(kClientToServer);
  return why.empty() ? tls_->why_not(kServerToClient) : why;
}

}  // namespace flowstitch
