#include <gtest/gtest.h>

#include "sinks/writers/content/content_names.h"

namespace flowstitch {
namespace {

TEST(ContentNames, ByTypeAndWhereThatIsMissingOrWrongByContent) {
  auto names = ContentNames::Open();
  if (!names.ok()) GTEST_SKIP() << names.status();
  const std::string png =
      std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", 29) +
      "\x90\x77\x53\xde";  // the header chunk's CRC
  const std::string pdf = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n";
  const auto name = [&names](std::string_view type, const std::string& start) {
    return (*names)->Extension(type, AsBytes(start));
  };
  EXPECT_EQ(name("text/html; charset=x", "<html>"), "html");
  EXPECT_EQ(name("text/html", "just text"), "html");
  EXPECT_EQ(name("text/html", pdf), "html") << "its first bytes are text";
  EXPECT_EQ(name("image/jpeg", png), "png");
  EXPECT_EQ(name("text/plain", png), "png");
  EXPECT_EQ(name("", png), "png");
  EXPECT_EQ(name("application/octet-stream", pdf), "pdf");
  EXPECT_EQ(name("application/octet-stream", "\x01\x02\x03"), "bin");
  EXPECT_EQ(name("x/y", "\x01\x02\x03"), "");
  EXPECT_EQ(name("application/x-www-form-urlencoded", "a=b"), "");
  EXPECT_EQ(name("image/png", ""), "png");
}

}  // namespace
}  // namespace flowstitch
