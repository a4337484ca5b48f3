#include "capture/filter_hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/link_type.h"
#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

Frame FrameOf(const std::vector<uint8_t>& bytes) {
  Frame frame;
  frame.bytes = bytes;
  frame.wire_length = static_cast<uint32_t>(bytes.size());
  frame.link_type = kLinkEthernet;
  return frame;
}

TEST(FilterHint, SaysWhatTheFilterDidNotLookInto) {
  std::vector<uint8_t> plain(60, 0);
  plain[12] = 8;
  plain[14] = 0x45;
  plain[17] = 40;
  plain[23] = 6;
  std::vector<uint8_t> tagged = plain;
  tagged.insert(tagged.begin() + 12, {0x81, 0, 0, 7});
  std::vector<uint8_t> tunneled = plain;
  tunneled[17] = 46;
  tunneled[23] = 4;  // IP in IP
  FilterHint hint;
  EXPECT_EQ(hint.Text("x"), "") << "no frame came";
  hint.NoteMiss(FrameOf(plain));
  EXPECT_EQ(hint.Text("port 80"), "the filter 'port 80' matched none of 1 frames");
  hint.NoteMiss(FrameOf(tagged));
  EXPECT_THAT(hint.Text("port 80"), HasSubstr("1 have VLAN tags"));
  EXPECT_THAT(hint.Text("port 80"), HasSubstr("'vlan and (port 80)'"));
  EXPECT_THAT(hint.Text("port 80"), Not(HasSubstr("tunnels")));
  hint.NoteMiss(FrameOf(tunneled));
  EXPECT_THAT(hint.Text("port 80"), HasSubstr("none of 3 frames"));
  EXPECT_THAT(hint.Text("port 80"), HasSubstr("1 are of tunnels"));
  hint.NoteMatch();
  EXPECT_EQ(hint.Text("port 80"), "");
}

}  // namespace
}  // namespace flowstitch
