// The listener of the metrics against clients that are slow, many, or talk nonsense.
#include "transport/http_listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

namespace flowstitch {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A client's connection on loopback.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Say(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t sent = send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;  // it has heard enough
      at += static_cast<size_t>(sent);
    }
  }
  // Whether there is something to hear, the end too; a moment is waited for it.
  bool WasTold() {
    pollfd readable = {fd_, POLLIN, 0};
    return poll(&readable, 1, 1) > 0;
  }
  // All that it is told before the end.
  std::string Hear() {
    std::string text;
    char part[4096];
    for (ssize_t got; (got = recv(fd_, part, sizeof(part), 0)) > 0;) {
      text.append(part, static_cast<size_t>(got));
    }
    return text;
  }

 private:
  const int fd_;
};

std::unique_ptr<HttpListener> Listen(const HttpListenerLimits& limits = {}) {
  auto listener = HttpListener::Open(
      "127.0.0.1:0", "--test",
      [](const HttpRequest& r) {
        return HttpResponse{r.path == "/large" ? 200 : 201, "text/plain",
                            r.path == "/large" ? std::string(8 << 20, 'x') : r.method + r.path};
      },
      limits);
  EXPECT_TRUE(listener.ok()) << listener.status();
  (*listener)->Start();
  return *std::move(listener);
}

TEST(HttpListener, AnswersARequestAndEnds) {
  const auto listener = Listen();
  Client client(listener->port());
  client.Say("GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.Hear();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 201 "));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET/metrics"));
  Client head(listener->port());
  head.Say("HEAD /a HTTP/1.1\r\n\r\n");
  const std::string without_body = head.Hear();
  EXPECT_THAT(without_body, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(without_body, EndsWith("\r\n\r\n"));
}

TEST(HttpListener, ThereIsALimitOnEverythingThatIsAsked) {
  const auto listener = Listen();
  const std::string large(1 << 20, 'a');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET /x HTTP/1.1\r\nX: " + large + "\r\n\r\n", "HTTP/1.1 431 "},
      {"POST /x HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n", "HTTP/1.1 413 "},
      {"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", ""},
      {large, ""},
      {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), ""},
  };
  for (const auto& [request, answer] : cases) {
    Client client(listener->port());
    client.Say(request);
    EXPECT_THAT(client.Hear(), StartsWith(answer)) << request.substr(0, 40);
  }
  Client after(listener->port());
  after.Say("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(after.Hear(), StartsWith("HTTP/1.1 201 "));
}

// A byte now and then does not renew the deadline.
TEST(HttpListener, ARequestHasADeadlineAsAWhole) {
  HttpListenerLimits limits;
  limits.request_ms = 300;
  const auto listener = Listen(limits);
  Client slow(listener->port());
  slow.Say("GET / HTTP/1.1\r\nX: ");
  // Ends when the listener closes, or with the test's time-out.
  while (!slow.WasTold()) slow.Say("a");
  EXPECT_EQ(slow.Hear(), "");
}

TEST(HttpListener, WhoeverAsksIsAnsweredBesideManyThatDoNot) {
  HttpListenerLimits limits;
  limits.connections = 8;
  limits.request_ms = 600'000;
  const auto listener = Listen(limits);
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(std::make_unique<Client>(listener->port()));
    silent.back()->Say("GET / HTTP/1.1\r\nX: ");
  }
  Client client(listener->port());
  client.Say("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.Hear(), EndsWith("GET/healthz"));
  EXPECT_EQ(silent.front()->Hear(), "") << "the oldest gave way";
}

TEST(HttpListener, NobodyHoldsItsEnd) {
  auto listener = Listen();
  Client asks(listener->port());
  asks.Say("GET / HTTP/1.1\r\nX: ");
  Client does_not_read(listener->port());
  does_not_read.Say("GET /large HTTP/1.1\r\n\r\n");
  Client done(listener->port());
  done.Say("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(done.Hear(), StartsWith("HTTP/1.1 201 "));
  listener = nullptr;  // returns, or the test's time-out says so
}

TEST(HttpListener, AddressesAreLoopbackUnlessTheySayMore) {
  const HttpListener::Handler handler = [](const HttpRequest&) { return HttpResponse(); };
  for (const char* address : {"0", ":0", "127.0.0.1:0", "[::1]:0"}) {
    const auto listener = HttpListener::Open(address, "--metrics", handler);
    if (std::string(address).find("::1") != std::string::npos && !listener.ok()) continue;
    ASSERT_TRUE(listener.ok()) << address << ": " << listener.status();
    EXPECT_GT((*listener)->port(), 0);
    // The port is one process's alone.
    if (std::strcmp(address, "127.0.0.1:0") != 0) continue;
    const auto second = HttpListener::Open("127.0.0.1:" + std::to_string((*listener)->port()),
                                           "--metrics", handler);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
  }
  for (const char* address : {"", "x", "1.2.3.4", "127.0.0.1:", "127.0.0.1:99999", "host:-1"}) {
    const auto listener = HttpListener::Open(address, "--metrics", handler);
    EXPECT_THAT(std::string(listener.status().message()), HasSubstr("--metrics")) << address;
  }
}

}  // namespace
}  // namespace flowstitch
