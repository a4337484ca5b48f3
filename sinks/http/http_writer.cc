#include "sinks/http/http_writer.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "sinks/http/body_file.h"
#include "sinks/http/http_dialogue.h"
#include "sinks/http/media_types.h"

namespace flowstitch {
namespace {

bool IsTcp(const SinkFlow& flow) { return flow.protocol == 6; }

}  // namespace

// The HTTP state of one flow.
class HttpWriter::Conversation : public WriterState, public HttpEvents {
 public:
  Conversation(HttpWriter* writer, SinkFlow* flow)
      : writer_(writer), flow_(flow), dialogue_(writer->config_, this) {}

  HttpDialogue& dialogue() { return dialogue_; }
  void Close() {
    dialogue_.Close(*flow_);
    if (writer_->options_.on_transaction) pairing_.Finish(Taker());
  }

  void OnHead(HttpKind kind, const HttpHead& head) override;
  void OnBody(HttpKind kind, ByteView bytes, uint64_t offset) override;
  void OnBodyGap(HttpKind kind, uint64_t length) override;
  void OnEnd(HttpKind kind, bool complete) override;

 private:
  void FinishBody(HttpKind kind, bool complete, BodyRecord* record);
  HttpPairing::Taker Taker() {
    return [this](const HttpTransaction& transaction) {
      writer_->options_.on_transaction(*flow_, transaction);
    };
  }
  std::optional<BodyFile>& BodyOf(HttpKind kind) { return bodies_[static_cast<size_t>(kind)]; }
  void Note(const absl::Status& status) {
    if (writer_->status_.ok()) writer_->status_ = status;
  }

  HttpWriter* const writer_;
  SinkFlow* const flow_;
  HttpDialogue dialogue_;
  std::optional<BodyFile> bodies_[2];  // by HttpKind
  HttpPairing pairing_;
};

void HttpWriter::Conversation::OnHead(HttpKind kind, const HttpHead& head) {
  ++writer_->ledger_->http_messages;
  if (writer_->options_.on_transaction) pairing_.OnHead(kind, head, dialogue_.now_ns());
  if (!writer_->options_.bodies) return;
  const SinkStream& stream = flow_->streams[static_cast<size_t>(dialogue_.DirectionOf(kind))];
  auto& body = BodyOf(kind);
  body.emplace(absl::StrFormat("%s-HTTPBODY-%03d", stream.path, head.number),
               ExtensionFor(head.content_type), writer_->options_.digests);
  if (writer_->options_.decode) body->SetCoding(head.content_encoding);
}

void HttpWriter::Conversation::OnBody(HttpKind kind, ByteView bytes, uint64_t offset) {
  auto& body = BodyOf(kind);
  if (!body || !writer_->status_.ok()) return;
  if (body->empty() && writer_->options_.alerts != nullptr) {
    writer_->options_.alerts->Opened(body->path());
  }
  const absl::Status status = body->Add(bytes, offset, dialogue_.now_ns());
  if (!status.ok()) Note(status);
}

void HttpWriter::Conversation::OnBodyGap(HttpKind kind, uint64_t length) {
  auto& body = BodyOf(kind);
  if (!body || !writer_->status_.ok()) return;
  if (const absl::Status status = body->AddGap(length); !status.ok()) Note(status);
}

void HttpWriter::Conversation::FinishBody(HttpKind kind, bool complete, BodyRecord* record) {
  auto& body = BodyOf(kind);
  if (!body) return;
  if (!body->empty() && writer_->status_.ok()) {
    if (const absl::Status status = body->Finish(complete, record); !status.ok()) Note(status);
  }
  body.reset();
}

void HttpWriter::Conversation::OnEnd(HttpKind kind, bool complete) {
  BodyRecord record;
  FinishBody(kind, complete, &record);
  const bool kept = !record.path.empty() && writer_->status_.ok();
  if (writer_->options_.on_transaction) {
    pairing_.OnEnd(kind, kept ? &record : nullptr, complete, Taker());
  }
  if (!kept) return;
  ++writer_->ledger_->http_bodies;
  writer_->ledger_->http_body_bytes += record.bytes;
  if (writer_->options_.alerts != nullptr) writer_->options_.alerts->Closed(record.path);
  const int direction = dialogue_.DirectionOf(kind);
  if (writer_->options_.on_body) writer_->options_.on_body(*flow_, direction, record);
  flow_->streams[static_cast<size_t>(direction)].bodies.push_back(std::move(record));
}

HttpWriter::HttpWriter(const HttpWriterOptions& options, size_t state_slot, SinkLedger* ledger)
    : options_(options),
      slot_(state_slot),
      ledger_(ledger),
      config_(/*with_fields=*/static_cast<bool>(options.on_transaction)) {}

HttpWriter::Conversation* HttpWriter::Of(SinkFlow& flow) {
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<Conversation>(this, &flow);
  return static_cast<Conversation*>(state.get());
}

void HttpWriter::OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes,
                         TimeNs time_ns, BatchHold* /*hold*/) {
  if (!status_.ok() || !IsTcp(flow)) return;
  Of(flow)->dialogue().Bytes(direction, offset, bytes, time_ns);
}

void HttpWriter::OnGap(SinkFlow& flow, int direction, const GapRecord& gap) {
  if (status_.ok() && IsTcp(flow)) Of(flow)->dialogue().Gap(direction, gap.length);
}

void HttpWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] != nullptr) Of(flow)->Close();
}

}  // namespace flowstitch
