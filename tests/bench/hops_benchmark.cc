// What each hop costs: reading a file, batching, the link's messages, reassembly, writing.
#include <benchmark/benchmark.h>
#include <pcap/pcap.h>

#include <filesystem>
#include <fstream>

#include "capture/batcher.h"
#include "capture/files/capture_file.h"
#include "reassembler/flows/reassembler.h"
#include "reassembler/stream_batcher.h"
#include "sinks/sink_worker.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/traffic.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

// About 28 MB: flows of `bytes`, many at a time, in order or not.
const std::vector<CapturedPacket>& Packets(int64_t bytes, bool disorder) {
  static std::map<std::pair<int64_t, bool>, std::vector<CapturedPacket>> made;
  auto& packets = made[{bytes, disorder}];
  if (!packets.empty()) return packets;
  TrafficOptions options;
  options.bytes_per_flow = static_cast<uint64_t>(bytes);
  options.flows = static_cast<uint32_t>((28 << 20) / bytes);
  options.concurrent = 100;
  options.disorder = disorder ? 0.05 : 0;
  MakeTraffic(options, [&](const CapturedPacket& packet) { packets.push_back(packet); });
  return packets;
}

void Count(benchmark::State& state, const std::vector<CapturedPacket>& packets) {
  uint64_t bytes = 0;
  for (const auto& packet : packets) bytes += packet.bytes.size();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(packets.size()));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// The same as a reassembler gets them: one behind the other, as in a batch.
struct FramesInARow {
  explicit FramesInARow(const std::vector<CapturedPacket>& packets) {
    for (const auto& packet : packets)
      bytes.insert(bytes.end(), packet.bytes.begin(), packet.bytes.end());
    size_t at = 0;
    for (const auto& packet : packets) {
      Frame frame = packet.frame();
      frame.bytes = ByteView(bytes).subspan(at, packet.bytes.size());
      frames.push_back(frame);
      at += packet.bytes.size();
    }
  }
  // Gives them as the reassembler's stage does with batches that were handed over: each batch is an
  // area that may be kept, and the next frame's headers are fetched in advance.
  void Give(Reassembler& reassembler) const {
    constexpr size_t kBatchBytes = size_t{1} << 20;
    const uint8_t* end = bytes.data();
    for (size_t i = 0; i < frames.size(); ++i) {
      const ByteView frame = frames[i].bytes;
      if (frame.data() + frame.size() > end) {
        const auto at = static_cast<size_t>(frame.data() - bytes.data());
        const ByteView batch =
            ByteView(bytes).subspan(at, std::min(kBatchBytes, bytes.size() - at));
        end = batch.data() + batch.size();
        reassembler.SetFrameArea(batch, std::make_shared<size_t>(at));
      }
      if (i + 1 < frames.size()) {
        __builtin_prefetch(frames[i + 1].bytes.data());
        __builtin_prefetch(frames[i + 1].bytes.data() + 64);
      }
      reassembler.OnFrame(frames[i]);
    }
  }
  std::vector<uint8_t> bytes;
  std::vector<Frame> frames;
};

class NoEvents : public StreamEvents {
 public:
  void OnFlowOpened(const FlowInfo&) override {}
  void OnBytes(FlowId, Direction, uint64_t, ByteView bytes, const BytesInfo&) override {
    benchmark::DoNotOptimize(bytes.data());
  }
  void OnGap(FlowId, Direction, uint64_t, uint64_t, GapReason, TimeNs) override {}
  void OnConflict(FlowId, Direction, const Conflict&, TimeNs) override {}
  void OnFlowClosed(FlowId, const FlowEnd&) override {}
};

