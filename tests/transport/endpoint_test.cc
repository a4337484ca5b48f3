#include "transport/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/socket.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;

TEST(Endpoint, PrefixesSayWhoBinds) {
  EXPECT_TRUE(ParseEndpoint("@tcp://127.0.0.1:1", false)->bind);
  EXPECT_FALSE(ParseEndpoint(">tcp://127.0.0.1:1", true)->bind);
  EXPECT_TRUE(ParseEndpoint("ipc:///tmp/x", true)->bind);
  EXPECT_FALSE(ParseEndpoint("inproc://x", false)->bind);
  EXPECT_EQ(ParseEndpoint("@tcp://*:0", false)->address, "tcp://*:0");
  EXPECT_EQ(ParseEndpoints("tcp://a:1,@ipc://b", false)->size(), 2u);
}

TEST(Endpoint, BadOnesAreNamedWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "transport is not known"},       {"udp://x:1", "transport is not known"},
      {"tcp://", "a port is missing"},      {"tcp://host", "a port is missing"},
      {"tcp://host:99999", "port must be"}, {"tcp://host:x", "port must be"},
      {"ipc://", "nothing follows"},        {"inproc://", "nothing follows"},
      {">tcp://*:5", "not connected to"},   {"127.0.0.1:5", "transport is not known"},
  };
  for (const auto& [text, reason] : cases) {
    const auto endpoint = ParseEndpoint(text, false);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_THAT(std::string(endpoint.status().message()), HasSubstr(reason)) << text;
    EXPECT_THAT(std::string(endpoint.status().message()), HasSubstr(text));
  }
  EXPECT_FALSE(ParseEndpoint("ipc://" + std::string(200, 'x'), true).ok());
  EXPECT_FALSE(ParseEndpoints("tcp://a:1,,", false).ok());
}

TEST(Socket, AnAddressInUseIsNamed) {
  zmq::context_t context;
  auto first = Socket::Open(context, zmq::socket_type::router, {{"tcp://127.0.0.1:*", true}},
                            LinkSecurity(), kSinkRole);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Socket::Open(context, zmq::socket_type::router,
                                   {{first->bound_address(), true}}, LinkSecurity(), kSinkRole);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first->bound_address()));
}

}  // namespace
}  // namespace flowstitch
