#include "sinks/console/http_text.h"

#include "absl/strings/str_cat.h"

namespace flowstitch {

void HttpText::OnHead(HttpMessageId id, const HttpHead& head) {
  std::string text = id.kind == HttpKind::kRequest
                         ? absl::StrCat(head.method, " ", head.target, " ", head.version, "\r\n")
                         : absl::StrCat(head.version, " ", head.status, " ", head.reason, "\r\n");
  for (const auto& [name, value] : head.fields) absl::StrAppend(&text, name, ": ", value, "\r\n");
  text += "\r\n";
  auto& decoders = decoders_[static_cast<size_t>(id.kind)];
  decoders.erase(id.stream);
  std::unique_ptr<ContentDecoder> decoder;
  MakeContentDecoder(head.content_encoding, DecodeLimits(), &decoder).IgnoreError();
  if (decoder != nullptr) decoders[id.stream] = std::move(decoder);
  Show(dialogue_.DirectionOf(id.kind), AsBytes(text));
}

void HttpText::OnBody(HttpMessageId id, ByteView bytes, uint64_t /*offset*/) {
  const int direction = dialogue_.DirectionOf(id.kind);
  auto& decoders = decoders_[static_cast<size_t>(id.kind)];
  const auto it = decoders.find(id.stream);
  if (it == decoders.end()) {
    Show(direction, bytes);
    return;
  }
  const absl::Status decoded = it->second->Feed(bytes, [&](ByteView out) {
    Show(direction, out);
    return absl::OkStatus();
  });
  if (decoded.ok()) return;
  decoders.erase(it);  // the rest as it came
  Show(direction, bytes);
}

void HttpText::OnEnd(HttpMessageId id, bool /*complete*/, std::string_view /*why*/) {
  decoders_[static_cast<size_t>(id.kind)].erase(id.stream);
}

}  // namespace flowstitch
