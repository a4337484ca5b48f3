#include "sinks/writers/http/http_layer.h"

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

HttpContext::HttpContext(const HttpWriterOptions& the_options, SinkLedger* the_ledger)
    : options(the_options),
      ledger(the_ledger),
      config(/*with_fields=*/the_options.heads || the_options.records->wants_transactions()),
      memory(the_options.piece_bytes),
      decoders(the_options.decoder_bytes),
      parsers(the_options.parser_bytes) {
  options.body.memory = &memory;
  options.body.decoders = &decoders;
}

HttpLayer::HttpLayer(HttpContext* context, SinkFlow* flow, std::string suffix, int depth)
    : context_(context), flow_(flow), suffix_(std::move(suffix)), depth_(depth) {
  HttpEvents* const events = this;
  const bool from_start = depth > 0 || flow->from_start();
  dialogue_.emplace(context->config, context->options.body.limits, events,
                    /*opens_websockets=*/true, from_start);
}

HttpLayer::~HttpLayer() { context_->parsers.Update(&counted_bytes_, 0); }

void HttpLayer::Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
                      std::optional<uint64_t> acknowledged) {
  if (!dialogue_) return;
  const StreamPiece piece{direction, offset, bytes, time_ns, acknowledged};
  const bool first = positions_[0] == 0 && positions_[1] == 0;
  positions_[direction] = offset + bytes.size();
  if (first && depth_ == 0 && OpeningHold::MayBegin(*flow_, piece)) {
    opening_ = std::make_unique<OpeningHold>();
  }
  if (opening_ == nullptr) {
    Feed(piece);
  } else {
    opening_->Take(piece, [this](const StreamPiece& p) { Feed(p); });
    if (!opening_->holds()) opening_ = nullptr;
  }
  if (tls_ != nullptr || !dialogue_->passed_on()) CountMemory();
}

void HttpLayer::Feed(const StreamPiece& piece) {
  now_ns_ = piece.time_ns;
  if (context_->options.parse) {
    dialogue_->Bytes(piece.direction, piece.offset, piece.bytes, piece.time_ns, piece.acknowledged);
  } else {
    OnOther(piece.direction, piece.bytes, piece.offset);
  }
}

void HttpLayer::EndOpening() {
  if (const auto opening = std::move(opening_)) {
    opening->Release([this](const StreamPiece& p) { Feed(p); });
  }
}

size_t HttpLayer::memory_bytes() const {
  size_t bytes = sizeof(*this) + dialogue_->memory_bytes() + pairing_.memory_bytes();
  if (tls_ != nullptr) bytes += tls_->memory_bytes();
  if (opening_ != nullptr) bytes += opening_->memory_bytes();
  for (const auto& of_kind : messages_)
    bytes += of_kind.size() * (sizeof(Message) + sizeof(BodyFile));
  return bytes;
}

void HttpLayer::CountMemory() {
  if (!context_->parsers.Update(&counted_bytes_, memory_bytes())) GiveUp();
}

// The flow goes on, and nothing more is looked for in it.
void HttpLayer::GiveUp() {
  ++context_->ledger->parsers_given_up;
  for (const Direction direction : kDirections) {
    OnUnread(direction,
             {positions_[direction], std::nullopt, "the memory for parsers is used up (--memory)"});
  }
  Finish({false, false});
  dialogue_.reset();
  tls_ = nullptr;
  inner_ = nullptr;
  context_->parsers.Update(&counted_bytes_, 0);
}

void HttpLayer::Gap(Direction direction, uint64_t length) {
  if (!dialogue_) return;
  EndOpening();
  positions_[direction] += length;
  if (context_->options.parse) {
    dialogue_->Gap(direction, length);
  } else {
    OnOtherGap(direction, length);
  }
}

HttpPairing::Taker HttpLayer::Taker() {
  return [this](const HttpTransaction& transaction) {
    HttpTransaction named = transaction;
    named.layer = suffix_;
    records().Transaction(*flow_, named);
  };
}

HttpLayer::Message* HttpLayer::Find(HttpMessageId id) {
  auto& of_kind = messages_[static_cast<size_t>(id.kind)];
  const auto it = of_kind.find(id.stream);
  return it == of_kind.end() ? nullptr : it->second.get();
}

