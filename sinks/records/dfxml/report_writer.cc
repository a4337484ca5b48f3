#include "sinks/records/dfxml/report_writer.h"

#include <pwd.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "sinks/records/dfxml/flow_element.h"
#include "sinks/records/dfxml/xml_text.h"
#include "sinks/records/unread_names.h"

namespace flowstitch {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr int64_t kFlushNs = 1 * kNsPerSecond;

void WriteCreator(const ReportOptions& options, XmlText* xml) {
  xml->Start("creator");
  if (options.form == ReportForm::kTcpflow) xml->Attribute("version", "1.0");
  xml->Element("program", "FLOWSTITCH");
  xml->Element("version", FLOWSTITCH_VERSION);
  xml->Start("build_environment");
  xml->Element("compiler", __VERSION__);
  xml->End();
  xml->Start("execution_environment");
  utsname system = {};
  if (uname(&system) == 0) {
    xml->Element("os_sysname", system.sysname);
    xml->Element("os_release", system.release);
    xml->Element("os_version", system.version);
    xml->Element("host", system.nodename);
    xml->Element("arch", system.machine);
  }
  xml->Element("command_line", options.command_line);
  xml->Element("uid", uint64_t{getuid()});
  if (const passwd* user = getpwuid(getuid())) xml->Element("username", user->pw_name);
  xml->Element("start_time", FormatIsoSeconds(MakeTimeNs(std::time(nullptr), 0)));
  xml->End();
  xml->End();
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void WriteUsage(ReportForm form, XmlText* xml) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  xml->Start("rusage");
  xml->Element("utime", absl::StrFormat("%.6f", Seconds(usage.ru_utime)));
  xml->Element("stime", absl::StrFormat("%.6f", Seconds(usage.ru_stime)));
  xml->Element("maxrss", static_cast<uint64_t>(usage.ru_maxrss));
  xml->Element("minflt", static_cast<uint64_t>(usage.ru_minflt));
  xml->Element("majflt", static_cast<uint64_t>(usage.ru_majflt));
  xml->Element("nswap", static_cast<uint64_t>(usage.ru_nswap));
  xml->Element("inblock", static_cast<uint64_t>(usage.ru_inblock));
  xml->Element("oublock", static_cast<uint64_t>(usage.ru_oublock));
  if (form == ReportForm::kTcpflow) {
    timespec now = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    xml->Element("clocktime", absl::StrFormat("%d.%06d", now.tv_sec, now.tv_nsec / 1000));
  }
  xml->End();
}

// Wireless networks, with tcpflow's elements.
void WriteNetworks(const ReportTotals& totals, const std::string& prefix, XmlText* xml) {
  if (totals.networks.empty()) return;
  xml->Start(prefix + "ssids");
  for (const ReportTotals::Network& network : totals.networks) {
    xml->Start(prefix + "ssid");
    xml->Attribute("mac", MacText(network.mac));
    xml->Attribute("ssid", network.ssid);
    xml->Attribute("count", network.beacons);
    xml->End();
  }
  xml->End();
}

// tcpflow's figures, as far as they mean something here.
void WriteTcpflowTotals(const ReportTotals& totals, XmlText* xml) {
  xml->Start("summary");
  WriteNetworks(totals, "", xml);
  xml->End();
  xml->Element("open_fds_at_end", uint64_t{0});
  xml->Element("max_open_flows", totals.reassembly.flows_opened);
  xml->Element("total_flows", totals.reassembly.flows_opened);
  xml->Element("flow_map_size", uint64_t{0});
  xml->Element("total_packets", totals.reassembly.segments);
}

void WriteLedger(const ReportTotals& totals, ReportForm form, XmlText* xml) {
  xml->Start("flowstitch:ledger");
  for (const auto& source : totals.sources) {
    const SourceLedger& ledger = source.ledger;
    xml->Start("flowstitch:source");
    xml->Attribute("name", source.name);
#define FLOWSTITCH_WRITE(name, help) xml->Attribute(#name, ledger.name);
    FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_WRITE)
    if (source.skew_samples > 0) {
      xml->Attribute("skew_to", source.skew_to);
      xml->Attribute("skew_ns", std::to_string(source.skew_ns));
      xml->Attribute("skew_samples", source.skew_samples);
    }
    for (const std::string& input : source.inputs) xml->Element("flowstitch:input", input);
    xml->End();
  }
  {
    const ReassemblyLedger& ledger = totals.reassembly;
    xml->Start("flowstitch:reassembly");
    FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_WRITE)
    for (const auto& [kind, frames] : totals.unread) {
      const bool link_type = kind.layer == UnreadLayer::kLinkType;
      xml->Start(link_type ? "flowstitch:unknown_link_type" : "flowstitch:unread");
      if (!link_type) xml->Attribute("layer", LayerName(kind.layer));
      xml->Attribute(link_type ? "link_type" : "number", uint64_t{kind.number});
      xml->Attribute("frames", frames);
      xml->End();
    }
    xml->End();
  }
  if (form == ReportForm::kDfxml) WriteNetworks(totals, "flowstitch:", xml);
  {
    const SinkLedger& ledger = totals.sink;
    xml->Start("flowstitch:sink");
    FLOWSTITCH_SINK_LEDGER(FLOWSTITCH_WRITE)
    xml->End();
  }
