#include "sinks/writers/content/http_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sinks/content/http/content_range.h"

namespace flowstitch {
namespace {

constexpr int kPartialContent = 206;

std::string Codings(const HttpHead& head) {
  // The transfer coding was put on last.
  if (head.transfer_coding.empty()) return head.content_encoding;
  if (head.content_encoding.empty()) return head.transfer_coding;
  return absl::StrCat(head.content_encoding, ",", head.transfer_coding);
}

}  // namespace

HttpFiles::HttpFiles(ContentContext* context, SinkFlow* flow, std::string suffix, bool from_start,
                     TlsLayer* other)
    : context_(context),
      flow_(flow),
      suffix_(std::move(suffix)),
      other_(other),
      dialogue_(context->config, context->options.body.limits, this, /*opens_websockets=*/true,
                from_start) {}

void HttpFiles::Bytes(const StreamPiece& piece) {
  now_ns_ = piece.time_ns;
  dialogue_.Bytes(piece.direction, piece.offset, piece.bytes, piece.time_ns, piece.acknowledged);
}

void HttpFiles::OnOther(Direction direction, ByteView bytes, uint64_t /*offset*/) {
  other_->Bytes(direction, bytes, now_ns_);
}

void HttpFiles::OnOtherGap(Direction direction, uint64_t length) { other_->Gap(direction, length); }

size_t HttpFiles::memory_bytes() const {
  size_t bytes = dialogue_.memory_bytes() + pairing_.memory_bytes();
  for (const auto& of_kind : messages_) {
    bytes += of_kind.size() * (sizeof(Message) + sizeof(BodyFile));
  }
  return bytes;
}

HttpPairing::Taker HttpFiles::Taker() {
  return [this](HttpTransaction transaction) {
    transaction.layer = suffix_;
    records().Transaction(*flow_, transaction);
  };
}

HttpFiles::Message* HttpFiles::Find(HttpMessageId id) {
  auto& of_kind = messages_[static_cast<size_t>(id.kind)];
  const auto it = of_kind.find(id.stream);
  return it == of_kind.end() ? nullptr : it->second.get();
}

void HttpFiles::OnHead(HttpMessageId id, const HttpHead& head) {
  ++context_->ledger->http_messages;
  const Direction direction = dialogue_.DirectionOf(id.kind);
  uint32_t& count = counts_[direction];
  count += 1 + head.interims;
  if (records().wants_transactions()) {
    HttpMessage message;
    message.head = head;
    message.number = count;
    message.time_ns = dialogue_.now_ns();
    pairing_.OnHead(id, std::move(message));
  }
  if (context_->options.heads) WriteHead(id, head, direction);
  if (!context_->options.bodies) return;
  auto& slot = messages_[static_cast<size_t>(id.kind)][id.stream];
  slot = std::make_unique<Message>();
  slot->files = this;
  slot->direction = direction;
  slot->number = count;
  if (head.status == kPartialContent) {
    slot->range_head = std::make_unique<HttpHead>(head);
    slot->range_head->fields.clear();
  }
  slot->body = std::make_unique<BodyFile>(
      context_->options.body, absl::StrFormat("%s-HTTPBODY-%03d", Stem(direction), count),
      BodyHead{head.content_type, Codings(head), head.content_disposition, head.other_length},
      slot.get(), &account_);
}

void HttpFiles::WriteHead(HttpMessageId id, const HttpHead& head, Direction direction) {
  if (failed()) return;
  auto& file = heads_[direction];
  if (file == nullptr) {
    file = std::make_unique<PieceFile>(&context_->memory);
    file->Begin(Stem(direction) + "-HTTP", ContentContext::kKeepBytes, /*keep=*/true);
  }
  context_->Note(file->Append(AsBytes(HeadText(id.kind, head))));
}

void HttpFiles::OnBody(HttpMessageId id, ByteView bytes, uint64_t offset) {
  Message* message = Find(id);
  if (message == nullptr || failed()) return;
  if (message->body->empty()) records().BodyBegun(message->body->path());
  context_->Note(message->body->Add(bytes, offset, dialogue_.now_ns()));
}

void HttpFiles::OnBodyGap(HttpMessageId id, uint64_t length) {
  Message* message = Find(id);
  if (message == nullptr || failed()) return;
  context_->Note(message->body->AddGap(length));
}

void HttpFiles::OnTrailers(HttpMessageId id, const HttpFields& fields) {
  if (records().wants_transactions()) pairing_.OnTrailers(id, fields);
}

void HttpFiles::Message::OnPartFile(BodyRecord record) {
  if (!record.content_range.empty()) files->NoteRange(*this, record);
  files->Keep(direction, std::move(record));
}

void HttpFiles::Keep(Direction direction, BodyRecord record) {
  record.of = suffix_;
  ++context_->ledger->http_bodies;
  context_->ledger->http_body_bytes += record.bytes;
  records().Body(*flow_, direction, std::move(record));
}

// Only a strong validator tells versions apart (RFC 9110, 14.5), and only a host's name servers:
// otherwise what these two ends said counts.
std::string HttpFiles::ResourceOf(const HttpHead& head) const {
  std::string resource;
  const bool strong = !head.validator.empty() && head.validator[0] == '"';
  if (!strong || head.host.empty() || head.target.empty()) {
    resource = absl::StrCat(FormatIpAddress(flow_->client.address), " ",
                            FormatIpAddress(flow_->server.address), ":", flow_->server.port, "\n");
  }
  absl::StrAppend(&resource, head.host, "\n", head.target, "\n", head.validator);
  return resource;
}

// A 206's body, or a part of one, is a piece of a resource (RFC 9110, 15.3.7).
void HttpFiles::NoteRange(const Message& message, const BodyRecord& record) {
  if (message.range_head == nullptr) return;
  const HttpHead& head = *message.range_head;
  const std::string& range =
      record.kind == BodyKind::kPart ? record.content_range : head.content_range;
  RangeRecord out;
  if (!record.complete || !Codings(head).empty()) return;
  if (!ParseContentRange(range, &out.first, &out.last, &out.total)) return;
  if (record.bytes != out.last - out.first + 1) return;
  out.resource = ResourceOf(head);
  out.path = record.path;
  out.stem = absl::StrFormat("%s-HTTPFILE-%03d", Stem(message.direction), message.number);
  const size_t slash = record.path.rfind('/');
  const size_t dot = record.path.rfind('.');
  if (dot != std::string::npos && (slash == std::string::npos || dot > slash) &&
      record.path.find("-HTTPBODY-") < dot) {
    out.extension = record.path.substr(dot + 1);
  }
  out.time_ns = record.time_ns;
  out.stream_path = StreamOf(message.direction).path;
  records().Range(*flow_, std::move(out));
}

void HttpFiles::OnEnd(HttpMessageId id, bool complete, std::string_view why) {
  auto& of_kind = messages_[static_cast<size_t>(id.kind)];
  BodyRecord record;
  const auto it = of_kind.find(id.stream);
  std::unique_ptr<Message> message;
  if (it != of_kind.end()) {
    message = std::move(it->second);
    of_kind.erase(it);
    if (!failed()) context_->Note(message->body->Finish(complete, why, &record));
  }
  const bool kept = !record.path.empty() && !failed();
  if (records().wants_transactions()) {
    pairing_.OnEnd(id, kept ? &record : nullptr, complete && (!kept || record.complete), why,
                   Taker());
  }
  if (!kept) return;
  if (id.kind == HttpKind::kResponse) NoteRange(*message, record);
  Keep(message->direction, std::move(record));
}

void HttpFiles::OnWebSocketMessage(Direction direction, const WebSocketMessage& message) {
  if (!context_->options.bodies || ++websocket_counts_[direction] > kMaxWebSocketFiles) return;
  websocket_[direction] = std::make_unique<BodyFile>(
      context_->options.body,
      absl::StrFormat("%s-WEBSOCKET-%03d", Stem(direction), websocket_counts_[direction]),
      BodyHead{message.binary ? "application/octet-stream" : "text/plain", "", ""}, nullptr,
      &account_);
}

void HttpFiles::OnWebSocketBytes(Direction direction, ByteView bytes, uint64_t offset) {
  auto& body = websocket_[direction];
  if (body != nullptr && !failed()) context_->Note(body->Add(bytes, offset, dialogue_.now_ns()));
}

void HttpFiles::OnWebSocketGap(Direction direction, uint64_t length) {
  auto& body = websocket_[direction];
  if (body != nullptr && !failed()) context_->Note(body->AddGap(length));
}

void HttpFiles::OnWebSocketEnd(Direction direction, bool complete, std::string_view why) {
  const std::unique_ptr<BodyFile> body = std::move(websocket_[direction]);
  if (body == nullptr || failed()) return;
  BodyRecord record;
  context_->Note(body->Finish(complete, why, &record));
  if (record.path.empty() || failed()) return;
  record.kind = BodyKind::kWebSocket;
  Keep(direction, std::move(record));
}

void HttpFiles::OnUnread(Direction direction, const UnreadStretch& stretch) {
  records().Unread(*flow_, direction,
                   {suffix_, stretch.offset, stretch.end, std::string(stretch.why)});
}

void HttpFiles::EndMessages(const bool (&orderly)[2]) {
  dialogue_.Close(orderly);
  if (records().wants_transactions()) pairing_.Finish(Taker());
}

void HttpFiles::CommitHeads() {
  for (const Direction direction : kDirections) {
    if (heads_[direction] == nullptr || failed()) continue;
    const std::string path = Stem(direction) + "-HTTP";
    context_->Note(heads_[direction]->Commit(path, StreamOf(direction).first_byte_ns));
  }
}

}  // namespace flowstitch
