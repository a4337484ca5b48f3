// Bytes as requests to the listener of metrics, over a connection: an answer of HTTP or none, and
// in both cases the next request is answered.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/owned_descriptor.h"
#include "tests/fuzz/fuzz.h"
#include "transport/http_listener.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

HttpListener& Listener() {
  static const std::unique_ptr<HttpListener> listener = [] {
    auto opened = HttpListener::Open("127.0.0.1:0", "--fuzz", [](const HttpRequest& request) {
      Must(request.path.size() <= HttpListenerLimits().head_bytes, "a head has a limit");
      return HttpResponse{200, "text/plain", request.path};
    });
    Must(opened.ok(), "it listens");
    (*opened)->Start();
    return *std::move(opened);
  }();
  return *listener;
}

// What is answered to `said`, up to the end of the connection.
std::string Ask(std::string_view said) {
  const OwnedDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(Listener().port()));
  // No port of thousands waits for its connection to be forgotten.
  const linger now = {1, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Must(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
       "it accepts");
  size_t sent = 0;
  while (sent < said.size()) {
    const ssize_t n = send(fd.get(), said.data() + sent, said.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  shutdown(fd.get(), SHUT_WR);
  std::string answer;
  char block[4096];
  for (ssize_t n = 0; (n = recv(fd.get(), block, sizeof(block), 0)) > 0;) {
    answer.append(block, static_cast<size_t>(n));
  }
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string answer = Ask({reinterpret_cast<const char*>(data), size});
  Must(answer.empty() || answer.compare(0, 7, "HTTP/1.") == 0, "an answer is one of HTTP");
  static int runs = 0;
  if (++runs % 64 == 0) {
    Must(Ask("GET /healthz HTTP/1.1\r\n\r\n").find("/healthz") != std::string::npos,
         "the next one is answered");
  }
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  return {"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
          "HEAD /healthz?x=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
          "GET http://a/b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n"};
}
