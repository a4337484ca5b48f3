// Figures in Prometheus' text form (https://prometheus.io/docs/instrumenting/exposition_formats/).
#ifndef FLOWSTITCH_TRANSPORT_METRICS_TEXT_H_
#define FLOWSTITCH_TRANSPORT_METRICS_TEXT_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ledger.h"

namespace flowstitch {

class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // Names are given without "flowstitch_"; a counter's name gets "_total" behind it.
  void Counter(std::string_view name, std::string_view help, const Labels& labels, uint64_t value);
  void Gauge(std::string_view name, std::string_view help, const Labels& labels, double value);

  // The whole ledgers, under their fields' names.
  void Add(const SourceLedger& ledger, const std::string& source);
  void Add(const ReassemblyLedger& ledger, uint32_t shard);
  void Add(const SinkLedger& ledger, const std::string& sink);

  // All lines of one name together, as the form wants it.
  std::string Text() const;

 private:
  void Sample(const std::string& name, std::string_view type, std::string_view help,
              const Labels& labels, const std::string& value);

  std::map<std::string, std::string> families_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_METRICS_TEXT_H_