#undef FLOWSTITCH_WRITE
  if (!totals.error.empty()) xml->Element("flowstitch:error", totals.error);
  xml->End();
}

// What closes what Begin opened.
std::string_view EndOf(ReportForm form) {
  return form == ReportForm::kTcpflow ? "</configuration>\n</dfxml>\n" : "</dfxml>\n";
}

}  // namespace

// A worker's part: elements of the flows that have closed since its last batch.
class ReportWriter::FlowElements : public RecordConsumer {
 public:
  FlowElements(ReportWriter* report, SinkLedger* ledger) : report_(report), ledger_(ledger) {}

  void OnClosed(FlowRecord& flow) override {
    AppendFlowElements(flow, report_->options_.form, &closed_.text);
    closed_.flows.push_back({flow.flow->close_order, closed_.text.size()});
    ++ledger_->flows_reported;
  }
  void OnMissing(uint64_t close_order) override {
    closed_.flows.push_back({close_order, closed_.text.size()});
  }
  void OnBatchDone() override {
    if (closed_.flows.empty()) return;
    const size_t bytes = closed_.text.size();
    report_->Add(std::exchange(closed_, {}));
    closed_.text.reserve(bytes + bytes / 4);
  }

 private:
  ReportWriter* const report_;
  SinkLedger* const ledger_;
  ClosedFlows closed_;
};

std::unique_ptr<RecordConsumer> ReportWriter::MakeConsumer(SinkLedger* ledger) {
  return std::make_unique<FlowElements>(this, ledger);
}

absl::Status ReportWriter::Open(const ReportOptions& options) {
  PrepareXmlForThreads();
  options_ = options;
  // Reports of an earlier run stay.
  while (options_.roll_ns > 0 && (access(PathNow().c_str(), F_OK) == 0 ||
                                  access((PathNow() + ".part").c_str(), F_OK) == 0)) {
    ++number_;
  }
  Begin();
  return written_;
}

std::string ReportWriter::PathNow() const {
  if (options_.roll_ns == 0) return options_.path;
  const size_t slash = options_.path.rfind('/');
  const size_t dot = options_.path.rfind('.');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  const size_t stem = has_ending ? dot : options_.path.size();
  return absl::StrFormat("%s-%04d%s", options_.path.substr(0, stem), number_,
                         options_.path.substr(stem));
}

void ReportWriter::Begin() {
  if (!to_output()) written_ = file_.Open(PathNow());
  XmlText xml;
  xml.Declaration();
  xml.Start("dfxml");
  const bool tcpflow = options_.form == ReportForm::kTcpflow;
  if (!tcpflow) {
    xml.Attribute("xmlns", kDfxmlNamespace);
    xml.Attribute("xmlns:dc", "http://purl.org/dc/elements/1.1/");
  }
  xml.Attribute("xmlns:flowstitch", kFlowstitchNamespace);
  if (tcpflow) {
    xml.Attribute("xmloutputversion", "1.0");
  } else {
    xml.Attribute("version", "2.0.0-beta.0");
  }
  xml.Start("metadata");
  if (tcpflow) {
    xml.Attribute("xmlns", kTcpflowNamespace);
    xml.Attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    xml.Attribute("xmlns:dc", "http://purl.org/dc/elements/1.1/");
  }
  xml.Element("dc:type", "Feature Extraction");
  xml.End();
  WriteCreator(options_, &xml);
  if (tcpflow) {
    xml.Element("configuration", "");
    xml.Element("tdelta", "0");
    xml.Start("configuration");
  }
  // What is open stays open: the end is written by Complete. Nothing here has a '>' of its own.
  buffer_ = xml.Take();
  if (tcpflow) buffer_ += ">\n";
  has_flows_ = false;
  WriteBuffer();
}

