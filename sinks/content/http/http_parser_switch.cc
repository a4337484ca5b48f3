// Going on with something else: CONNECT (RFC 9110, 9.3.6) and Upgrade (7.8).
#include "sinks/content/http/http_parser.h"

#include <htp/htp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "sinks/content/http/http_head.h"

namespace flowstitch {
namespace {

// Whether bytes that wait for another protocol begin as it would.
bool MayBegin(const std::string& protocol, std::string_view bytes) {
  if (protocol == "h2c") {
    constexpr std::string_view kPreface = "PRI * HTTP/2.0";
    return bytes.substr(0, kPreface.size()) == kPreface.substr(0, bytes.size());
  }
  // A client's frame: a known kind, and masked. No request begins so.
  if (protocol == "websocket" && bytes.size() >= 2) {
    return (bytes[0] & 0x70 & ~0x40) == 0 && (bytes[1] & 0x80) != 0;
  }
  return true;
}

}  // namespace

// The answer to a request for another protocol.
void HttpParser::NoteAnswerToSwitch(htp_tx_t* tx, const HttpHead& head) {
  const int status = tx->response_status_number;
  if (!head.in_order && side(HttpKind::kRequest).left) {
    const bool tunnel = head.method == "CONNECT" && status / 100 == 2;
    if (status != kSwitchingProtocols && !tunnel) return;
    EndBody(HttpKind::kResponse, true, "");
    Stop(HttpKind::kResponse, side(HttpKind::kResponse).fed.understood_end(), kSwitchBehindLoss);
    return;
  }
  if (status == kSwitchingProtocols) {
    const std::string protocol = absl::AsciiStrToLower(HtpField(tx->response_headers, "upgrade"));
    const std::string extensions = HtpField(tx->response_headers, "sec-websocket-extensions");
    if (!asked_) asked_.emplace();
    asked_->extensions = extensions;
    Switch(protocol.empty() ? "unknown" : protocol);
    return;
  }
  const bool asked = IsTunnelRequest(tx) || !HtpField(tx->request_headers, "upgrade").empty();
  if (!asked || !asked_) return;
  if (IsTunnelRequest(tx) && status >= 200 && status < 300) {
    Switch("");
    return;
  }
  asked_.reset();  // it was refused: HTTP goes on
  side(HttpKind::kRequest).waits_for_switch = false;
  if (IsTunnelRequest(tx)) EndBody(HttpKind::kRequest, true, "");
}

void HttpParser::Switch(std::string protocol) {
  switched_ = std::move(asked_);
  switched_->protocol = std::move(protocol);
  asked_.reset();
  for (const HttpKind kind : {HttpKind::kRequest, HttpKind::kResponse}) {
    Side& s = side(kind);
    if (s.body.open) {
      s.body.open = false;
      events_->OnEnd({kind}, true, "");
    }
    const auto k = static_cast<size_t>(kind);
    switched_->rest_offset[k] = s.held.offset();
    switched_->rest[k] = s.held.Take();
    if (!s.fed.piece().empty()) {
      // Behind the head that was just parsed.
      const size_t used = std::min(Consumed(kind), s.fed.piece().size());
      switched_->rest[k].assign(AsText(s.fed.piece().subspan(used)));
      switched_->rest_offset[k] = s.fed.offset() + used;
    }
    s.fed.unused().clear();
    s.stopped = true;
  }
}

// Answers that are read elsewhere, or not at all, decide nothing here: a request that asked for
// another protocol no longer waits for its own.
void HttpParser::Leave(HttpKind kind, TimeNs time_ns) {
  side(kind).left = true;
  Side& request = side(HttpKind::kRequest);
  if (kind == HttpKind::kRequest || request.stopped || switched_) return;
  const std::string_view held = request.held.view();
  const bool known = asked_ && (asked_->protocol == "h2c" || asked_->protocol == "websocket");
  const bool switches = known && !held.empty() && MayBegin(asked_->protocol, held);
  const bool tunnel = request.waits_for_switch && asked_ && asked_->protocol.empty();
  asked_.reset();
  request.waits_for_switch = false;
  if (request.blocked || switches || tunnel) {
    const uint64_t at = held.empty() ? request.fed.end() : request.held.offset();
    Stop(HttpKind::kRequest, at, kSwitchBehindLoss);
  } else {
    FeedHeld(HttpKind::kRequest, time_ns);
  }
}

// Nobody saw an answer: what the request asked for is believed, if what follows is not another
// request.
void HttpParser::AssumeSwitch(TimeNs time_ns) {
  Side& s = side(HttpKind::kRequest);
  if (MayBegin(asked_->protocol, s.held.view())) {
    const std::string protocol = asked_->protocol;
    Switch(protocol);
    return;
  }
  asked_.reset();
  s.waits_for_switch = false;
  FeedHeld(HttpKind::kRequest, time_ns);
}

}  // namespace flowstitch
