#include "capture/live_source.h"

#include <fcntl.h>
#include <pcap/pcap.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/link_type.h"

namespace flowstitch {
namespace {

absl::Status Explain(const std::string& interface, int code, pcap_t* handle) {
  switch (code) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return absl::NotFoundError(absl::StrFormat(
          "there is no interface '%s' ('ip link' lists those there are)", interface));
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return absl::PermissionDeniedError(absl::StrFormat(
          "no permission to capture on interface '%s': run as root, or give the program the "
          "capability CAP_NET_RAW",
          interface));
    case PCAP_ERROR_IFACE_NOT_UP:
      return absl::UnavailableError(
          absl::StrFormat("interface '%s' is down: 'ip link set %s up'", interface, interface));
    default:
      return absl::UnavailableError(
          absl::StrFormat("cannot capture on interface '%s': %s", interface, pcap_geterr(handle)));
  }
}

struct ReadContext {
  const std::function<void(const Frame&)>* take;
  uint32_t link_type;
  bool nanoseconds;
};

void OnFrame(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  const auto* context = reinterpret_cast<const ReadContext*>(user);
  Frame frame;
  frame.bytes = {bytes, std::min<size_t>(header->caplen, kMaxFrameBytes)};
  frame.wire_length = std::max(header->len, header->caplen);
  frame.link_type = context->link_type;
  frame.time_ns =
      MakeTimeNs(header->ts.tv_sec, header->ts.tv_usec * (context->nanoseconds ? 1 : 1000));
  (*context->take)(frame);
}

}  // namespace

LiveSource::LiveSource(pcap* handle, uint32_t link_type, bool nanoseconds)
    : handle_(handle), link_type_(link_type), nanoseconds_(nanoseconds) {}

LiveSource::~LiveSource() { pcap_close(handle_); }

absl::StatusOr<std::unique_ptr<LiveSource>> LiveSource::Open(const LiveOptions& options) {
  char error[PCAP_ERRBUF_SIZE] = {};
  pcap_t* handle = pcap_create(options.interface.c_str(), error);
  if (handle == nullptr) {
    return absl::UnavailableError(
        absl::StrFormat("cannot capture on interface '%s': %s", options.interface, error));
  }
  pcap_set_snaplen(handle, options.snap_length);
  pcap_set_promisc(handle, options.promiscuous ? 1 : 0);
  pcap_set_timeout(handle, options.buffer_timeout_ms);
  pcap_set_immediate_mode(handle, options.immediate ? 1 : 0);
  pcap_set_buffer_size(handle, options.buffer_bytes);
  const bool nanoseconds = pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO) == 0;
  const int activated = pcap_activate(handle);
  // Commands that others start must not have it.
  if (pcap_fileno(handle) >= 0) fcntl(pcap_fileno(handle), F_SETFD, FD_CLOEXEC);
  if (activated < 0) {
    const absl::Status status = Explain(options.interface, activated, handle);
    pcap_close(handle);
    return status;
  }
  auto source = std::unique_ptr<LiveSource>(
      new LiveSource(handle, LinkTypeFromDlt(pcap_datalink(handle)), nanoseconds));
  if (!options.filter.empty()) {
    bpf_program program = {};
    if (pcap_compile(handle, &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      return absl::InvalidArgumentError(
          absl::StrFormat("bad filter expression '%s': %s (man pcap-filter has the syntax)",
                          options.filter, pcap_geterr(handle)));
    }
    const int code = pcap_setfilter(handle, &program);
    pcap_freecode(&program);
    if (code != 0) return Explain(options.interface, code, handle);
  }
  if (pcap_setnonblock(handle, 1, error) != 0) {
    return absl::UnavailableError(
        absl::StrFormat("cannot capture on interface '%s': %s", options.interface, error));
  }
  return source;
}

absl::StatusOr<int> LiveSource::Read(int most, const std::function<void(const Frame&)>& take) {
  ReadContext context{&take, link_type_, nanoseconds_};
  const int n = pcap_dispatch(handle_, most, OnFrame, reinterpret_cast<u_char*>(&context));
  if (n >= 0 || n == PCAP_ERROR_BREAK) return std::max(n, 0);
  return absl::UnavailableError(absl::StrFormat("capturing failed: %s", pcap_geterr(handle_)));
}

LiveDrops LiveSource::drops() const {
  pcap_stat stats = {};
  if (pcap_stats(handle_, &stats) != 0) return {};
  return {stats.ps_drop, stats.ps_ifdrop};
}

int LiveSource::fd() const { return pcap_get_selectable_fd(handle_); }

}  // namespace flowstitch