void ReportWriter::WriteBuffer() {
  if (buffer_.empty() || !written_.ok()) return;
  if (file_.direct()) {
    written_ = file_.Append(AsBytes(buffer_));
  } else if (to_output()) {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size()) {
      written_ = FileError("write to", "standard output");
    }
  } else {
    // In one write with its end, over which the next one goes.
    const size_t size = buffer_.size();
    buffer_ += EndOf(options_.form);
    written_ = WriteAt(file_.fd(), AsBytes(buffer_), file_.size(), PathNow() + ".part");
    file_.Skip(size);
  }
  buffer_.clear();
}

void ReportWriter::Append(std::string_view text) {
  has_flows_ = has_flows_ || !text.empty();
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) WriteBuffer();
}

void ReportWriter::Add(ClosedFlows flows) {
  const auto all = std::make_shared<const ClosedFlows>(std::move(flows));
  const std::string_view text = all->text;
  const MutexLock lock(&mutex_);
  size_t begin = 0;
  for (const ClosedFlows::Flow& flow : all->flows) {
    waiting_.emplace(flow.order, Waiting{all, text.substr(begin, flow.end - begin)});
    begin = flow.end;
  }
}

void ReportWriter::OnJoined(const std::string& stream_path, const BodyRecord& body) {
  const MutexLock lock(&mutex_);
  last_ += BodyElement(stream_path, body);
}

void ReportWriter::Service(int64_t now_ns) {
  WriteReady();
  if (now_ns - flushed_ns_ < kFlushNs) return;
  flushed_ns_ = now_ns;
  Flush(now_ns);
}

absl::Status ReportWriter::status() {
  const MutexLock lock(&mutex_);
  return status_;
}

void ReportWriter::WriteReady() {
  // Written without the lock: those who add do not wait for the disk.
  std::vector<Waiting> ready;
  {
    const MutexLock lock(&mutex_);
    status_ = written_;
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == next_; ++next_) {
      ready.push_back(std::move(it->second));
      it = waiting_.erase(it);
    }
  }
  for (const Waiting& flow : ready) Append(flow.elements);
}

void ReportWriter::Flush(int64_t now_ns) {
  WriteBuffer();
  if (to_output()) std::fflush(stdout);
  if (begun_ns_ == 0) begun_ns_ = now_ns;
  const bool due = options_.roll_ns > 0 && now_ns - begun_ns_ >= options_.roll_ns;
  if (!due || !has_flows_ || to_output() || !written_.ok()) return;
  written_ = Complete(EndOf(options_.form));
  begun_ns_ = now_ns;
  ++number_;
  if (written_.ok()) Begin();
}

absl::Status ReportWriter::Complete(std::string_view end) {
  WriteBuffer();
  if (!written_.ok()) return written_;
  if (to_output()) {
    if (std::fwrite(end.data(), 1, end.size(), stdout) != end.size() || std::fflush(stdout) != 0) {
      return FileError("write to", "standard output");
    }
    return absl::OkStatus();
  }
  if (const absl::Status status = file_.Append(AsBytes(end)); !status.ok()) return status;
  return file_.Commit(PathNow());
}

absl::Status ReportWriter::Finish(const ReportTotals& totals) {
  WriteReady();
  {
    const MutexLock lock(&mutex_);
    for (const auto& [order, waiting] : waiting_) Append(waiting.elements);
    waiting_.clear();
    if (!last_.empty()) Append(last_);
  }
  XmlText xml;
  const bool tcpflow = options_.form == ReportForm::kTcpflow;
  if (tcpflow) WriteTcpflowTotals(totals, &xml);
  WriteUsage(options_.form, &xml);
  WriteLedger(totals, options_.form, &xml);
  written_ = Complete(absl::StrCat(tcpflow ? "</configuration>\n" : "", xml.Take(), "</dfxml>\n"));
  return written_;
}

}  // namespace flowstitch
