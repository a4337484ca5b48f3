// A sink's links: one to each reassembler that it listens to, the shards of one deployment or a
// single one.
#ifndef FLOWSTITCH_SINKS_REASSEMBLER_FEEDS_H_
#define FLOWSTITCH_SINKS_REASSEMBLER_FEEDS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/status/statusor.h"
#include "base/process/waker.h"
#include "transport/dealer_link.h"
#include "transport/metrics_text.h"

namespace flowstitch {

class ReassemblerFeeds {
 public:
  // What one link brought; `feed` counts from 0 in the order of the endpoints.
  using Taker = std::function<void(size_t feed, std::shared_ptr<Delivery>)>;

  // `memories`: that the reassemblers may put payload into.
  absl::Status Open(zmq::context_t& context, const LinkSecurity& security,
                    const std::string& endpoints, const std::string& name, uint64_t window_bytes,
                    const SharedMemories& memories);

  // Reads what has come from all and sends what may go; never blocks. Ends are kept, everything
  // else goes to `take`. An error when one of them refused.
  absl::Status Service(int64_t now_ns, const Taker& take);
  // The same where nothing more is expected.
  absl::Status Service(int64_t now_ns) {
    return Service(now_ns, [](size_t, std::shared_ptr<Delivery>) {});
  }
  // Until something has come, `waker` is called, or the time is over.
  void Wait(Waker& waker, int timeout_ms) {
    WaitForInput(sockets_, waker.fd(), timeout_ms);
    waker.Clear();
  }

  // The epoch of the process at the other end.
  uint64_t epoch(size_t feed) const { return feeds_[feed].link->core().peer_epoch(); }
  // A batch that came is finished with.
  void Finish(size_t feed, const Delivery& delivery);

  // What it sent contradicts the contract: it is refused, and the next Service says so.
  void Contradicts(size_t feed, const std::string& why) { feeds_[feed].link->Contradicts(why); }

  size_t size() const { return feeds_.size(); }
  // Null where a reassembler has not ended.
  const wire::End* end(size_t feed) const {
    const Feed& f = feeds_[feed];
    return f.end == nullptr ? nullptr : &f.end->message().end();
  }
  bool all_ended() const;
  // Everything is finished with, the ends too.
  void FinishEnds();
  // Then: whether all know it; see LinkReceiver.
  bool MayGo(int64_t now_ns);
  void AddMetrics(const std::string& sink, int64_t now_ns, MetricsText* text) const;
  // Endpoints of those that have not ended, with commas.
  std::string missing() const;

 private:
  struct Feed {
    std::string endpoint;
    std::unique_ptr<ReceivingDealer> link;
    std::shared_ptr<Delivery> end;
  };
  std::vector<Feed> feeds_;
  std::vector<Socket*> sockets_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_REASSEMBLER_FEEDS_H_
