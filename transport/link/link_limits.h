// Limits and intervals of the link, in one place. Times are of a steady clock, in ns.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LINK_LIMITS_H_
#define FLOWSTITCH_TRANSPORT_LINK_LINK_LIMITS_H_

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
// Only a batch's blob and TLS secrets may be large. What is not of a batch or End, all of a message
// from a receiver, and all that a peer says before its Hello:
inline constexpr size_t kMaxControlBytes = size_t{4} << 10;
// Fields of a batch before its blob, without TLS secrets: their bytes, and how many.
inline constexpr size_t kMaxFieldsBytes = size_t{1} << 20;
inline constexpr size_t kMaxBatchFields = size_t{1} << 17;
// The same bytes of an End, whose ledger (of as many fields) names every source and network.
inline constexpr size_t kMaxEndBytes = size_t{8} << 20;
// A message takes this many times its size at most when it is parsed, beyond the first bytes.
inline constexpr size_t kMaxParsedTimes = 12;
inline constexpr size_t kFreeParsedBytes = size_t{256} << 10;
// Whatever a peer counts (messages, frames, bytes, flows) is at most this: it takes a hundred
// million a second for almost three years, 1,024 of them add up without overflow, and JSON keeps
// it.
inline constexpr uint64_t kMaxCount = uint64_t{1} << 53;
// Names of sources and sinks, in bytes.
inline constexpr size_t kMaxNameBytes = 128;
// Names that one process keeps track of on one endpoint. When another one comes, the one that has
// been lost for longest is forgotten; where none is lost, it is refused.
inline constexpr size_t kMaxPeers = 1024;
// Of those, names of one key (with a pattern); more are refused.
inline constexpr size_t kMaxNamesPerKey = 256;
// A connection that has not said a Hello by then is closed.
inline constexpr int64_t kHelloTimeoutNs = 10 * kNsPerSecond;
// A Hello is answered this often at most.
inline constexpr int64_t kHelloAnswerIntervalNs = 100 * kNsPerMs;
// Connections to one endpoint, with and without a Hello; fewer where the process has not four times
// as many descriptors. Beyond, the oldest one without a Hello is closed, or the new one.
inline constexpr size_t kMaxConnections = 4096;
// Messages that ZeroMQ queues for one connection: those that have come (beyond, its sender has to
// wait), and those to a peer that does not read (beyond, they are dropped, and the link sends them
// again).
inline constexpr int kMaxQueuedIn = 1024;
inline constexpr int kMaxQueuedOut = 16384;
// Consumers of a tap at a time; topics that one may subscribe to, and their bytes; beyond, its
// connection is closed. Messages that wait for one of them; beyond, it loses the newest.
inline constexpr size_t kMaxConsumers = 64;
inline constexpr size_t kMaxTopicsPerConsumer = 256;
inline constexpr size_t kMaxTopicBytes = 192;
inline constexpr size_t kMaxSubscriptionBytes = 1024;  // of any frame
inline constexpr int kMaxQueuedToConsumer = 512;
inline constexpr int kMaxSubscriptionsAtOnce = 8;
// A sink that has acknowledged nothing for this long while bytes wait for it is named in the log.
inline constexpr int64_t kStalledNs = 5 * kNsPerSecond;

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LINK_LIMITS_H_
