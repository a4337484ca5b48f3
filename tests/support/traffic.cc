#include "tests/support/traffic.h"

#include <algorithm>
#include <deque>
#include <random>
#include <string>

namespace flowstitch::testing {
namespace {

constexpr std::string_view kRequest = "GET /object HTTP/1.0\r\nHost: generated.example\r\n\r\n";

uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct LiveFlow {
  uint32_t number;
  Endpoint client;
  Endpoint server;
  uint32_t client_isn;
  uint32_t server_isn;
  uint64_t sent = 0;
  int step = 0;
};

class Generator {
 public:
  Generator(const TrafficOptions& options, const std::function<void(const CapturedPacket&)>& take)
      : options_(options),
        stream_bytes_(options.server_stream.empty() ? options.bytes_per_flow
                                                    : options.server_stream.size()),
        take_(take),
        random_(options.seed) {}

  void Run() {
    std::deque<LiveFlow> live;
    uint32_t opened = 0;
    while (opened < options_.flows || !live.empty()) {
      while (live.size() < options_.concurrent && opened < options_.flows)
        live.push_back(Open(opened++));
      LiveFlow flow = live.front();
      live.pop_front();
      if (Advance(&flow)) live.push_back(flow);
    }
    while (!late_.empty()) ReleaseLate();
  }

 private:
  LiveFlow Open(uint32_t number) {
    const bool ipv6 = options_.ipv6 && number % 2 == 1;
    const auto port = static_cast<uint16_t>(1024 + number % 60000);
    const uint32_t host = number / 60000;
    LiveFlow flow{
        number, {}, {}, static_cast<uint32_t>(random_()), static_cast<uint32_t>(random_())};
    if (ipv6) {
      flow.client = End("2001:db8::1", port);
      flow.server = End("2001:db8::2", 80);
      flow.client.address.bytes[14] = static_cast<uint8_t>(host);
    } else {
      const auto third = static_cast<uint8_t>(host);
      const uint8_t client[4] = {10, 1, third, 1};
      const uint8_t server[4] = {10, 2, third, 2};
      flow.client = {IpAddress::FromIpv4(client), port};
      flow.server = {IpAddress::FromIpv4(server), 80};
    }
    return flow;
  }

  // Sends the flow's next packet; false when it was the last.
  bool Advance(LiveFlow* f) {
    const uint32_t client_after = f->client_isn + 1 + static_cast<uint32_t>(kRequest.size());
    switch (f->step++) {
      case 0:
        Send(*f, true, f->client_isn, 0, kTcpSyn, "");
        return true;
      case 1:
        Send(*f, false, f->server_isn, f->client_isn + 1, kTcpSyn | kTcpAck, "");
        return true;
      case 2:
        Send(*f, true, f->client_isn + 1, f->server_isn + 1, kTcpAck | kTcpPsh, kRequest);
        return true;
      default:
        break;
    }
    const uint32_t server_next = f->server_isn + 1 + static_cast<uint32_t>(f->sent);
    if (f->sent < stream_bytes_) {
      const auto n =
          static_cast<size_t>(std::min<uint64_t>(options_.segment_bytes, stream_bytes_ - f->sent));
      if (options_.server_stream.empty()) {
        payload_.resize(n);
        FillPayload(options_.seed, f->number, f->sent,
                    {reinterpret_cast<uint8_t*>(payload_.data()), n});
      } else {
        payload_ = options_.server_stream.substr(f->sent, n);
      }
      f->sent += n;
      Data(*f, server_next, client_after, payload_);
      // Every second segment is acknowledged, as hosts do.
      if (f->step % 2 == 0) {
        Send(*f, true, client_after, server_next + static_cast<uint32_t>(n), kTcpAck, "");
      }
      return true;
    }
    Send(*f, false, server_next, client_after, kTcpFin | kTcpAck, "");
    Send(*f, true, client_after, server_next + 1, kTcpFin | kTcpAck, "");
    Send(*f, false, server_next + 1, client_after + 1, kTcpAck, "");
    return false;
  }

  void Data(const LiveFlow& flow, uint32_t sequence, uint32_t acknowledgement,
            std::string_view payload) {
    std::uniform_real_distribution<double> chance(0, 1);
    if (options_.loss > 0 && chance(random_) < options_.loss) return;
    if (options_.disorder > 0 && chance(random_) < options_.disorder) {
      late_.push_back(Build(flow, false, sequence, acknowledgement, kTcpAck, payload));
      return;
    }
    Send(flow, false, sequence, acknowledgement, kTcpAck, payload);
  }

  CapturedPacket Build(const LiveFlow& flow, bool from_client, uint32_t sequence,
                       uint32_t acknowledgement, uint8_t flags, std::string_view payload) {
    SegmentSpec spec;
    spec.source = from_client ? flow.client : flow.server;
    spec.destination = from_client ? flow.server : flow.client;
    spec.sequence = sequence;
    spec.acknowledgement = acknowledgement;
    spec.flags = flags;
    spec.payload = payload;
    spec.ip_id = ip_id_++;
    return Capture(EthernetFrame(Datagram(spec)), 0);
  }

  void Send(const LiveFlow& flow, bool from_client, uint32_t sequence, uint32_t acknowledgement,
            uint8_t flags, std::string_view payload) {
    Emit(Build(flow, from_client, sequence, acknowledgement, flags, payload));
    if (late_.size() > 3) ReleaseLate();
  }

  void ReleaseLate() {
    CapturedPacket packet = std::move(late_.front());
    late_.pop_front();
    Emit(std::move(packet));
  }

  void Emit(CapturedPacket packet) {
    packet.time_ns = time_ns_;
    time_ns_ += 5'000;
    take_(packet);
  }

  const TrafficOptions options_;
  const uint64_t stream_bytes_;
  const std::function<void(const CapturedPacket&)>& take_;
  std::mt19937_64 random_;
  std::deque<CapturedPacket> late_;
  std::string payload_;
  TimeNs time_ns_ = 1'700'000'000 * kNsPerSecond;
  uint16_t ip_id_ = 0;
};

}  // namespace

void FillPayload(uint64_t seed, uint32_t flow, uint64_t offset, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const uint64_t at = offset + i;
    out[i] = static_cast<uint8_t>(Mix(seed ^ (uint64_t{flow} << 40) ^ (at >> 3)) >> (at % 8 * 8));
  }
}

void MakeTraffic(const TrafficOptions& options,
                 const std::function<void(const CapturedPacket&)>& take) {
  Generator(options, take).Run();
}

}  // namespace flowstitch::testing
