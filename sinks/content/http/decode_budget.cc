#include "sinks/content/http/decode_budget.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {

void DecodeBudget::NoteInput(size_t bytes) {
  own_.in += bytes;
  if (share_.account != nullptr) share_.account->in += bytes;
}

void DecodeBudget::UseMemory(size_t bytes) {
  if (share_.memory != nullptr) {
    share_.memory->Add(bytes);
    share_.memory->Remove(memory_);
  }
  memory_ = bytes;
}

absl::Status DecodeBudget::Take(size_t bytes) {
  own_.out += bytes;
  if (share_.account != nullptr) share_.account->out += bytes;
  if (own_.out > limits_.max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it decodes to more than ", limits_.max_bytes, " bytes"));
  }
  const DecodeAccount& all = share_.account != nullptr ? *share_.account : own_;
  if (all.out > limits_.ratio_from_bytes && all.out / limits_.max_ratio > all.in) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it, or the bodies before it, decode to more than ", limits_.max_ratio,
                     " times their size"));
  }
  if (share_.memory != nullptr && share_.memory->full()) {
    return absl::ResourceExhaustedError("there is no memory for more decoders at a time");
  }
  return absl::OkStatus();
}

}  // namespace flowstitch
