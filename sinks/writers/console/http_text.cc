#include "sinks/writers/console/http_text.h"

namespace flowstitch {

void HttpText::OnHead(HttpMessageId id, const HttpHead& head) {
  auto& decoders = decoders_[static_cast<size_t>(id.kind)];
  decoders.erase(id.stream);
  std::unique_ptr<ContentDecoder> decoder;
  MakeContentDecoder(head.content_encoding, DecodeLimits(), &decoder).IgnoreError();
  if (decoder != nullptr) decoders[id.stream] = std::move(decoder);
  Show(dialogue_.DirectionOf(id.kind), AsBytes(HeadText(id.kind, head)));
}

void HttpText::OnBody(HttpMessageId id, ByteView bytes, uint64_t /*offset*/) {
  const Direction direction = dialogue_.DirectionOf(id.kind);
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
