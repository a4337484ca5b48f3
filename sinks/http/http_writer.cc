#include "sinks/http/http_writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "sinks/http/body_file.h"
#include "sinks/http/media_types.h"

namespace flowstitch {
namespace {

// A direction is recognised by its first bytes.
constexpr size_t kSniffBytes = 24;

bool IsTcp(const SinkFlow& flow) { return flow.protocol == 6; }

enum class Sniff { kUnsure, kRequest, kResponse, kOther };

Sniff SniffBytes(std::string_view text) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  const size_t n = std::min(text.size(), kVersion.size());
  if (text.substr(0, n) == kVersion.substr(0, n)) {
    return n == kVersion.size() ? Sniff::kResponse : Sniff::kUnsure;
  }
  // A method is a word of capital letters (some have '-' or '_'), and a blank follows it.
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t') return i >= 3 ? Sniff::kRequest : Sniff::kOther;
    if (!(c >= 'A' && c <= 'Z') && c != '-' && c != '_') return Sniff::kOther;
  }
  return text.size() < kSniffBytes ? Sniff::kUnsure : Sniff::kOther;
}

}  // namespace

// The HTTP state of one flow.
class HttpWriter::Conversation : public WriterState, public HttpEvents {
 public:
  Conversation(HttpWriter* writer, SinkFlow* flow) : writer_(writer), flow_(flow) {}

  void Bytes(int direction, uint64_t offset, ByteView bytes, TimeNs time_ns);
  void Gap(int direction, uint64_t length);
  void Close();

  void OnHead(HttpKind kind, const HttpHead& head) override;
  void OnBody(HttpKind kind, ByteView bytes, uint64_t offset) override;
  void OnBodyGap(HttpKind kind, uint64_t length) override;
  void OnEnd(HttpKind kind, bool complete) override;

 private:
  struct Side {
    std::string first;  // bytes until it is recognised
    std::optional<HttpKind> kind;
    bool other = false;
    std::optional<BodyFile> body;
  };
  int DirectionOf(HttpKind kind) const {
    for (int d : {kClientToServer, kServerToClient}) {
      if (sides_[d].kind == kind) return d;
    }
    return kind == HttpKind::kRequest ? kClientToServer : kServerToClient;
  }
  Side& SideOf(HttpKind kind) { return sides_[DirectionOf(kind)]; }
  bool Recognise(int direction, ByteView bytes);
  void Note(const absl::Status& status) {
    if (writer_->status_.ok()) writer_->status_ = status;
  }

  HttpWriter* const writer_;
  SinkFlow* const flow_;
  Side sides_[2];
  std::unique_ptr<HttpParser> parser_;
  TimeNs now_ns_ = 0;
};

// True when `side.first` is complete and the direction is HTTP.
bool HttpWriter::Conversation::Recognise(int direction, ByteView bytes) {
  Side& side = sides_[direction];
  side.first.append(AsText(bytes));
  const Sniff sniff = SniffBytes(side.first);
  if (sniff == Sniff::kUnsure) return false;
  const HttpKind kind = sniff == Sniff::kRequest ? HttpKind::kRequest : HttpKind::kResponse;
  // Both directions cannot speak the same part.
  side.other = sniff == Sniff::kOther || sides_[1 - direction].kind == kind;
  if (side.other) {
    side.first = {};
    return false;
  }
  side.kind = kind;
  if (parser_ == nullptr) parser_ = std::make_unique<HttpParser>(writer_->config_, this);
  return true;
}

void HttpWriter::Conversation::Bytes(int direction, uint64_t offset, ByteView bytes,
                                     TimeNs time_ns) {
  Side& side = sides_[direction];
  now_ns_ = time_ns;
  if (side.other) return;
  if (side.kind) {
    parser_->Feed(*side.kind, bytes, offset, time_ns);
    return;
  }
  if (!Recognise(direction, bytes)) return;
  const std::string first = std::move(side.first);
  side.first = {};
  parser_->Feed(*side.kind, AsBytes(first), offset + bytes.size() - first.size(), time_ns);
}

void HttpWriter::Conversation::Gap(int direction, uint64_t length) {
  Side& side = sides_[direction];
  if (side.kind) {
    parser_->Gap(*side.kind, length, now_ns_);
  } else {
    side.other = true;  // its beginning is not there
  }
}

void HttpWriter::Conversation::Close() {
  if (parser_ == nullptr) return;
  const bool orderly =
      flow_->close_reason == "finished" || flow_->close_reason == "reset" ||
      flow_->streams[static_cast<size_t>(DirectionOf(HttpKind::kResponse))].summary.fin_seen;
  parser_->Close(orderly, now_ns_);
  parser_ = nullptr;
}

void HttpWriter::Conversation::OnHead(HttpKind kind, const HttpHead& head) {
  ++writer_->ledger_->http_messages;
  Side& side = SideOf(kind);
  const SinkStream& stream = flow_->streams[static_cast<size_t>(DirectionOf(kind))];
  side.body.emplace(absl::StrFormat("%s-HTTPBODY-%03d", stream.path, head.number),
                    ExtensionFor(head.content_type), writer_->digests_);
  side.body->SetCoding(head.content_encoding);
}

void HttpWriter::Conversation::OnBody(HttpKind kind, ByteView bytes, uint64_t offset) {
  Side& side = SideOf(kind);
  if (!side.body || !writer_->status_.ok()) return;
  if (const absl::Status status = side.body->Add(bytes, offset, now_ns_); !status.ok()) {
    Note(status);
  }
}

void HttpWriter::Conversation::OnBodyGap(HttpKind kind, uint64_t length) {
  Side& side = SideOf(kind);
  if (!side.body || !writer_->status_.ok()) return;
  if (const absl::Status status = side.body->AddGap(length); !status.ok()) Note(status);
}

void HttpWriter::Conversation::OnEnd(HttpKind kind, bool complete) {
  Side& side = SideOf(kind);
  if (!side.body) return;
  if (side.body->empty() || !writer_->status_.ok()) {
    side.body.reset();
    return;
  }
  BodyRecord record;
  const absl::Status status = side.body->Finish(complete, &record);
  side.body.reset();
  if (!status.ok()) {
    Note(status);
    return;
  }
  if (record.path.empty()) return;
  ++writer_->ledger_->http_bodies;
  writer_->ledger_->http_body_bytes += record.bytes;
  flow_->streams[static_cast<size_t>(DirectionOf(kind))].bodies.push_back(std::move(record));
}

HttpWriter::HttpWriter(const DigestChoice& digests, size_t state_slot, SinkLedger* ledger)
    : digests_(digests), slot_(state_slot), ledger_(ledger) {}

HttpWriter::Conversation* HttpWriter::Of(SinkFlow& flow) {
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<Conversation>(this, &flow);
  return static_cast<Conversation*>(state.get());
}

void HttpWriter::OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes,
                         TimeNs time_ns, BatchHold* /*hold*/) {
  if (status_.ok() && IsTcp(flow)) Of(flow)->Bytes(direction, offset, bytes, time_ns);
}

void HttpWriter::OnGap(SinkFlow& flow, int direction, const GapRecord& gap) {
  if (status_.ok() && IsTcp(flow)) Of(flow)->Gap(direction, gap.length);
}

void HttpWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] != nullptr) Of(flow)->Close();
}

}  // namespace flowstitch
