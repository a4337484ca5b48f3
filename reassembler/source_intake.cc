#include "reassembler/source_intake.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/utf8_text.h"

namespace flowstitch {
namespace {

// Of what a source says went wrong.
constexpr size_t kMaxErrorBytes = 4096;

TimeNs WallClockNs() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return MakeTimeNs(now.tv_sec, now.tv_nsec);
}

}  // namespace

SourceIntake::SourceIntake(const ReassemblerOptions& options, Reassembler* reassembler,
                           StreamBatcher* batcher)
    : options_(options),
      reassembler_(*reassembler),
      batcher_(*batcher),
      merger_(options.reorder_window_ms * kNsPerMs),
      on_finished_([this](size_t source, const FrameBatch& used) {
        links_->Finish(source, *DeliveredFrames::MessageOf(used));
      }),
      books_(&merger_, reassembler) {}

absl::Status SourceIntake::Open(ProcessServices& services, uint64_t epoch) {
  auto endpoints = ParseEndpoints(options_.captures, /*binds_by_default=*/true);
  if (!endpoints.ok()) return endpoints.status();
  auto socket = Socket::Open(services.context, zmq::socket_type::router, *endpoints,
                             *services.security, kCaptureRole);
  if (!socket.ok()) return socket.status();
  links_ =
      std::make_unique<RouterReceiver>(*std::move(socket),
                                       LinkIdentity{wire::REASSEMBLER_INPUT, options_.name, epoch,
                                                    false, nullptr, services.reads_memory},
                                       wire::CAPTURE, options_.window_bytes);
  if (options_.sources != 1) reassembler_.set_several_sources();
  return absl::OkStatus();
}

void SourceIntake::Service(int64_t now_ns) {
  links_->Service(now_ns, [this](size_t source, std::shared_ptr<Delivery> delivery) {
    Take(source, std::move(delivery));
  });
  AddNew();
  EndRefused();
  const TimeNs latest_ns = LatestNs();
  for (size_t i = 0; i < links_->peers(); ++i) {
    merger_.SetWatermark(i, std::min(links_->link(i).heartbeat_watermark_ns(), latest_ns));
  }
  keeps_pace_ = keeps_pace_ || latest_ns != kTimeMax;
  if (keeps_pace_) reassembler_.KeepPace(now_ns);
}

void SourceIntake::AddNew() {
  ReplaceForgotten();
  while (merger_.sources() < links_->peers()) {
    const size_t source = merger_.sources();
    const LinkReceiver& link = links_->link(source);
    merger_.AddSource(link.peer_name(), link.peer_live());
    if (merger_.sources() > 1) reassembler_.set_several_sources();
    books_.AddSource(&link);
    ends_.push_back(nullptr);
    generations_.push_back(links_->generation(source));
  }
}

void SourceIntake::ReplaceForgotten() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (generations_[i] == links_->generation(i)) continue;
    generations_[i] = links_->generation(i);
    const LinkReceiver& link = links_->link(i);
    books_.ReplaceSource(i, &link);
    merger_.ReplaceSource(i, link.peer_name(), link.peer_live());
    ends_[i] = nullptr;
  }
}

// What a refused source sent before is used; nothing more is waited for.
void SourceIntake::EndRefused() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    const LinkReceiver& link = links_->link(i);
    if (link.state() != LinkState::kRefused || merger_.ended(i)) continue;
    merger_.EndSource(i, true);
    if (error_.empty() && link.received() > 0) {
      error_ = absl::StrFormat("source '%s' was refused: %s", link.peer_name(), link.refusal());
    }
  }
}

// Where there is an interface among several sources, nothing is captured later than now: none of
// them can close the others' flows by what it says of the time.
TimeNs SourceIntake::LatestNs() const {
  const bool among_others = options_.sources != 1 && !links_->socket().in_process();
  if (!among_others || !merger_.any_live()) return kTimeMax;
  return AddNs(WallClockNs(), kClockAheadNs);
}

void SourceIntake::Take(size_t source, std::shared_ptr<Delivery> delivery) {
  AddNew();
  books_.NoteEpoch(source);
  if (delivery->message().has_packets()) {
    TakePackets(source, std::move(delivery));
  } else if (delivery->message().has_end()) {
    TakeEnd(source, std::move(delivery));
  }
}

void SourceIntake::TakePackets(size_t source, std::shared_ptr<Delivery> delivery) {
  const wire::PacketBatch& packets = delivery->message().packets();
  batcher_.tls_secrets().AddAll(packets.tls_secrets());
  if (packets.has_source_ledger()) books_.Tell(source, packets.source_ledger());
  merger_.EndSource(source, false);
  const bool has_frames = packets.capture_time_ns_size() > 0;
  if (has_frames) {
    auto frames = std::make_shared<DeliveredFrames>(delivery);
    if (merger_.AddBatch(source, std::move(frames), LatestNs())) return;
  }
  links_->Finish(source, *delivery);
  if (has_frames || !delivery->blob().empty()) {
    links_->Contradicts(source, "its batch's lengths do not add up to its frames");
  }
}

void SourceIntake::TakeEnd(size_t source, std::shared_ptr<Delivery> delivery) {
  const wire::End& end = delivery->message().end();
  batcher_.tls_secrets().AddAll(end.tls_secrets());
  books_.Tell(source, end.source());
  if (error_.empty()) error_ = ToPrintable(end.error().substr(0, kMaxErrorBytes));
  merger_.EndSource(source, true);
  // That of an earlier process, whose frames wait still.
  if (ends_[source] != nullptr) links_->Finish(source, *ends_[source]);
  ends_[source] = std::move(delivery);
}

bool SourceIntake::Next(Frame* frame) { return merger_.Next(frame, on_finished_); }

void SourceIntake::FinishEnds() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (ends_[i] == nullptr || !merger_.drained(i)) continue;
    links_->Finish(i, *ends_[i]);
    ends_[i] = nullptr;
  }
}

size_t SourceIntake::admitted() const {
  size_t sources = 0;
  for (size_t i = 0; i < links_->peers(); ++i) {
    if (links_->link(i).state() != LinkState::kRefused) ++sources;
  }
  return sources;
}

bool SourceIntake::AllEnded() const {
  if (options_.sources == 0) return false;
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (!merger_.ended(i) || !merger_.drained(i)) return false;
  }
  return true;
}

bool SourceIntake::FilesAreLeft() const {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (!links_->link(i).peer_live() && !merger_.ended(i)) return true;
  }
  return false;
}

bool SourceIntake::MayGo(int64_t now_ns) const {
  return links_->MayGo(now_ns, [this](size_t i) { return merger_.ended(i); });
}

}  // namespace flowstitch
