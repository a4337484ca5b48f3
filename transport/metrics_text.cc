#include "transport/metrics_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace flowstitch {

void MetricsText::Sample(const std::string& name, std::string_view type, std::string_view help,
                         const Labels& labels, const std::string& value) {
  std::string& lines = families_[name];
  if (lines.empty()) {
    absl::StrAppend(&lines, "# HELP ", name, " ",
                    absl::StrReplaceAll(std::string(help), {{"\\", "\\\\"}, {"\n", "\\n"}}),
                    "\n# TYPE ", name, " ", std::string(type), "\n");
  }
  lines += name;
  char before = '{';
  for (const auto& [label, text] : labels) {
    absl::StrAppend(&lines, std::string(1, before), std::string(label), "=\"",
                    absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                    "\"");
    before = ',';
  }
  absl::StrAppend(&lines, labels.empty() ? " " : "} ", value, "\n");
}

void MetricsText::Counter(std::string_view name, std::string_view help, const Labels& labels,
                          uint64_t value) {
  Sample(absl::StrCat("flowstitch_", std::string(name), "_total"), "counter", help, labels,
         absl::StrCat(value));
}

void MetricsText::Gauge(std::string_view name, std::string_view help, const Labels& labels,
                        double value) {
  Sample(absl::StrCat("flowstitch_", std::string(name)), "gauge", help, labels,
         absl::StrCat(value));
}

void MetricsText::Add(const SourceLedger& ledger, const std::string& source) {
#define FLOWSTITCH_METRIC(name, help) \
  Counter("source_" #name, help, {{"source", source}}, ledger.name);
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_METRIC)
#undef FLOWSTITCH_METRIC
}

void MetricsText::Add(const ReassemblyLedger& ledger, uint32_t shard) {
  const Labels labels = {{"shard", absl::StrCat(shard)}};
#define FLOWSTITCH_METRIC(name, help)                                           \
  if (std::string_view(#name) == "waiting_bytes") {                             \
    Gauge("reassembly_" #name, help, labels, static_cast<double>(ledger.name)); \
  } else {                                                                      \
    Counter("reassembly_" #name, help, labels, ledger.name);                    \
  }
  FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_METRIC)
#undef FLOWSTITCH_METRIC
}

void MetricsText::Add(const SinkLedger& ledger, const std::string& sink) {
#define FLOWSTITCH_METRIC(name, help) Counter("sink_" #name, help, {{"sink", sink}}, ledger.name);
  FLOWSTITCH_SINK_LEDGER(FLOWSTITCH_METRIC)
#undef FLOWSTITCH_METRIC
}

std::string MetricsText::Text() const {
  std::string text;
  for (const auto& [name, lines] : families_) text += lines;
  return text;
}

}  // namespace flowstitch
