// tcpflow's settings (-S NAME=VALUE).
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "deploy/launcher/launcher_options.h"

namespace flowstitch {
namespace {

constexpr int64_t kMaxSeconds = 1'000'000'000;

bool ParseSwitch(const std::string& text, bool* on) {
  const std::string word = absl::AsciiStrToUpper(text);
  *on = word == "YES" || word == "TRUE" || word == "1";
  return *on || word == "NO" || word == "FALSE" || word == "0";
}

bool ParseNumber(const std::string& text, int64_t least, int64_t most, int64_t* number) {
  return absl::SimpleAtoi(text, number) && *number >= least && *number <= most;
}

struct Setting {
  const char* name;
  const char* value;  // what it takes
  const char* help;
  // False when the value is not one.
  bool (*apply)(const std::string& value, LauncherOptions* o);
};

constexpr Setting kSettings[] = {
    {"tdelta", "SECONDS", "added to every capture time; fractions are allowed",
     [](const std::string& value, LauncherOptions* o) {
       double seconds = 0;
       if (!absl::SimpleAtod(value, &seconds) || !(seconds >= -1e9 && seconds <= 1e9)) return false;
       o->capture.time_offset_ns = static_cast<int64_t>(seconds * kNsPerSecond);
       return true;
     }},
    {"packet-buffer-timeout", "MS", "how long the kernel may keep frames back",
     [](const std::string& value, LauncherOptions* o) {
       int64_t ms = 0;
       if (!ParseNumber(value, 1, 10'000, &ms)) return false;
       o->capture.live.buffer_timeout_ms = static_cast<int>(ms);
       return true;
     }},
    {"enable_report", "YES|NO", "write a report",
     [](const std::string& value, LauncherOptions* o) {
       bool on = true;
       if (!ParseSwitch(value, &on)) return false;
       o->no_report = !on;
       return true;
     }},
    {"debug-prefix", "TEXT", "stands before each line of the log, in the program's place",
     [](const std::string& value, LauncherOptions* o) {
       o->log_prefix = value;
       return true;
     }},
    {"tcp_timeout", "SECONDS", "close a flow that was silent so long; 0: as --idle-timeout says",
     [](const std::string& value, LauncherOptions* o) {
       int64_t seconds = 0;
       if (!ParseNumber(value, 0, kMaxSeconds, &seconds)) return false;
       if (seconds > 0) o->reassembler.core.tcp.idle_timeout_ns = seconds * kNsPerSecond;
       return true;
     }},
    {"tcp_cmd", "COMMAND", "run for each complete flow file, its path behind it; no shell",
     [](const std::string& value, LauncherOptions* o) {
       o->sink.file_alerts.command = value;
       return true;
     }},
    {"tcp_alert_fd", "N", "the descriptor to which 'open PATH' and 'close PATH' of flow files go",
     [](const std::string& value, LauncherOptions* o) {
       int64_t fd = 0;
       if (!ParseNumber(value, -1, 1 << 20, &fd)) return false;
       o->sink.file_alerts.fd = static_cast<int>(fd);
       return true;
     }},
    {"http_cmd", "COMMAND", "the same command for HTTP bodies",
     [](const std::string& value, LauncherOptions* o) {
       o->sink.body_alerts.command = value;
       return true;
     }},
    {"http_alert_fd", "N", "the same descriptor for HTTP bodies",
     [](const std::string& value, LauncherOptions* o) {
       int64_t fd = 0;
       if (!ParseNumber(value, -1, 1 << 20, &fd)) return false;
       o->sink.body_alerts.fd = static_cast<int>(fd);
       return true;
     }},
    {"netviz_histogram_dump", "YES|NO", "print the figures of report.pdf on standard output",
     [](const std::string& value, LauncherOptions* o) {
       return ParseSwitch(value, &o->sink.netviz().table);
     }},
    {"netviz_histogram_size", "N", "addresses that report.pdf tells apart",
     [](const std::string& value, LauncherOptions* o) {
       int64_t addresses = 0;
       if (!ParseNumber(value, 10, 1'000'000, &addresses)) return false;
       o->sink.netviz().addresses = static_cast<size_t>(addresses);
       return true;
     }},
    {"check_fcs", "YES|NO", "accepted: where a checksum ends a frame, the datagram's length tells",
     [](const std::string& value, LauncherOptions* /*o*/) {
       bool on = true;
       return ParseSwitch(value, &on);
     }},
};

}  // namespace

absl::Status ApplySetting(const std::string& setting, LauncherOptions* options) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrFormat("-S '%s': must be NAME=VALUE", setting));
  }
  const std::string name = setting.substr(0, equals);
  const std::string value = setting.substr(equals + 1);
  for (const Setting& known : kSettings) {
    if (name != known.name) continue;
    if (known.apply(value, options)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrFormat("-S %s: '%s' is not %s", name, value, known.value));
  }
  const std::string names = absl::StrJoin(
      kSettings, ", ", [](std::string* out, const Setting& s) { absl::StrAppend(out, s.name); });
  return absl::InvalidArgumentError(
      absl::StrFormat("-S: there is no setting '%s'; there are %s", name, names));
}

std::string WritersHelp() {
  std::string text =
      "Writers, for -e, -E and -x:\n"
      "  tcpdemux, files  flow files (on)\n"
      "  http             bodies of HTTP messages, their parts, WebSocket messages\n"
      "  md5 sha1 sha256  digests in the report\n"
      "  dfxml            the report (on)\n"
      "  netviz           report.pdf: the traffic on a page\n"
      "  wifiviz          wireless networks in the report (on)\n"
      "  findx            an index beside each flow file (-I)\n"
      "  pcap             a capture a stream (-K)\n"
      "  conversation     both directions in one file (--conversation)\n"
      "  all              files, http, md5, dfxml, netviz\n"
      "Settings, for -S NAME=VALUE:\n";
  for (const Setting& setting : kSettings) {
    absl::StrAppendFormat(&text, "  %s=%s\n      %s\n", setting.name, setting.value, setting.help);
  }
  return text;
}

}  // namespace flowstitch
