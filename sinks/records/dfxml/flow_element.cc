#include "sinks/records/dfxml/flow_element.h"

#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/flow_id.h"
#include "sinks/records/dfxml/xml_text.h"

namespace flowstitch {
namespace {

// Parts lie in their body, and what TLS hid in the decrypted bytes.
bool LiesInStream(const BodyRecord& body) {
  return body.of.empty() && body.kind != BodyKind::kPart;
}

// Of a file: both are those of its first byte.
void WriteTimes(TimeNs time_ns, XmlText* xml) {
  const IsoTime time(time_ns);
  xml->Element("mtime", time.view());
  xml->Element("atime", time.view());
}

void WriteRuns(const FlowRecord::Stream& stream, XmlText* xml) {
  if (stream.gaps.empty() && stream.bodies.empty()) return;
  xml->Start("byte_runs");
  for (const GapRecord& gap : stream.gaps) {
    xml->Start("byte_run");
    xml->Attribute("file_offset", gap.offset);
    xml->Attribute("len", gap.length);
    xml->AttributeAsIs("fill", "0");
    xml->Attribute("flowstitch:gap", NameOf(gap.reason));
    xml->End();
  }
  for (const BodyRecord& body : stream.bodies) {
    if (!LiesInStream(body)) continue;
    xml->Start("byte_run");
    xml->Attribute("file_offset", body.stream_offset);
    xml->Attribute("len", body.stream_bytes);
    xml->Attribute("uncompressed_len", body.bytes);
    xml->Attribute("flowstitch:body", body.path);
    xml->End();
  }
  xml->End();
}

void WriteDigests(const std::vector<DigestValue>& digests, XmlText* xml) {
  for (const DigestValue& digest : digests) {
    xml->Start("hashdigest");
    xml->Attribute("type", digest.type);
    xml->Text(digest.hex);
    xml->End();
  }
}

// Room for each byte.
constexpr size_t kMacTextBytes = 3;

char* WriteMacText(char* at, std::string_view mac) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < mac.size(); ++i) {
    const auto byte = static_cast<uint8_t>(mac[i]);
    if (i > 0) *at++ = ':';
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 15];
  }
  return at;
}

void WriteMac(std::string_view name, const std::string& mac, XmlText* xml) {
  char text[kMacTextBytes * 6];
  if (mac.size() == 6) {
    xml->AttributeAsIs(name, {text, WriteMacText(text, mac)});
  } else {
    xml->AttributeAsIs(name, MacText(mac));
  }
}

// tcpflow's element, attribute by attribute; "startime" is its spelling, and what its consumers
// read.
void WriteTcpflow(const SinkFlow& flow, Direction direction, ReportForm form, XmlText* xml) {
  const StreamSummary& s = flow.streams[direction].summary;
  const Endpoint& source = flow.source_of(direction);
  const Endpoint& destination = flow.destination_of(direction);
  const bool from_client = direction == kClientToServer;
  xml->Start("tcpflow");
  if (form == ReportForm::kDfxml) xml->Attribute("xmlns", kTcpflowNamespace);
  // tcpflow's consumers read microseconds.
  const int64_t unit = form == ReportForm::kTcpflow ? 1000 : 1;
  const auto time = [xml, unit](std::string_view name, TimeNs ns) {
    xml->AttributeAsIs(name, IsoTime(AddNs(ns, -(SplitTimeNs(ns).nanoseconds % unit))).view());
  };
  time("startime", s.first_time_ns);
  time("endtime", s.last_time_ns);
  if (!flow.client_mac.empty()) {
    WriteMac("mac_daddr", from_client ? flow.server_mac : flow.client_mac, xml);
    WriteMac("mac_saddr", from_client ? flow.client_mac : flow.server_mac, xml);
  }
  const bool ipv4 = source.address.family == IpFamily::kIpv4;
  xml->Attribute("family", static_cast<uint64_t>(ipv4 ? AF_INET : AF_INET6));
  xml->AttributeAsIs("src_ipn", FormatIpAddress(source.address));
  xml->AttributeAsIs("dst_ipn", FormatIpAddress(destination.address));
  xml->Attribute("srcport", uint64_t{source.port});
  xml->Attribute("dstport", uint64_t{destination.port});
  xml->Attribute("packets", s.packets);
  if (s.out_of_order_packets != 0 || form == ReportForm::kDfxml) {
    xml->Attribute("out_of_order_count", s.out_of_order_packets);
  }
  xml->Attribute("len", s.wire_bytes);
  if (s.captured_bytes != s.wire_bytes) xml->Attribute("caplen", s.captured_bytes);
  xml->End();
}

void WriteProxy(const ProxyRecord& proxy, XmlText* xml) {
  const auto end = [xml](const char* name, const char* port_name, const std::string& address,
                         uint32_t port) {
    if (address.empty()) return;
    xml->Attribute(name, address);
    xml->Attribute(port_name, uint64_t{port});
  };
  xml->Start("flowstitch:proxy");
  xml->Attribute("kind", proxy.kind);
  end("source", "source_port", proxy.source, proxy.source_port);
  end("destination", "destination_port", proxy.destination, proxy.destination_port);
  xml->End();
}

