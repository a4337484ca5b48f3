#include "sinks/writers/netviz/netviz_kind.h"

#include <cstdio>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "sinks/streams/file_error.h"
#include "sinks/writers/netviz/traffic_page.h"

namespace flowstitch {
namespace {

// One worker's part.
class NetvizWriter : public TrafficProfile {
 public:
  NetvizWriter(NetvizWriterKind* kind, size_t worker)
      : TrafficProfile(kind->addresses), kind_(kind), worker_(worker) {}
  void Finish() override { kind_->Take(worker_, std::move(*this)); }

 private:
  NetvizWriterKind* const kind_;
  const size_t worker_;
};

std::string PagePath(const std::string& directory) {
  return absl::StrCat(directory, "/report.pdf");
}

}  // namespace

void NetvizWriterKind::AddOptions(OptionTable* options) {
  constexpr bool kOfStageOnly = true;
  options->Add({option(), "", "Draw report.pdf: the traffic over time, by address, port.",
                FlagOption{&wanted_}, kOutputGroup, kOfStageOnly});
  options->Add({"--netviz-addresses", "N", "Addresses that are told apart there.",
                NumberOption{&addresses, 10, 1'000'000}, kOutputGroup, kOfStageOnly});
  options->Add({"--netviz-table", "", "Print its figures on standard output too.",
                FlagOption{&table}, kOutputGroup, kOfStageOnly});
}

std::vector<std::string> NetvizWriterKind::OwnOutputs(const std::string& directory) const {
  std::vector<std::string> outputs = {PagePath(directory)};
  if (table) outputs.emplace_back("-");
  return outputs;
}

std::unique_ptr<Writer> NetvizWriterKind::Make(const WriterContext& context) {
  if (!wanted_) return nullptr;
  return std::make_unique<NetvizWriter>(this, context.worker);
}

void NetvizWriterKind::Take(size_t worker, TrafficProfile profile) {
  const MutexLock lock(&mutex_);
  parts_.emplace(worker, std::move(profile));
}

absl::Status NetvizWriterKind::WriteEnd(const RunInfo& run) {
  if (!wanted_) return absl::OkStatus();
  TrafficProfile all(addresses);
  {
    const MutexLock lock(&mutex_);
    for (const auto& [worker, part] : parts_) all.Merge(part);
  }
  TrafficPageInfo info;
  info.inputs = run.inputs;
  info.generated = FormatIsoSeconds(MakeTimeNs(std::time(nullptr), 0));
  if (table && (std::fputs(TrafficTable(all).c_str(), stdout) < 0 || std::fflush(stdout) != 0)) {
    return FileError("write to", "standard output");
  }
  return WriteTrafficPage(all, info, PagePath(run.directory));
}

}  // namespace flowstitch
