#include "sinks/records/json/json_writer.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>

#include "base/mutex.h"
#include "base/utf8_text.h"
#include "proto/record.pb.h"
#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

constexpr size_t kWriteBytes = 64 << 10;

wire::Direction ToWire(Direction direction) {
  return direction == kServerToClient ? wire::SERVER_TO_CLIENT : wire::CLIENT_TO_SERVER;
}

template <typename Message>
void AddDigests(const std::vector<DigestValue>& digests, Message* out) {
  for (const DigestValue& digest : digests) {
    wire::FileDigest* one = out->add_digests();
    one->set_type(digest.type);
    one->set_value(digest.hex);
  }
}

void Set(const std::string& name, const std::string& value, wire::HttpField* field) {
  field->set_name(ToUtf8(name));
  field->set_value(ToUtf8(value));
}

void ToWire(const PlainRecord& plain, Direction direction, wire::PlainFile* out) {
  out->set_direction(ToWire(direction));
  out->set_path(ToUtf8(plain.path));
  out->set_bytes(plain.bytes);
  AddDigests(plain.digests, out);
  out->set_gaps(plain.gaps);
  out->set_complete(plain.complete);
  out->set_note(plain.note);
  out->set_of(plain.of);
}

void ToWire(const UnreadRecord& stop, Direction direction, wire::HttpStop* out) {
  out->set_direction(ToWire(direction));
  out->set_offset(stop.offset);
  if (stop.end) out->set_end(*stop.end);
  out->set_why(stop.why);
  out->set_of(stop.of);
}

void ToWire(const BodyRecord& body, wire::BodyFileRecord* out) {
  out->set_path(ToUtf8(body.path));
  out->set_bytes(body.bytes);
  out->set_stream_offset(body.stream_offset);
  out->set_stream_bytes(body.stream_bytes);
  out->set_complete(body.complete);
  out->set_note(ToUtf8(body.note));
  out->set_time_ns(body.time_ns);
  out->set_kind(BodyKindName(body.kind));
  out->set_of(body.of);
  out->set_sender_name(body.sender_name);
  out->set_field_name(body.field_name);
  AddDigests(body.digests, out);
}

void ToWire(const ProxyRecord& proxy, wire::ProxyRecord* out) {
  out->set_kind(proxy.kind);
  out->set_source(ToUtf8(proxy.source));
  out->set_source_port(proxy.source_port);
  out->set_destination(ToUtf8(proxy.destination));
  out->set_destination_port(proxy.destination_port);
}

void ToWire(const HttpMessage& message, wire::HttpMessageRecord* out) {
  out->set_time_ns(message.time_ns);
  out->set_number(message.number);
  out->set_host(ToUtf8(message.head.host));
  out->set_method(ToUtf8(message.head.method));
  out->set_target(ToUtf8(message.head.target));
  out->set_version(ToUtf8(message.head.version));
  out->set_status(static_cast<uint32_t>(std::max(0, message.head.status)));
  out->set_reason(ToUtf8(message.head.reason));
  for (const auto& [name, value] : message.head.fields) Set(name, value, out->add_fields());
  for (const auto& [name, value] : message.trailers) Set(name, value, out->add_trailers());
  out->set_note(ToUtf8(message.note));
  out->set_body_path(ToUtf8(message.body_path));
  out->set_body_bytes(message.body_bytes);
  out->set_complete(message.complete);
}

void ToWire(const SinkFlow& flow, const TlsFacts& facts, wire::TlsHandshakeRecord* out) {
  out->set_flow(flow.id);
  out->set_community_id(flow.community_id);
  out->set_server_name(facts.server_name);
  for (const std::string& protocol : facts.alpn_offered) out->add_alpn_offered(protocol);
  out->set_alpn(facts.alpn);
  if (facts.client_hello) out->set_offered_version(TlsVersionName(facts.offered_version));
  if (facts.server_hello) {
    out->set_version(TlsVersionName(facts.version));
    out->set_cipher(TlsCipherText(facts));
  }
  for (const TlsCertificate& certificate : facts.certificates) {
    wire::TlsCertificateRecord* one = out->add_certificates();
    one->set_subject(certificate.subject);
    one->set_issuer(certificate.issuer);
    one->set_not_before(certificate.not_before);
    one->set_not_after(certificate.not_after);
    one->set_sha256(certificate.sha256);
  }
}

