#include "sinks/writers/netviz/netviz_kind.h"

#include <cstdio>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "sinks/streams/file_error.h"
#include "sinks/writers/netviz/traffic_page.h"

namespace flowstitch {
namespace {

// One worker's part.
class NetvizWriter : public TrafficProfile {
 public:
  NetvizWriter(NetvizWriterKind* kind, size_t addresses) : TrafficProfile(addresses), kind_(kind) {}
  void Finish() override { kind_->Take(*this); }

 private:
  NetvizWriterKind* const kind_;
};

std::string PagePath(const std::string& directory) {
  return absl::StrCat(directory, "/report.pdf");
}

}  // namespace

void NetvizWriterKind::AddOptions(OptionTable* options) {
  constexpr bool kOfStageOnly = true;
  options->Add({option(), "", "Draw report.pdf: the traffic over time, by address, port.",
                FlagOption{&wanted_}, kOfStageOnly});
  options->Add({"--netviz-addresses", "N", "Addresses that are told apart there.",
                NumberOption{&addresses, 10, 1'000'000}, kOfStageOnly});
  options->Add({"--netviz-table", "", "Print its figures on standard output too.",
                FlagOption{&table}, kOfStageOnly});
}

std::vector<std::string> NetvizWriterKind::OwnOutputs(const std::string& directory) const {
  std::vector<std::string> outputs = {PagePath(directory)};
  if (table) outputs.emplace_back("-");
  return outputs;
}

std::unique_ptr<Writer> NetvizWriterKind::Make(const WriterContext& /*context*/) {
  if (!wanted_) return nullptr;
  return std::make_unique<NetvizWriter>(this, addresses);
}

void NetvizWriterKind::Take(const TrafficProfile& profile) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (all_ == nullptr) all_ = std::make_unique<TrafficProfile>(addresses);
  all_->Merge(profile);
}

absl::Status NetvizWriterKind::WriteEnd(const RunInfo& run) {
  if (!wanted_ || all_ == nullptr) return absl::OkStatus();
  TrafficPageInfo info;
  info.inputs = run.inputs;
  info.generated = FormatIsoSeconds(MakeTimeNs(std::time(nullptr), 0));
  if (table && (std::fputs(TrafficTable(*all_).c_str(), stdout) < 0 || std::fflush(stdout) != 0)) {
    return FileError("write to", "standard output");
  }
  return WriteTrafficPage(*all_, info, PagePath(run.directory));
}

}  // namespace flowstitch