// What reading alone costs with libpcap: the yardstick for the core.
void LibpcapRead(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), state.range(1) != 0);
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/bench.pcap";
  std::ofstream(path, std::ios::binary) << PcapFile(packets);
  for (auto _ : state) {
    char error[PCAP_ERRBUF_SIZE] = {};
    pcap_t* file = pcap_open_offline(path.c_str(), error);
    if (file == nullptr) {
      state.SkipWithError(error);
      return;
    }
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    while (pcap_next_ex(file, &header, &bytes) == 1) benchmark::DoNotOptimize(bytes);
    pcap_close(file);
  }
  Count(state, packets);
}
BENCHMARK(LibpcapRead)
    ->ArgNames({"flow_bytes", "disorder"})
    ->Args({2'000, 0})
    ->Args({100'000, 0})
    ->Args({100'000, 1});

void ReadFile(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), false);
  const std::string file = PcapFile(packets);
  for (auto _ : state) {
    auto opened = CaptureFile::FromInput("bench", InputBuffer::FromMemory(AsBytes(file)));
    Frame frame;
    while ((*opened)->Next(&frame)) benchmark::DoNotOptimize(frame.bytes.data());
  }
  Count(state, packets);
}
BENCHMARK(ReadFile)->Arg(100'000);

void Batch(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), false);
  for (auto _ : state) {
    Batcher batcher("bench", 1, false);
    uint64_t sequence = 0;
    for (const auto& packet : packets) {
      if (batcher.MustFlushBefore(packet.frame())) {
        benchmark::DoNotOptimize(batcher.Flush(++sequence, nullptr));
      }
      batcher.Add(packet.frame(), 0);
    }
  }
  Count(state, packets);
}
BENCHMARK(Batch)->Arg(2'000)->Arg(100'000);

void Reassemble(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), state.range(1) != 0);
  const FramesInARow row(packets);
  for (auto _ : state) {
    NoEvents events;
    Reassembler reassembler({}, &events);
    row.Give(reassembler);
    reassembler.Finish();
  }
  Count(state, packets);
}
// What remembering delivered bytes costs, by the size of the window.
void ConflictWindow(benchmark::State& state) {
  const auto& packets = Packets(100'000, false);
  ReassemblyOptions options;
  options.tcp.conflict_window_bytes = static_cast<size_t>(state.range(0));
  const FramesInARow row(packets);
  for (auto _ : state) {
    NoEvents events;
    Reassembler reassembler(options, &events);
    for (const Frame& frame : row.frames) reassembler.OnFrame(frame);
    reassembler.Finish();
  }
  Count(state, packets);
}
BENCHMARK(ConflictWindow)->Arg(0)->Arg(1 << 20)->Arg(4 << 20)->Arg(16 << 20)->Arg(64 << 20);

BENCHMARK(Reassemble)
    ->ArgNames({"flow_bytes", "disorder"})
    ->Args({2'000, 0})
    ->Args({100'000, 0})
    ->Args({100'000, 1});

std::vector<WireMessage> StreamBatches(const std::vector<CapturedPacket>& packets) {
  std::vector<WireMessage> batches;
  StreamBatcher batcher(1, 0);
  Reassembler reassembler({}, &batcher);
  const auto flush = [&] { batches.push_back(batcher.Flush(batches.size() + 1)); };
  for (const auto& packet : packets) {
    reassembler.OnFrame(packet.frame());
    if (batcher.full()) flush();
  }
  reassembler.Finish();
  flush();
  return batches;
}

void ReassembleToBatches(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), false);
  for (auto _ : state) benchmark::DoNotOptimize(StreamBatches(packets));
  Count(state, packets);
}
BENCHMARK(ReassembleToBatches)->Arg(2'000)->Arg(100'000);

void Write(benchmark::State& state) {
  const auto& packets = Packets(state.range(0), false);
  const auto batches = StreamBatches(packets);
  for (auto _ : state) {
    TemporaryDirectory directory;
    SinkWorkerOptions options;
    options.directory = directory.path();
    options.names = *NameTemplate::Parse(kDefaultNameTemplate);
    options.directory_was_empty = true;
    SinkWorker worker(options);
    BatchDispatcher dispatcher(0, 1, 1);
    std::vector<std::vector<EventRef>> lists;
    for (const WireMessage& batch : batches) {
      auto in_flight = std::make_shared<InFlightBatch>();
      in_flight->delivery =
          std::make_shared<Delivery>(zmq::message_t(batch.bytes().data(), batch.size()));
      in_flight->users = 1;
      dispatcher.Split(*in_flight->delivery, &lists);
      worker.Post(std::move(in_flight), std::move(lists[0]));
    }
    worker.Finish();
    state.PauseTiming();
    std::filesystem::remove_all(directory.path());
    state.ResumeTiming();
  }
  Count(state, packets);
}
BENCHMARK(Write)->Arg(2'000)->Arg(100'000)->UseRealTime();

}  // namespace
}  // namespace flowstitch

BENCHMARK_MAIN();
