#include "base/frames/wireless.h"

#include <algorithm>

#include "base/frames/ethernet.h"

namespace flowstitch {
namespace {

constexpr size_t kFcsBytes = 4;

// IEEE 802.11-2016, 9.2.4.1: the first two bytes.
constexpr uint8_t kTypeMask = 0x0c;
constexpr uint8_t kBeacon = 0x80;  // management, subtype 8
constexpr uint8_t kTypeData = 0x08;
constexpr uint8_t kSubtypeNoData = 0x40;
constexpr uint8_t kSubtypeQos = 0x80;
constexpr uint8_t kToDs = 0x01;
constexpr uint8_t kFromDs = 0x02;
constexpr uint8_t kProtected = 0x40;
constexpr uint8_t kOrder = 0x80;
constexpr uint8_t kQosAggregate = 0x80;  // A-MSDU present

// https://www.radiotap.org: the fields that stand first.
constexpr uint32_t kRadiotapTsft = 1u << 0;
constexpr uint32_t kRadiotapFlags = 1u << 1;
constexpr uint32_t kRadiotapMoreWords = 1u << 31;
constexpr uint8_t kRadiotapFcs = 0x10;
constexpr uint8_t kRadiotapDataPad = 0x20;
constexpr uint8_t kRadiotapBadFcs = 0x40;

constexpr size_t kPrismBytes = 144;
constexpr uint32_t kAvsMagic = 0x80211000;  // the last 12 bits are the version

constexpr uint16_t kPpi80211Common = 2;
constexpr uint16_t kPpiFcsPresent = 0x0001;
constexpr uint16_t kPpiFcsInvalid = 0x0004;

WirelessHints ReadRadiotapFlags(ByteView header) {
  const uint32_t present = LoadLe32(header.data() + 4);
  size_t at = 4;
  uint32_t word = 0;
  do {
    if (at + 4 > header.size()) return {};
    word = LoadLe32(header.data() + at);
    at += 4;
  } while (word & kRadiotapMoreWords);
  if ((present & kRadiotapFlags) == 0) return {};
  if (present & kRadiotapTsft) at = (at + 7) / 8 * 8 + 8;
  if (at >= header.size()) return {};
  WirelessHints hints;
  hints.fcs_behind = header[at] & kRadiotapFcs;
  hints.data_pad = header[at] & kRadiotapDataPad;
  hints.bad_fcs = header[at] & kRadiotapBadFcs;
  return hints;
}

}  // namespace

bool NextSubframe(LinkLayer* link) {
  const ByteView rest = link->subframes;
  link->datagram = {};
  link->subframes = {};
  if (rest.size() < 14) return false;  // what is left is padding
  const size_t length = LoadBe16(rest.data() + 12);
  const size_t captured = std::min(length, rest.size() - 14);
  std::copy_n(rest.begin(), 6, link->destination_mac.begin());
  std::copy_n(rest.begin() + 6, 6, link->source_mac.begin());
  link->vlans = {};
  link->frames = link->tags = 0;
  link->verdict = ReadLlc(rest.subspan(14, captured), link);
  const size_t whole = (14 + length + 3) / 4 * 4;
  if (whole < rest.size()) link->subframes = rest.subspan(whole);
  return true;
}

namespace {

// IEEE 802.11-2020, 9.3.3.2: after the header a time stamp, an interval and capabilities, then
// elements, of which the name is the first.
void ReadBeacon(ByteView frame, LinkLayer* link) {
  constexpr size_t kElementsAt = 24 + 8 + 2 + 2;
  constexpr size_t kMaxSsidBytes = 32;
  if (frame.size() < kElementsAt + 2 || frame[kElementsAt] != 0) return;
  const size_t length = frame[kElementsAt + 1];
  if (length > kMaxSsidBytes || length > frame.size() - kElementsAt - 2) return;
  link->is_beacon = true;
  link->beacon_ssid = frame.subspan(kElementsAt + 2, length);
  std::copy_n(frame.begin() + 10, 6, link->source_mac.begin());
}

}  // namespace

LinkVerdict ReadIeee80211(ByteView frame, WirelessHints hints, LinkLayer* link) {
  if (frame.size() < 2) return LinkVerdict::kMalformed;
  const uint8_t kind = frame[hints.swapped ? 1 : 0];
  const uint8_t flags = frame[hints.swapped ? 0 : 1];
  if (kind == kBeacon && !hints.bad_fcs) ReadBeacon(frame, link);
  if ((kind & kTypeMask) != kTypeData || (kind & kSubtypeNoData)) {
    link->unread = {UnreadLayer::kWireless, (kind & kTypeMask) * 4u | kind >> 4u};
    return LinkVerdict::kNotIp;
  }
  if (hints.bad_fcs) return LinkVerdict::kMalformed;
  if (flags & kProtected) {
    link->unread = {UnreadLayer::kEncrypted, 0};
    return LinkVerdict::kNotIp;
  }
  const bool four_addresses = (flags & kToDs) && (flags & kFromDs);
  const bool qos = kind & kSubtypeQos;
  size_t header = four_addresses ? 30 : 24;
  const size_t qos_at = header;
  if (qos) header += 2;
  if (qos && (flags & kOrder)) header += 4;  // HT control
  if (hints.data_pad) header = (header + 3) / 4 * 4;
  if (hints.fcs_behind && frame.size() >= kFcsBytes) frame = frame.first(frame.size() - kFcsBytes);
  if (frame.size() < header) return LinkVerdict::kMalformed;
  // A later fragment of an 802.11 frame begins in the middle of a datagram.
  if ((frame[22] & 0x0f) != 0) {
    link->unread = {UnreadLayer::kFragment, 0};
    return LinkVerdict::kNotIp;
  }
  const auto address = [&frame](int n) { return frame.data() + (n == 4 ? 24 : 4 + (n - 1) * 6); };
  const uint8_t* destination = address(flags & kToDs ? 3 : 1);
  const uint8_t* source = address(four_addresses ? 4 : flags & kFromDs ? 3 : 2);
  std::copy_n(destination, 6, link->destination_mac.begin());
  std::copy_n(source, 6, link->source_mac.begin());
  link->has_macs = true;
  const ByteView body = frame.subspan(header);
  if (!qos || (frame[qos_at] & kQosAggregate) == 0) return ReadLlc(body, link);
  link->subframes = body;
  return NextSubframe(link) ? link->verdict : LinkVerdict::kMalformed;
}

LinkVerdict ReadRadiotap(ByteView frame, LinkLayer* link) {
  if (frame.size() < 8) return LinkVerdict::kMalformed;
  const size_t header = LoadLe16(frame.data() + 2);
  if (header < 8 || header > frame.size()) return LinkVerdict::kMalformed;
  return ReadIeee80211(frame.subspan(header), ReadRadiotapFlags(frame.first(header)), link);
}

LinkVerdict ReadPrismOrAvs(ByteView frame, LinkLayer* link) {
  if (frame.size() < 8) return LinkVerdict::kMalformed;
  size_t header = kPrismBytes;
  if ((LoadBe32(frame.data()) & 0xfffff000u) == kAvsMagic) header = LoadBe32(frame.data() + 4);
  if (header < 8 || header > frame.size()) return LinkVerdict::kMalformed;
  return ReadIeee80211(frame.subspan(header), {}, link);
}

WirelessHints ReadPpiHints(ByteView header) {
  WirelessHints hints;
  size_t at = 8;
  while (at + 4 <= header.size()) {
    const uint16_t type = LoadLe16(header.data() + at);
    const size_t length = LoadLe16(header.data() + at + 2);
    at += 4;
    if (length > header.size() - at) break;
    if (type == kPpi80211Common && length >= 10) {
      const uint16_t flags = LoadLe16(header.data() + at + 8);
      hints.fcs_behind = flags & kPpiFcsPresent;
      hints.bad_fcs = flags & kPpiFcsInvalid;
    }
    at += length;
  }
  return hints;
}

}  // namespace flowstitch
