#include "sinks/console/http_text.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {

void HttpText::OnHead(HttpKind kind, const HttpHead& head) {
  std::string text = kind == HttpKind::kRequest
                         ? absl::StrCat(head.method, " ", head.target, " ", head.version, "\r\n")
                         : absl::StrCat(head.version, " ", head.status, " ", head.reason, "\r\n");
  for (const auto& [name, value] : head.fields) absl::StrAppend(&text, name, ": ", value, "\r\n");
  text += "\r\n";
  auto& decoder = decoders_[static_cast<size_t>(kind)];
  decoder = nullptr;
  MakeContentDecoder(head.content_encoding, &decoder).IgnoreError();  // unknown: as it is
  print_(dialogue_.DirectionOf(kind), AsBytes(text), dialogue_.now_ns());
}

void HttpText::OnBody(HttpKind kind, ByteView bytes, uint64_t /*offset*/) {
  const int direction = dialogue_.DirectionOf(kind);
  auto& decoder = decoders_[static_cast<size_t>(kind)];
  if (decoder == nullptr) {
    print_(direction, bytes, dialogue_.now_ns());
    return;
  }
  const absl::Status decoded = decoder->Feed(bytes, [&](ByteView out) {
    print_(direction, out, dialogue_.now_ns());
    return absl::OkStatus();
  });
  if (decoded.ok()) return;
  decoder = nullptr;  // the rest as it came
  print_(direction, bytes, dialogue_.now_ns());
}

void HttpText::OnEnd(HttpKind kind, bool /*complete*/) {
  decoders_[static_cast<size_t>(kind)] = nullptr;
}

void HttpText::OnOther(int direction, ByteView bytes) {
  print_(direction, bytes, dialogue_.now_ns());
}

}  // namespace flowstitch
