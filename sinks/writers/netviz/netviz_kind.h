// report.pdf and its figures, and their options.
#ifndef FLOWSTITCH_SINKS_WRITERS_NETVIZ_NETVIZ_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_NETVIZ_NETVIZ_KIND_H_

#include <map>

#include "base/mutex.h"
#include "sinks/streams/writer_kind.h"
#include "sinks/writers/netviz/traffic_profile.h"

namespace flowstitch {

class NetvizWriterKind : public WriterKind {
 public:
  std::string name() const override { return "netviz"; }
  std::string option() const override { return "--netviz"; }
  void Want(bool on) override { wanted_ = on; }
  bool wanted() const override { return wanted_; }
  void AddOptions(OptionTable* table) override;
  std::vector<std::string> OwnOutputs(const std::string& directory) const override;
  std::unique_ptr<Writer> Make(const WriterContext& context) override;
  absl::Status WriteEnd(const RunInfo& run) override;

  // A worker's figures, once it has finished. Thread-safe.
  void Take(size_t worker, TrafficProfile profile);

  size_t addresses = 1000;  // that are told apart
  bool table = false;       // print the figures on standard output too

 private:
  bool wanted_ = false;
  Mutex mutex_;
  // By worker: what is left out beyond the limit of addresses depends on the order.
  std::map<size_t, TrafficProfile> parts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_NETVIZ_NETVIZ_KIND_H_
