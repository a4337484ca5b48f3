#include "base/frames/encapsulations.h"

#include "base/frames/ethernet.h"

namespace flowstitch {
namespace {

constexpr uint16_t kTrill = 0x22f3;
constexpr uint16_t kPpp = 0x880b;
constexpr uint16_t kMacsec = 0x88e5;
constexpr uint16_t kBackbone = 0x88e7;  // IEEE 802.1ah
constexpr uint16_t kFabricPath = 0x8903;
constexpr uint16_t kCiscoMetadata = 0x8909;
constexpr uint16_t kVnTag = 0x8926;  // Cisco's interface tag
constexpr uint16_t kHsr = 0x892f;
constexpr uint16_t kETag = 0x893f;  // IEEE 802.1BR
constexpr uint16_t kNsh = 0x894f;
constexpr uint16_t kCiscoTimestamp = 0x8988;

// IEEE 802.1AE, 9.3: control, short length, packet number, and the channel where a bit says so.
size_t MacsecBytes(ByteView* bytes) {
  constexpr uint8_t kChannel = 0x20;
  constexpr uint8_t kEncryptedOrChanged = 0x0c;
  constexpr uint8_t kShortLength = 0x3f;
  if (bytes->size() < 2) return 8;  // more than there is
  if ((*bytes)[0] & kEncryptedOrChanged) return 0;
  const size_t header = (*bytes)[0] & kChannel ? 14 : 6;
  const size_t length = (*bytes)[1] & kShortLength;  // 0: 48 or more; the checksum is no part of it
  if (length > 0) *bytes = AtMost(*bytes, header + length);
  return header + 2;
}

}  // namespace

size_t TagBytes(uint16_t type, ByteView* bytes) {
  switch (type) {
    case kVnTag:
    case kHsr:  // path and size, sequence number; padding behind the datagram is IP's to tell
      return 6;
    case kETag:
    case kCiscoTimestamp:
      return 8;
    case kCiscoMetadata:  // version, number of options of 4 bytes
      return bytes->size() < 2 ? 8 : 4 + size_t{(*bytes)[1]} * 4;
    case kMacsec:
      return MacsecBytes(bytes);
    default:
      return 0;
  }
}

LinkVerdict ReadNsh(ByteView bytes, LinkLayer* link) {
  constexpr uint8_t kIpv4 = 1;
  constexpr uint8_t kIpv6 = 2;
  constexpr uint8_t kEthernet = 3;
  constexpr uint8_t kNext = 4;
  constexpr uint8_t kMpls = 5;
  for (int headers = 0; headers < kMaxNestedFrames; ++headers) {
    if (bytes.size() < 8) return LinkVerdict::kMalformed;
    const size_t header = (bytes[1] & 0x3fu) * size_t{4};
    const uint8_t next = bytes[3];
    if (header < 8 || header > bytes.size()) return LinkVerdict::kMalformed;
    bytes = bytes.subspan(header);
    switch (next) {
      case kIpv4:
      case kIpv6:
        return ReadIp(bytes, link);
      case kEthernet:
        return ReadEthernet(bytes, link);
      case kMpls:
        return ReadMpls(bytes, link);
      case kNext:
        continue;
      default:
        link->unread = {UnreadLayer::kNshProtocol, next};
        return LinkVerdict::kNotIp;
    }
  }
  return LinkVerdict::kMalformed;
}

LinkVerdict ReadEncapsulation(uint16_t type, ByteView bytes, LinkLayer* link) {
  switch (type) {
    case kEtherBridged:
      return ReadEthernet(bytes, link);
    case kBackbone:  // flags and service number
      return ReadBehind(4, bytes, link, ReadEthernet);
    case kFabricPath:  // tree and time to live
      return ReadBehind(2, bytes, link, ReadEthernet);
    case kTrill: {  // flags with the options' length in words, two nicknames
      if (bytes.size() < 6) return LinkVerdict::kMalformed;
      const size_t options = (LoadBe16(bytes.data()) >> 6 & 0x1fu) * size_t{4};
      return ReadBehind(6 + options, bytes, link, ReadEthernet);
    }
    case kNsh:
      return ReadNsh(bytes, link);
    case kPpp:
      return ReadPpp(bytes, link);
    case kMacsec:
      link->unread = {UnreadLayer::kEncrypted, type};
      return LinkVerdict::kNotIp;
    default:
      link->unread = {UnreadLayer::kEtherType, type};
      return LinkVerdict::kNotIp;
  }
}

LinkVerdict ReadErf(ByteView frame, LinkLayer* link) {
  constexpr uint8_t kExtensions = 0x80;
  if (frame.size() < 16) return LinkVerdict::kMalformed;
  bool more = frame[8] & kExtensions;
  const uint8_t type = frame[8] & 0x7f;
  frame = frame.subspan(16);
  while (more) {
    if (frame.size() < 8) return LinkVerdict::kMalformed;
    more = frame[0] & kExtensions;
    frame = frame.subspan(8);
  }
  switch (type) {
    case 2:   // Ethernet
    case 11:  // with a colour
    case 16:
    case 20:                                            // with a hash
      return ReadBehind(2, frame, link, ReadEthernet);  // offset and padding
    case 1:                                             // HDLC
    case 10:
    case 15:
    case 17:
      return ReadPppHdlc(frame, link);
    case 22:  // IPv4
    case 23:  // IPv6
      return ReadIp(frame, link);
    default:
      link->unread = {UnreadLayer::kErfType, type};
      return LinkVerdict::kNotIp;
  }
}

LinkVerdict ReadIpoib(ByteView frame, LinkLayer* link) {
  if (frame.size() < 44) return LinkVerdict::kMalformed;
  return ReadEtherType(LoadBe16(frame.data() + 40), frame.subspan(44), link);
}

}  // namespace flowstitch
