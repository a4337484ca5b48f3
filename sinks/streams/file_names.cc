#include "sinks/streams/file_names.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/decimal.h"

namespace flowstitch {
namespace {

constexpr uint8_t kUdp = 17;

// Room for a name by the default template.
constexpr size_t kUsualBytes = 56;

constexpr std::string_view kTokens = "AaBbEeVvTtCc#NKMGS%";

std::string AddressName(const IpAddress& address) {
  if (address.family == IpFamily::kIpv6) return FormatIpAddress(address);
  return FormatDotted(address, 3);
}

std::string MacName(const std::string& mac) {
  if (mac.size() != 6) return "00:00:00:00:00:00";
  const auto* b = reinterpret_cast<const uint8_t*>(mac.data());
  return absl::StrFormat("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

// tcpflow numbers streams, two for each flow.
uint64_t StreamNumber(const SinkFlow& flow, Direction direction) {
  return flow.number * 2 + static_cast<uint64_t>(direction);
}

// The fraction of a second as so many digits, with a point before it; nothing for 0.
std::string Fraction(TimeNs time_ns, int digits) {
  if (digits == 0) return "";
  return "." + absl::StrFormat("%09d", SplitTimeNs(time_ns).nanoseconds)
                   .substr(0, static_cast<size_t>(digits));
}

// "2008-10-06T16:12:33.123Z".
std::string IsoTime(TimeNs time_ns, int digits) {
  std::string text = FormatIsoSeconds(time_ns);
  return text.insert(text.size() - 1, Fraction(time_ns, digits));
}

bool IsFraction(std::string_view text, size_t at) {
  return at + 1 < text.size() && text[at] >= '1' && text[at] <= '9' &&
         (text[at + 1] == 'T' || text[at + 1] == 't');
}

// What a token stands for, behind `name`. Each stream has a name: no string for each token.
void AppendToken(char token, int digits, const SinkFlow& flow, Direction direction,
                 uint32_t counter, std::string* name) {
  const SinkStream& stream = flow.streams[direction];
  const bool tagged = stream.outer_8021q && !stream.vlan.empty();
  const uint64_t number = StreamNumber(flow, direction);
  switch (token) {
    case 'A':
      *name += AddressName(flow.source_of(direction).address);
      break;
    case 'a':
      AppendDecimal(name, flow.source_of(direction).port, 5);
      break;
    case 'B':
      *name += AddressName(flow.destination_of(direction).address);
      break;
    case 'b':
      AppendDecimal(name, flow.destination_of(direction).port, 5);
      break;
    case 'E':
      *name += MacName(direction == kClientToServer ? flow.client_mac : flow.server_mac);
      break;
    case 'e':
      *name += MacName(direction == kClientToServer ? flow.server_mac : flow.client_mac);
      break;
    case 'V':
      if (tagged) *name += "--";
      break;
    case 'v':
      if (tagged) AppendDecimal(name, stream.vlan[0]);
      break;
    case 'T':
      *name += IsoTime(flow.first_time_ns, digits);
      break;
    case 't':
      absl::StrAppend(name, SplitTimeNs(flow.first_time_ns).seconds,
                      Fraction(flow.first_time_ns, digits));
      break;
    case 'C':
      if (counter > 0) *name += 'c';
      break;
    case 'c':
      if (counter > 0) AppendDecimal(name, counter);
      break;
    case '#':
      AppendDecimal(name, counter);
      break;
    case 'N':
      AppendDecimal(name, number % 1000, 3);
      break;
    case 'K':
      AppendDecimal(name, number / 1000 % 1000, 3);
      break;
    case 'M':
      AppendDecimal(name, number / 1'000'000 % 1000, 3);
      break;
    case 'G':
      AppendDecimal(name, number / 1'000'000'000 % 1000, 3);
      break;
    case 'S':
      AppendDecimal(name, flow.number, 20);
      break;
    default:
      *name += '%';
      break;
  }
}

bool Contains(std::string_view text, std::string_view token) {
  return text.find(token) != std::string_view::npos;
}

}  // namespace

std::string TemplateHelp() {
  return "Tokens of templates, for -T:\n"
         "  %A %B        address of source and destination: 010.000.000.001, 2001:db8::1\n"
         "  %a %b        port of source and destination, five digits\n"
         "  %E %e        MAC address of source and destination\n"
         "  %V %v        \"--\" and the VLAN number of an 802.1Q tag; empty without one\n"
         "  %T %t        time of the first packet: 2008-10-06T16:12:33Z, 1223309553\n"
         "  %6T %6t      the same with a fraction of six digits; 1 to 9\n"
         "  %C %c        \"c\" and the number of an earlier file of the name; empty for the first\n"
         "  %#           that number, always\n"
         "  %N %K %M %G  three digits of the stream's number: units, thousands, millions ...\n"
         "  %S           the flow's number, the same for both directions, twenty digits\n"
         "  %%           a percent sign\n";
}

absl::StatusOr<NameTemplate> NameTemplate::Parse(std::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("the template of file names is empty");
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return absl::InvalidArgumentError("a template cannot hold a NUL byte");
    if (text[i] != '%') continue;
    ++i;
    if (IsFraction(text, i)) ++i;
    if (i == text.size() || kTokens.find(text[i]) == std::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "the template '%s' has the unknown token '%%%s'; known are %%%s", std::string(text),
          i == text.size() ? "" : std::string(1, text[i]), std::string(kTokens)));
    }
  }
  for (const absl::string_view part : absl::StrSplit(std::string(text), '/')) {
    if (part == "..") {
      return absl::InvalidArgumentError(absl::StrFormat(
          "the template '%s' leads out of the output directory", std::string(text)));
    }
  }
  NameTemplate result;
  result.text_ = text;
  if (!Contains(text, "%c") && !Contains(text, "%#")) result.text_ += "%C%c";
  result.names_endpoints_ =
      Contains(text, "%A") && Contains(text, "%a") && Contains(text, "%B") && Contains(text, "%b");
  return result;
}

std::string NameTemplate::Expand(const SinkFlow& flow, Direction direction,
                                 uint32_t counter) const {
  std::string name;
  name.reserve(kUsualBytes);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '%') {
      int digits = 0;
      if (IsFraction(text_, ++i)) digits = text_[i++] - '0';
      AppendToken(text_[i], digits, flow, direction, counter, &name);
    } else {
      name += text_[i];
    }
  }
  if (flow.protocol == kUdp) name += "-UDP";
  return name;
}

absl::StatusOr<std::string> TemplateForFormat(std::string_view letters, std::string_view base) {
  std::string text(base);
  for (const char letter : letters) {
    switch (letter) {
      case 'c':
      case 'X':
      case 'M':
        break;  // the counter is in the template; X and M concern what is written
      case 't':
        text = "%tT" + text;
        break;
      case 'T':
        text = "%T" + text;
        break;
      case 'k':
        text = "%K/" + text;
        break;
      case 'm':
        text = "%M000-%M999/%M%K/" + text;
        break;
      case 'g':
        text = "%G000000-%G999999/%G%M000-%G%M999/%G%M%K/" + text;
        break;
      default:
        return absl::InvalidArgumentError(absl::StrFormat(
            "-F: the letter '%c' is not known; known are c, t, T, X, M, k, m, g", letter));
    }
  }
  return text;
}

}  // namespace flowstitch
