#include "sinks/records/alerts/alert_output.h"

namespace flowstitch {
namespace {

class StreamFileAlerts : public RecordConsumer {
 public:
  explicit StreamFileAlerts(Alerts* alerts) : alerts_(alerts) {}
  void OnStreamFileBegun(const std::string& path) override { alerts_->Opened(path); }
  void OnStreamFile(const FlowRecord& /*flow*/, Direction /*direction*/,
                    const StreamFileRecord& file) override {
    if (file.there) alerts_->Closed(file.path);
  }

 private:
  Alerts* const alerts_;
};

class BodyAlerts : public RecordConsumer {
 public:
  explicit BodyAlerts(Alerts* alerts) : alerts_(alerts) {}
  void OnBodyBegun(const std::string& path) override { alerts_->Opened(path); }
  void OnBody(const FlowRecord& /*flow*/, Direction /*direction*/,
              const BodyRecord& body) override {
    alerts_->Closed(body.path);
  }

 private:
  Alerts* const alerts_;
};

}  // namespace

std::unique_ptr<RecordConsumer> AlertOutput::MakeConsumer(SinkLedger* /*ledger*/) {
  if (of_ == Of::kBodies) return std::make_unique<BodyAlerts>(&alerts_);
  return std::make_unique<StreamFileAlerts>(&alerts_);
}

void AlertOutput::OnJoined(const std::string& /*stream_path*/, const BodyRecord& body) {
  if (of_ == Of::kBodies) alerts_.Closed(body.path);
}

}  // namespace flowstitch
