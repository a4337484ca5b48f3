#include "transport/http_listener.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// Without a descriptor for a connection, the next one is waited for so long.
constexpr std::chrono::milliseconds kAcceptPause(100);
constexpr char kLoopback[] = "127.0.0.1";

struct Address {
  std::string host;
  uint16_t port = 0;
};

std::optional<Address> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  Address address;
  address.host = colon == std::string::npos || colon == 0 ? kLoopback : text.substr(0, colon);
  uint32_t port = 0;
  if (!absl::SimpleAtoi(colon == std::string::npos ? text : text.substr(colon + 1), &port) ||
      port > 65535) {
    return std::nullopt;
  }
  address.port = static_cast<uint16_t>(port);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  return address;
}

// One client: its request, then the answer, then the end.
class Connection {
 public:
  Connection(tcp::socket socket, const HttpListenerLimits& limits)
      : limits_(limits), stream_(std::move(socket)) {
    parser_.header_limit(static_cast<uint32_t>(limits.head_bytes));
    parser_.body_limit(limits.body_bytes);
  }

  // `done` is called once, last; it may delete the connection.
  void Start(const HttpListener::Handler& handler, std::function<void()> done) {
    done_ = std::move(done);
    // For the request as a whole: a byte now and then does not renew it.
    stream_.expires_after(std::chrono::milliseconds(limits_.request_ms));
    http::async_read(stream_, buffer_, parser_, [this, &handler](error_code error, size_t) {
      asking_ = false;
      if (!error) {
        Answer(handler({std::string(parser_.get().method_string()), Path()}));
      } else if (error == http::error::header_limit) {
        Answer({431, "text/plain; charset=utf-8", "the request's head is too large\n"});
      } else if (error == http::error::body_limit) {
        Answer({413, "text/plain; charset=utf-8", "the request's body is too large\n"});
      } else {
        End();  // too slow, gone, or no HTTP
      }
    });
  }
  bool asking() const { return asking_; }
  // The handler of what is under way hears of it.
  void Close() {
    asking_ = false;
    stream_.close();
  }

 private:
  void End() {
    const auto done = std::move(done_);
    done();
  }
  std::string Path() const {
    const auto target = parser_.get().target();
    return std::string(target.substr(0, target.find('?')));
  }
  void Answer(HttpResponse answer) {
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, answer.type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.keep_alive(false);
    const bool head = parser_.is_header_done() && parser_.get().method() == http::verb::head;
    const size_t size = answer.body.size();
    if (!head) response_.body() = std::move(answer.body);
    response_.content_length(size);
    stream_.expires_after(std::chrono::milliseconds(limits_.answer_ms));
    http::async_write(stream_, response_, [this](error_code, size_t) {
      error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      End();
    });
  }

  const HttpListenerLimits& limits_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
  std::function<void()> done_;
  bool asking_ = true;
};

}  // namespace

struct HttpListener::Server {
  Server(Handler the_handler, const HttpListenerLimits& the_limits)
      : handler(std::move(the_handler)), limits(the_limits) {}

  void Accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](error_code stopped) {
          if (!stopped) Accept();
        });
        return;
      }
      Take(std::move(socket));
      Accept();
    });
  }
  void Take(tcp::socket socket) {
    if (connections.size() >= limits.connections && !MakeRoom()) return;  // closes it
    connections.emplace_back(std::move(socket), limits);
    const auto self = std::prev(connections.end());
    self->Start(handler, [this, self] { connections.erase(self); });
  }
  // Its end frees its place a moment later; closing ones count no more.
  bool MakeRoom() {
    for (Connection& connection : connections) {
      if (!connection.asking()) continue;
      connection.Close();
      return connections.size() < 2 * limits.connections;
    }
    return false;
  }

  const Handler handler;
  const HttpListenerLimits limits;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  std::list<Connection> connections;
  std::thread thread;
};

HttpListener::HttpListener(std::unique_ptr<Server> server) : server_(std::move(server)) {}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Open(const std::string& address,
                                                                 const std::string& flag,
                                                                 Handler handler,
                                                                 const HttpListenerLimits& limits) {
  const auto parsed = ParseAddress(address);
  if (!parsed) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s '%s': write HOST:PORT, or PORT for loopback", flag, address));
  }
  auto server = std::make_unique<Server>(std::move(handler), limits);
  error_code error;
  tcp::resolver resolver(server->context);
  const auto found =
      resolver.resolve(parsed->host, std::to_string(parsed->port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (!error && !found.empty()) {
    const tcp::endpoint endpoint = *found.begin();
    server->acceptor.open(endpoint.protocol(), error);
    // Not the port of a process that listens there already.
    if (!error) server->acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) server->acceptor.bind(endpoint, error);
    if (!error) server->acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrFormat("%s: cannot listen on '%s': %s", flag, address, error.message()));
  }
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(server)));
}

void HttpListener::Start() {
  server_->Accept();
  server_->thread = std::thread([s = server_.get()] { s->context.run(); });
}

HttpListener::~HttpListener() {
  server_->context.stop();
  if (server_->thread.joinable()) server_->thread.join();
}

int HttpListener::port() const {
  error_code error;
  return server_->acceptor.local_endpoint(error).port();
}

}  // namespace flowstitch
