#include "base/process/name_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NameServices, ThoseOfHostsAndUsersAreFound) {
  EXPECT_THAT(
      ServicesNamedIn("# a comment: with a colon\n"
                      "passwd:         files systemd\n"
                      "shadow: files secret\n"
                      "hosts:\tfiles mymachines [!UNAVAIL=return] dns [ NOTFOUND = return ] "
                      "myhostname # not this\n"),
      ElementsAre("dns", "files", "myhostname", "mymachines", "systemd"));
}

TEST(NameServices, NothingBecomesAPath) {
  EXPECT_THAT(ServicesNamedIn("hosts: ../x a/b\npasswd\n:\nhosts"), IsEmpty());
  EXPECT_THAT(ServicesNamedIn(""), IsEmpty());
}

}  // namespace
}  // namespace flowstitch
