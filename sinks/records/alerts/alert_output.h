// Tells others of files (alerts.h) as they come and go: of flow files, or of bodies.
#ifndef FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERT_OUTPUT_H_
#define FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERT_OUTPUT_H_

#include <memory>
#include <string>

#include "sinks/records/alerts/alerts.h"
#include "sinks/records/record_output.h"

namespace flowstitch {

class AlertOutput : public RecordOutput {
 public:
  enum class Of { kStreamFiles, kBodies };

  AlertOutput(const AlertOptions& options, Of of) : of_(of), alerts_(options) {}

  std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* ledger) override;
  void OnJoined(const std::string& stream_path, const BodyRecord& body) override;
  absl::Status status() override { return alerts_.status(); }
  bool idle() override { return alerts_.idle(); }
  void GiveUp() override { alerts_.GiveUp(); }

 private:
  const Of of_;
  Alerts alerts_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERT_OUTPUT_H_