void HttpLayer::OnHead(HttpMessageId id, const HttpHead& head) {
  ++context_->ledger->http_messages;
  const Direction direction = dialogue_->DirectionOf(id.kind);
  uint32_t& count = counts_[direction];
  count += 1 + head.interims;
  if (records().wants_transactions()) {
    HttpMessage message;
    message.head = head;
    message.number = count;
    message.time_ns = dialogue_->now_ns();
    pairing_.OnHead(id, std::move(message));
  }
  if (context_->options.heads) WriteHead(id, head, direction);
  if (!context_->options.bodies) return;
  auto& slot = messages_[static_cast<size_t>(id.kind)][id.stream];
  slot = std::make_unique<Message>();
  slot->layer = this;
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

void HttpLayer::WriteHead(HttpMessageId id, const HttpHead& head, Direction direction) {
  if (failed()) return;
  auto& file = heads_[direction];
  if (file == nullptr) {
    file = std::make_unique<PieceFile>(&context_->memory);
    file->Begin(Stem(direction) + "-HTTP", kKeepBytes, /*keep=*/true);
  }
  context_->Note(file->Append(AsBytes(HeadText(id.kind, head))));
}

void HttpLayer::OnBody(HttpMessageId id, ByteView bytes, uint64_t offset) {
  Message* message = Find(id);
  if (message == nullptr || failed()) return;
  if (message->body->empty()) records().BodyBegun(message->body->path());
  context_->Note(message->body->Add(bytes, offset, dialogue_->now_ns()));
}

void HttpLayer::OnBodyGap(HttpMessageId id, uint64_t length) {
  Message* message = Find(id);
  if (message == nullptr || failed()) return;
  context_->Note(message->body->AddGap(length));
}

void HttpLayer::OnTrailers(HttpMessageId id, const HttpFields& fields) {
  if (records().wants_transactions()) pairing_.OnTrailers(id, fields);
}

void HttpLayer::Message::OnPartFile(BodyRecord record) {
  if (!record.content_range.empty()) layer->NoteRange(*this, record);
  layer->Keep(direction, std::move(record));
}

void HttpLayer::Keep(Direction direction, BodyRecord record) {
  record.of = suffix_;
  ++context_->ledger->http_bodies;
  context_->ledger->http_body_bytes += record.bytes;
  records().Body(*flow_, direction, std::move(record));
}

// A 206's body, or a part of one, is a piece of a resource (RFC 9110, 15.3.7).
void HttpLayer::NoteRange(const Message& message, const BodyRecord& record) {
  if (message.range_head == nullptr) return;
  const HttpHead& head = *message.range_head;
  const std::string& range =
      record.kind == BodyKind::kPart ? record.content_range : head.content_range;
  RangeRecord out;
  if (!record.complete || !Codings(head).empty()) return;
  if (!ParseContentRange(range, &out.first, &out.last, &out.total)) return;
  if (record.bytes != out.last - out.first + 1) return;
  // Only a strong validator tells versions apart (RFC 9110, 14.5), and only a host's name servers:
  // otherwise what these two ends said counts.
  const bool strong = !head.validator.empty() && head.validator[0] == '"';
  if (!strong || head.host.empty() || head.target.empty()) {
    out.resource =
        absl::StrCat(FormatIpAddress(flow_->client.address), " ",
                     FormatIpAddress(flow_->server.address), ":", flow_->server.port, "\n");
  }
  absl::StrAppend(&out.resource, head.host, "\n", head.target, "\n", head.validator);
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

void HttpLayer::OnEnd(HttpMessageId id, bool complete, std::string_view why) {
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

void HttpLayer::OnWebSocketMessage(Direction direction, const WebSocketMessage& message) {
  if (!context_->options.bodies || ++websocket_counts_[direction] > kMaxWebSocketFiles) return;
  websocket_[direction] = std::make_unique<BodyFile>(
      context_->options.body,
      absl::StrFormat("%s-WEBSOCKET-%03d", Stem(direction), websocket_counts_[direction]),
      BodyHead{message.binary ? "application/octet-stream" : "text/plain", "", ""}, nullptr,
      &account_);
}

void HttpLayer::OnWebSocketBytes(Direction direction, ByteView bytes, uint64_t offset) {
  auto& body = websocket_[direction];
  if (body != nullptr && !failed()) context_->Note(body->Add(bytes, offset, dialogue_->now_ns()));
}

void HttpLayer::OnWebSocketGap(Direction direction, uint64_t length) {
  auto& body = websocket_[direction];
  if (body != nullptr && !failed()) context_->Note(body->AddGap(length));
}

void HttpLayer::OnWebSocketEnd(Direction direction, bool complete, std::string_view why) {
  const std::unique_ptr<BodyFile> body = std::move(websocket_[direction]);
  if (body == nullptr || failed()) return;
  BodyRecord record;
  context_->Note(body->Finish(complete, why, &record));
  if (record.path.empty() || failed()) return;
  record.kind = BodyKind::kWebSocket;
  Keep(direction, std::move(record));
}

void HttpLayer::OnUnread(Direction direction, const UnreadStretch& stretch) {
  records().Unread(*flow_, direction,
                   {suffix_, stretch.offset, stretch.end, std::string(stretch.why)});
}

void HttpLayer::Close(const bool (&orderly)[2]) {
  if (!dialogue_) return;
  EndOpening();
  Finish(orderly);
}

void HttpLayer::Finish(const bool (&orderly)[2]) {
  if (context_->options.parse) dialogue_->Close(orderly);
  if (records().wants_transactions()) pairing_.Finish(Taker());
  if (tls_ != nullptr) EndTls(orderly);
  for (const Direction direction : kDirections) {
    if (heads_[direction] == nullptr || failed()) continue;
    const std::string path = Stem(direction) + "-HTTP";
    context_->Note(heads_[direction]->Commit(path, StreamOf(direction).first_byte_ns));
  }
}

}  // namespace flowstitch