void WriteTls(const TlsFacts& facts, XmlText* xml) {
  const auto attribute = [xml](const char* name, const std::string& value) {
    if (!value.empty()) xml->Attribute(name, value);
  };
  xml->Start("flowstitch:tls");
  attribute("server_name", facts.server_name);
  attribute("alpn_offered", absl::StrJoin(facts.alpn_offered, ","));
  attribute("alpn", facts.alpn);
  if (facts.client_hello) attribute("offered_version", TlsVersionName(facts.offered_version));
  if (facts.server_hello) {
    attribute("version", TlsVersionName(facts.version));
    attribute("cipher", TlsCipherText(facts));
  }
  for (const TlsCertificate& certificate : facts.certificates) {
    xml->Start("flowstitch:certificate");
    attribute("subject", certificate.subject);
    attribute("issuer", certificate.issuer);
    attribute("not_before", certificate.not_before);
    attribute("not_after", certificate.not_after);
    attribute("sha256", certificate.sha256);
    xml->End();
  }
  xml->End();
}

void WritePlainAttributes(const PlainRecord& plain, const std::string& stream_path, XmlText* xml) {
  xml->Attribute("of", stream_path + plain.of);
  xml->AttributeAsIs("complete", plain.complete ? "true" : "false");
  xml->Attribute("gaps", plain.gaps);
  if (!plain.note.empty()) xml->Attribute("note", plain.note);
}

void WriteOwn(const FlowRecord& record, Direction direction, XmlText* xml) {
  const SinkFlow& flow = *record.flow;
  const SinkStream& stream = flow.streams[direction];
  const FlowRecord::Stream& found = record.streams[direction];
  const StreamSummary& s = stream.summary;
  xml->Start("flowstitch:stream");
  xml->Attribute("flow", flow.number);
  xml->AttributeAsIs("direction",
                     direction == kClientToServer ? "client_to_server" : "server_to_client");
  xml->Attribute("community_id", flow.community_id);
  xml->Attribute("opened_by", NameOf(flow.opened_by));
  if (flow.mid_stream) xml->AttributeAsIs("mid_stream", "true");
  if (flow.unconfirmed) xml->AttributeAsIs("unconfirmed", "true");
  if (flow.continues) {
    xml->Attribute("continues", NumberOfFlow(*flow.continues));
    xml->Attribute("start_offset", flow.start_offset[direction]);
  }
  xml->Attribute("close_reason", NameOf(flow.close_reason));
  if (!flow.history.empty()) xml->Attribute("history", flow.history);
  xml->Attribute("protocol", uint64_t{flow.protocol});
  if (!stream.vlan.empty()) xml->Attribute("vlan", absl::StrJoin(stream.vlan, ","));
  xml->Attribute("bytes", s.bytes);
  xml->Attribute("gaps", s.gaps);
  xml->Attribute("gap_bytes", s.gap_bytes);
  xml->Attribute("retransmitted_bytes", s.retransmitted_bytes);
  xml->Attribute("overlapping_bytes", s.overlapping_bytes);
  xml->Attribute("conflicting_bytes", s.conflicting_bytes);
  xml->Attribute("truncated_bytes", s.truncated_bytes);
  xml->Attribute("late_bytes", s.late_bytes);
  if (!record.conversation.path.empty()) {
    xml->Attribute("conversation", record.conversation.path);
    xml->Attribute("conversation_bytes", record.conversation.bytes);
    for (const DigestValue& digest : record.conversation.digests) {
      xml->Attribute(absl::StrCat("conversation_", absl::AsciiStrToLower(digest.type)), digest.hex);
    }
  }
  for (const TunnelRecord& tunnel : flow.tunnels) {
    xml->Start("flowstitch:tunnel");
    xml->Attribute("kind", NameOf(tunnel.kind));
    xml->Attribute("id", uint64_t{tunnel.id});
    xml->AttributeAsIs("source", FormatIpAddress(tunnel.source));
    xml->AttributeAsIs("destination", FormatIpAddress(tunnel.destination));
    xml->End();
  }
  if (record.proxy) WriteProxy(*record.proxy, xml);
  if (record.tls != nullptr) WriteTls(*record.tls, xml);
  for (const PlainRecord& plain : found.plain) {
    if (!plain.path.empty()) continue;  // it has a fileobject of its own
    xml->Start("flowstitch:decrypted");
    WritePlainAttributes(plain, stream.path, xml);
    xml->End();
  }
  for (const UnreadRecord& stop : found.unread) {
    xml->Start("flowstitch:http_stopped");
    xml->Attribute("of", stream.path + stop.of);
    xml->Attribute("offset", stop.offset);
    if (stop.end) xml->Attribute("end", *stop.end);
    xml->Attribute("why", stop.why);
    xml->End();
  }
  xml->End();
}

