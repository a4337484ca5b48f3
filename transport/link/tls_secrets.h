// TLS secrets on their way: key log lines that a capture file carries, as fields of a batch. A
// batch may have few fields, so texts are joined; what one batch cannot carry is left out.
#ifndef FLOWSTITCH_TRANSPORT_LINK_TLS_SECRETS_H_
#define FLOWSTITCH_TRANSPORT_LINK_TLS_SECRETS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

namespace flowstitch {

// Of one batch.
inline constexpr size_t kMaxTlsSecretsBytes = size_t{16} << 20;
inline constexpr size_t kJoinedTlsSecretsBytes = size_t{64} << 10;

// Adds lines to `fields`, which have `*bytes` so far. False when they are left out.
inline bool AddTlsSecretLines(const std::string& text,
                              google::protobuf::RepeatedPtrField<std::string>* fields,
                              size_t* bytes) {
  if (*bytes + text.size() + 1 > kMaxTlsSecretsBytes) return false;
  *bytes += text.size() + 1;
  if (fields->empty() || fields->rbegin()->size() + text.size() > kJoinedTlsSecretsBytes) {
    *fields->Add() = text;
    return true;
  }
  std::string& last = *fields->Mutable(fields->size() - 1);
  if (!last.empty() && last.back() != '\n') last += '\n';
  last += text;
  return true;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_TLS_SECRETS_H_
