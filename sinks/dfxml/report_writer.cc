#include "sinks/dfxml/report_writer.h"

#include <pwd.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>

#include "absl/strings/str_format.h"
#include "sinks/dfxml/flow_element.h"
#include "sinks/dfxml/xml_text.h"

namespace flowstitch {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

void WriteCreator(const std::string& command_line, XmlText* xml) {
  xml->Start("creator");
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
  xml->Element("command_line", command_line);
  xml->Element("uid", uint64_t{getuid()});
  if (const passwd* user = getpwuid(getuid())) xml->Element("username", user->pw_name);
  xml->Element("start_time", FormatIsoSeconds(MakeTimeNs(std::time(nullptr), 0)));
  xml->End();
  xml->End();
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void WriteUsage(XmlText* xml) {
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
  xml->End();
}

void WriteLedger(const ReportTotals& totals, XmlText* xml) {
  xml->Start("flowstitch:ledger");
  for (const auto& source : totals.sources) {
    const SourceLedger& ledger = source.ledger;
    xml->Start("flowstitch:source");
    xml->Attribute("name", source.name);
#define FLOWSTITCH_WRITE(name, help) xml->Attribute(#name, ledger.name);
    FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_WRITE)
    for (const std::string& input : source.inputs) xml->Element("flowstitch:input", input);
    xml->End();
  }
  {
    const ReassemblyLedger& ledger = totals.reassembly;
    xml->Start("flowstitch:reassembly");
    FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_WRITE)
    for (const auto& [type, frames] : totals.unknown_link_types) {
      xml->Start("flowstitch:unknown_link_type");
      xml->Attribute("link_type", uint64_t{type});
      xml->Attribute("frames", frames);
      xml->End();
    }
    xml->End();
  }
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

}  // namespace

absl::Status ReportWriter::Open(const std::string& path, const std::string& command_line) {
  PrepareXmlForThreads();
  path_ = path;
  status_ = file_.Open(path);
  if (!status_.ok()) return status_;
  XmlText xml;
  xml.Declaration();
  xml.Start("dfxml");
  xml.Attribute("xmlns", kDfxmlNamespace);
  xml.Attribute("xmlns:dc", "http://purl.org/dc/elements/1.1/");
  xml.Attribute("xmlns:flowstitch", kFlowstitchNamespace);
  xml.Attribute("version", "2.0.0-beta.0");
  xml.Start("metadata");
  xml.Element("dc:type", "Feature Extraction");
  xml.End();
  WriteCreator(command_line, &xml);
  Append(xml.Take());
  return status_;
}

void ReportWriter::Append(const std::string& text) {
  buffer_ += text;
  if (buffer_.size() < kBufferBytes || !status_.ok()) return;
  status_ = file_.Append(AsBytes(buffer_));
  buffer_.clear();
}

void ReportWriter::Add(uint64_t order, std::string elements) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (order != next_) {
    waiting_.emplace(order, std::move(elements));
    return;
  }
  Append(elements);
  ++next_;
  while (!waiting_.empty() && waiting_.begin()->first == next_) {
    Append(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    ++next_;
  }
}

absl::Status ReportWriter::status() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

absl::Status ReportWriter::Finish(const ReportTotals& totals) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [order, elements] : waiting_) Append(elements);
  XmlText xml;
  WriteUsage(&xml);
  WriteLedger(totals, &xml);
  buffer_ += xml.Take();
  buffer_ += "</dfxml>\n";
  if (status_.ok()) status_ = file_.Append(AsBytes(buffer_));
  if (status_.ok()) status_ = file_.Commit(path_);
  return status_;
}

}  // namespace flowstitch