std::string AddressBytes(const IpAddress& address) { return std::string(AsText(address.wire())); }

void ToWire(const SinkFlow& flow, wire::FlowOpened* out) {
  out->set_flow(flow.id);
  out->set_client_address(AddressBytes(flow.client.address));
  out->set_server_address(AddressBytes(flow.server.address));
  out->set_client_port(flow.client.port);
  out->set_server_port(flow.server.port);
  out->set_first_time_ns(flow.first_time_ns);
  out->mutable_vlan()->Assign(flow.vlan.begin(), flow.vlan.end());
  out->set_outer_8021q(flow.outer_8021q);
  out->set_client_mac(flow.client_mac);
  out->set_server_mac(flow.server_mac);
  out->set_opened_by(static_cast<wire::OpenedBy>(flow.opened_by));
  out->set_mid_stream(flow.mid_stream);
  out->set_unconfirmed(flow.unconfirmed);
  out->set_community_id(flow.community_id);
  out->set_protocol(flow.protocol);
  for (const TunnelRecord& tunnel : flow.tunnels) {
    wire::Tunnel* one = out->add_tunnels();
    one->set_kind(static_cast<wire::TunnelKind>(tunnel.kind));
    one->set_id(tunnel.id);
    one->set_source_address(AddressBytes(tunnel.source));
    one->set_destination_address(AddressBytes(tunnel.destination));
  }
  if (!flow.continues) return;
  out->set_continues(*flow.continues);
  out->set_client_start_offset(flow.start_offset[kClientToServer]);
  out->set_server_start_offset(flow.start_offset[kServerToClient]);
}

void ToWire(const StreamSummary& summary, wire::StreamSummary* out) {
#define FLOWSTITCH_TO_WIRE(type, name, help) out->set_##name(summary.name);
  FLOWSTITCH_STREAM_SUMMARY(FLOWSTITCH_TO_WIRE)
#undef FLOWSTITCH_TO_WIRE
}

void ToWire(const SinkFlow& flow, wire::FlowClosed* out) {
  out->set_flow(flow.id);
  if (flow.close_reason == CloseReason::kReassemblerLost) return;  // nobody knows more
  out->set_reason(static_cast<wire::CloseReason>(flow.close_reason));
  out->set_time_ns(flow.closed_ns);
  out->set_history(flow.history);
  ToWire(flow.streams[kClientToServer].summary, out->mutable_client_to_server());
  ToWire(flow.streams[kServerToClient].summary, out->mutable_server_to_client());
}

void ToWire(const FlowRecord& record, wire::FlowRecord* out) {
  const SinkFlow& flow = *record.flow;
  ToWire(flow, out->mutable_opened());
  ToWire(flow, out->mutable_closed());
  if (record.proxy) ToWire(*record.proxy, out->mutable_proxy());
  for (const Direction direction : kDirections) {
    const SinkStream& stream = flow.streams[direction];
    const FlowRecord::Stream& found = record.streams[direction];
    for (const PlainRecord& plain : found.plain) ToWire(plain, direction, out->add_plain());
    for (const UnreadRecord& stop : found.unread) ToWire(stop, direction, out->add_stops());
    if (stream.vlan != flow.vlan) {
      out->mutable_vlans()->set_flow(flow.id);
      out->mutable_vlans()->set_direction(ToWire(direction));
      out->mutable_vlans()->mutable_vlan()->Assign(stream.vlan.begin(), stream.vlan.end());
      out->mutable_vlans()->set_outer_8021q(stream.outer_8021q);
    }
    if (found.file.path.empty()) continue;
    wire::StreamFile* file = out->add_files();
    file->set_direction(ToWire(direction));
    file->set_path(ToUtf8(found.file.path));
    file->set_bytes(found.file.bytes);
    AddDigests(found.file.digests, file);
  }
  out->set_conversation(ToUtf8(record.conversation.path));
  out->set_conflicts(record.conflicts);
}

