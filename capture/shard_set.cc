#include "capture/shard_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/link_metrics.h"

namespace flowstitch {

absl::Status ShardSet::Open(zmq::context_t& context, const std::string& endpoints,
                            const LinkSecurity& security, const LinkIdentity& self,
                            size_t buffer_bytes, const ShardOutput::OnBatch& on_batch) {
  const auto parsed = ParseEndpoints(endpoints, /*binds_by_default=*/false);
  if (!parsed.ok()) return parsed.status();
  for (const SocketEndpoint& endpoint : *parsed) {
    auto socket =
        Socket::Open(context, zmq::socket_type::dealer, {endpoint}, security, kReassemblerRole);
    if (!socket.ok()) return socket.status();
    shards_.push_back(
        std::make_unique<ShardOutput>(*std::move(socket), self, buffer_bytes, on_batch));
    sockets_.push_back(&shards_.back()->link().socket());
  }
  return absl::OkStatus();
}

absl::Status ShardSet::OpenSpools(const SpoolOptions& of_all, uint64_t* found) {
  for (size_t i = 0; i < shards_.size(); ++i) {
    SpoolOptions options = of_all;
    options.name = absl::StrCat(of_all.name, ".", i);
    auto spool = Spool::Open(options);
    if (!spool.ok()) return spool.status();
    *found += (*spool)->found_frames();
    shards_[i]->set_spool(*std::move(spool));
  }
  return absl::OkStatus();
}

bool ShardSet::keeps_blocks() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->batcher().keeps_blocks(); });
}

void ShardSet::set_block(const std::shared_ptr<const uint8_t[]>& block) {
  for (const auto& shard : shards_) shard->batcher().set_block(block);
}

void ShardSet::AddTlsSecrets(const KeyLogLines& secrets) {
  for (const auto& shard : shards_) shard->batcher().tls_secrets().AddAll(secrets.texts());
}

void ShardSet::SetLedger(const wire::SourceLedger& figures) {
  for (const auto& shard : shards_) shard->SetLedger(figures);
}

void ShardSet::FlushDue(int64_t now_ns) {
  for (const auto& shard : shards_) shard->FlushIfDue(now_ns);
}

void ShardSet::FlushAndTellWatermark() {
  TimeNs watermark_ns = kTimeMin;
  for (const auto& shard : shards_) {
    shard->Flush();
    watermark_ns = std::max(watermark_ns, shard->watermark_ns());
  }
  for (const auto& shard : shards_) shard->link().set_watermark_ns(watermark_ns);
}

uint64_t ShardSet::DrainSpools(int64_t now_ns) {
  uint64_t frames = 0;
  for (const auto& shard : shards_) frames += shard->DrainSpool(now_ns);
  return frames;
}

void ShardSet::AppendEnd(const wire::End& end) {
  for (const auto& shard : shards_) shard->AppendEnd(end);
}

absl::Status ShardSet::Service(int64_t now_ns) {
  absl::Status first;
  for (const auto& shard : shards_) {
    const absl::Status status = shard->Service(now_ns);
    if (first.ok()) first = status;
  }
  return first;
}

absl::Status ShardSet::spool_status() const {
  for (const auto& shard : shards_) {
    if (shard->spool() != nullptr && !shard->spool()->status().ok()) {
      return shard->spool()->status();
    }
  }
  return absl::OkStatus();
}

uint64_t ShardSet::spool_left() const {
  uint64_t frames = 0;
  for (const auto& shard : shards_) {
    if (const Spool* spool = shard->spool()) frames += spool->frames() + spool->lost_frames();
  }
  return frames;
}

bool ShardSet::waits_on_disk() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->waits_on_disk(); });
}

bool ShardSet::reached() const {
  return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) {
    return shard->link().core().state() == LinkState::kOpen;
  });
}

bool ShardSet::drained() const {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->link().drained(); });
}

void ShardSet::AddMetrics(const std::string& source, int64_t now_ns, MetricsText* text) const {
  for (size_t i = 0; i < shards_.size(); ++i) {
    const MetricsText::Labels labels = {{"source", source}, {"peer", absl::StrCat("shard-", i)}};
    if (const Spool* spool = shards_[i]->spool()) {
      text->Gauge("source_spool_bytes", "bytes of the files that wait on the disk", labels,
                  static_cast<double>(spool->bytes()));
    }
    const SendingDealer& link = shards_[i]->link();
    AddLinkMetrics(link.core(), labels, now_ns, text);
  }
}

}  // namespace flowstitch
