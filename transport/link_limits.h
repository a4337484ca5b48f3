// Limits and intervals of the link, in one place. Times are of a steady clock, in ns.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LIMITS_H_
#define FLOWSTITCH_TRANSPORT_LINK_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "base/capture_time.h"

namespace flowstitch {

// Versions of the protocol in proto/link.proto that this build speaks.
inline constexpr uint32_t kLinkVersionMin = 1;
inline constexpr uint32_t kLinkVersionMax = 1;

inline constexpr char kLinkMagic[] = "flowstitch";

// A Hello that is not answered is said again this often.
inline constexpr int64_t kHelloIntervalNs = 500 * kNsPerMs;
// An end that has nothing else to say says this much.
inline constexpr int64_t kHeartbeatIntervalNs = 1 * kNsPerSecond;
// A watermark that has moved on is told this soon: others may wait for it.
inline constexpr int64_t kWatermarkIntervalNs = 20 * kNsPerMs;
// A receiver that has finished with everything says so this often until its peer knows.
inline constexpr int64_t kFarewellIntervalNs = 100 * kNsPerMs;
// A peer that is silent for so long is reported as lost (and waited for).
inline constexpr int64_t kPeerTimeoutNs = 5 * kNsPerSecond;
// A resend that was asked for is not repeated before this, so that one hole is not filled many
// times.
inline constexpr int64_t kResendIntervalNs = 100 * kNsPerMs;

// What a receiver takes beyond what it has finished with. One batch is always allowed.
inline constexpr size_t kDefaultWindowBytes = size_t{64} << 20;
// What a sender keeps for peers that have not acknowledged it; beyond, files wait and live frames
// drop.
inline constexpr size_t kDefaultSendBufferBytes = size_t{64} << 20;
// A message larger than this is not accepted from a socket.
inline constexpr size_t kMaxMessageBytes = size_t{64} << 20;
// Names of sources and sinks, in bytes.
inline constexpr size_t kMaxNameBytes = 128;
// Peers that one process keeps track of on one endpoint; more are refused.
inline constexpr size_t kMaxPeers = 1024;

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LIMITS_H_
