#include "sinks/record_list.h"

#include <memory>
#include <utility>

#include "sinks/records/alerts/alert_output.h"
#include "sinks/records/dfxml/report_writer.h"
#include "sinks/records/json/json_writer.h"
#include "sinks/records/ranges/range_output.h"
#include "sinks/sink_checks.h"

namespace flowstitch {

absl::Status OpenRecordOutputs(const SinkOptions& options, RecordOutputs* outputs) {
  if (options.content().bodies) {
    outputs->push_back(std::make_unique<RangeOutput>(options.digests, outputs));
  }
  if (!options.json.empty()) {
    auto json = std::make_unique<JsonWriter>();
    if (const absl::Status status = json->Open(options.json); !status.ok()) return status;
    outputs->push_back(std::move(json));
  }
  using AlertsOf = AlertOutput::Of;
  if (options.file_alerts.any()) {
    outputs->push_back(std::make_unique<AlertOutput>(options.file_alerts, AlertsOf::kStreamFiles));
  }
  if (options.body_alerts.any()) {
    outputs->push_back(std::make_unique<AlertOutput>(options.body_alerts, AlertsOf::kBodies));
  }
  if (options.dfxml) {
    auto report = std::make_unique<ReportWriter>();
    const absl::Status status =
        report->Open({ReportPath(options), options.report_form, options.command_line,
                      options.report_roll_s * kNsPerSecond});
    if (!status.ok()) return status;
    outputs->push_back(std::move(report));
  }
  return absl::OkStatus();
}

}  // namespace flowstitch