// A record and the end of its line.
std::string Line(const wire::Record& record) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  // What cannot be printed cannot be here: all text was made UTF-8.
  if (!google::protobuf::util::MessageToJsonString(record, &line, options).ok()) return "";
  return line + "\n";
}

}  // namespace

class JsonWriter::Lines : public RecordConsumer {
 public:
  explicit Lines(JsonWriter* file) : file_(file) {}

  void OnGap(const FlowRecord& flow, Direction direction, const GapRecord& gap) override {
    wire::Record record;
    wire::StreamGap* out = record.mutable_gap();
    out->set_flow(flow.flow->id);
    out->set_direction(ToWire(direction));
    out->set_offset(gap.offset + flow.flow->start_offset[direction]);
    out->set_length(gap.length);
    out->set_reason(static_cast<wire::GapReason>(gap.reason));
    out->set_time_ns(gap.time_ns);
    Write(record);
  }

  void OnConflict(const FlowRecord& flow, Direction direction,
                  const ConflictRecord& conflict) override {
    wire::Record record;
    wire::StreamConflict* out = record.mutable_conflict();
    out->set_flow(flow.flow->id);
    out->set_direction(ToWire(direction));
    out->set_offset(conflict.offset + flow.flow->start_offset[direction]);
    out->set_length(conflict.length);
    out->set_kept(conflict.kept);
    out->set_dropped(conflict.dropped);
    out->set_time_ns(conflict.time_ns);
    Write(record);
  }

  void OnTransaction(const FlowRecord& flow, const HttpTransaction& transaction) override {
    wire::Record record;
    wire::HttpTransactionRecord* out = record.mutable_http();
    out->set_flow(flow.flow->id);
    out->set_community_id(flow.flow->community_id);
    out->set_stream(transaction.stream);
    out->set_of(transaction.layer);
    if (flow.proxy) ToWire(*flow.proxy, out->mutable_proxy());
    if (transaction.request) ToWire(*transaction.request, out->mutable_request());
    if (transaction.response) ToWire(*transaction.response, out->mutable_response());
    Write(record);
  }

  void OnBody(const FlowRecord& flow, Direction direction, const BodyRecord& body) override {
    wire::Record record;
    wire::BodyFileRecord* out = record.mutable_body();
    out->set_flow(flow.flow->id);
    out->set_direction(ToWire(direction));
    ToWire(body, out);
    Write(record);
  }

  void OnClosed(FlowRecord& flow) override {
    if (flow.tls != nullptr) {
      wire::Record record;
      ToWire(*flow.flow, *flow.tls, record.mutable_tls());
      Write(record);
    }
    wire::Record record;
    ToWire(flow, record.mutable_flow());
    Write(record);
  }

  void Flush() override {
    if (!lines_.empty()) file_->Append(lines_);
    lines_.clear();
  }

 private:
  void Write(const wire::Record& record) {
    lines_ += Line(record);
    if (lines_.size() >= kWriteBytes) Flush();
  }

  JsonWriter* const file_;
  std::string lines_;
};

JsonWriter::~JsonWriter() {
  if (fd_ >= 0) close(fd_);
}

absl::Status JsonWriter::Open(const std::string& path) {
  path_ = path == "-" ? "standard output" : path;
  fd_ = path == "-" ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : OpenNamedOutput(path);
  return fd_ < 0 ? FileError("create", path_) : absl::OkStatus();
}

std::unique_ptr<RecordConsumer> JsonWriter::MakeConsumer(SinkLedger* /*ledger*/) {
  return std::make_unique<Lines>(this);
}

void JsonWriter::OnJoined(const std::string& /*stream_path*/, const BodyRecord& body) {
  wire::Record record;
  ToWire(body, record.mutable_body());
  Append(Line(record));
}

void JsonWriter::Append(const std::string& lines) {
  const MutexLock lock(&mutex_);
  if (status_.ok()) status_ = WriteAll(fd_, AsBytes(lines), path_);
}

absl::Status JsonWriter::status() {
  const MutexLock lock(&mutex_);
  return status_;
}

}  // namespace flowstitch