void WriteStream(const FlowRecord& record, Direction direction, XmlText* xml) {
  const FlowRecord::Stream& found = record.streams[direction];
  xml->Start("fileobject");
  if (!found.file.path.empty()) xml->Element("filename", found.file.path);
  xml->Element("filesize", found.file.bytes);
  if (!found.file.path.empty()) {
    WriteTimes(record.flow->streams[direction].summary.first_time_ns, xml);
  }
  WriteRuns(found, xml);
  WriteDigests(found.file.digests, xml);
  WriteTcpflow(*record.flow, direction, ReportForm::kDfxml, xml);
  WriteOwn(record, direction, xml);
  xml->End();
}

void WriteBody(const std::string& stream_path, const BodyRecord& body, XmlText* xml) {
  xml->Start("fileobject");
  xml->Element("filename", body.path);
  xml->Element("filesize", body.bytes);
  WriteTimes(body.time_ns, xml);
  WriteDigests(body.digests, xml);
  xml->Start("flowstitch:body");
  xml->Attribute("kind", BodyKindName(body.kind));
  xml->Attribute("of", stream_path + body.of);
  xml->Attribute("offset", body.stream_offset);
  xml->Attribute("bytes", body.stream_bytes);
  xml->AttributeAsIs("complete", body.complete ? "true" : "false");
  if (!body.note.empty()) xml->Attribute("note", body.note);
  if (!body.sender_name.empty()) xml->Attribute("sender_name", body.sender_name);
  if (!body.field_name.empty()) xml->Attribute("field_name", body.field_name);
  xml->End();
  xml->End();
}

// What TLS hid, as a file of its own.
void WritePlain(const std::string& stream_path, const PlainRecord& plain, XmlText* xml) {
  if (plain.path.empty()) return;
  xml->Start("fileobject");
  xml->Element("filename", plain.path);
  xml->Element("filesize", plain.bytes);
  WriteTimes(plain.time_ns, xml);
  WriteDigests(plain.digests, xml);
  xml->Start("flowstitch:decrypted");
  WritePlainAttributes(plain, stream_path, xml);
  xml->End();
  xml->End();
}

// A stream as tcpflow writes it: what consumers look for comes first, in its order.
void WriteStreamLikeTcpflow(const FlowRecord& record, Direction direction, XmlText* xml) {
  const FlowRecord::Stream& found = record.streams[direction];
  xml->Start("fileobject");
  if (!found.file.path.empty()) xml->Element("filename", found.file.path);
  xml->Element("filesize", found.file.bytes);
  WriteTcpflow(*record.flow, direction, ReportForm::kTcpflow, xml);
  WriteDigests(found.file.digests, xml);
  WriteOwn(record, direction, xml);
  if (!found.gaps.empty() || !found.bodies.empty()) xml->Start("byte_runs");
  for (const GapRecord& gap : found.gaps) {
    xml->Start("byte_run");
    xml->Attribute("file_offset", gap.offset);
    xml->Attribute("len", gap.length);
    xml->Attribute("flowstitch:gap", NameOf(gap.reason));
    xml->End();
  }
  for (const BodyRecord& body : found.bodies) {
    xml->Start("byte_run");
    if (LiesInStream(body)) xml->Attribute("file_offset", body.stream_offset);
    xml->Start("fileobject");
    xml->Element("filename", body.path);
    xml->Element("filesize", body.bytes);
    WriteDigests(body.digests, xml);
    xml->End();
    xml->End();
  }
  if (!found.gaps.empty() || !found.bodies.empty()) xml->End();
  xml->End();
}

}  // namespace

std::string MacText(const std::string& mac) {
  std::string text(kMacTextBytes * mac.size(), ' ');
  text.resize(static_cast<size_t>(WriteMacText(text.data(), mac) - text.data()));
  return text;
}

std::string BodyElement(const std::string& stream_path, const BodyRecord& body) {
  XmlText xml;
  WriteBody(stream_path, body, &xml);
  return xml.Take();
}

void AppendFlowElements(const FlowRecord& record, ReportForm form, std::string* text) {
  thread_local XmlText xml;  // its buffer is used again
  for (const Direction direction : kDirections) {
    const SinkStream& stream = record.flow->streams[direction];
    const FlowRecord::Stream& found = record.streams[direction];
    if (stream.summary.packets == 0 && stream.length == 0) continue;
    if (form == ReportForm::kTcpflow) {
      WriteStreamLikeTcpflow(record, direction, &xml);
      continue;
    }
    WriteStream(record, direction, &xml);
    for (const PlainRecord& plain : found.plain) WritePlain(stream.path, plain, &xml);
    for (const BodyRecord& body : found.bodies) WriteBody(stream.path, body, &xml);
  }
  xml.MoveTo(text);
}

}  // namespace flowstitch
