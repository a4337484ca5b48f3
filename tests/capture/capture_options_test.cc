#include "capture/capture_options.h"

#include "tests/support/option_round_trip.h"

namespace flowstitch {
namespace {

TEST(CaptureOptions, AChildGetsWhatIsGiven) {
  std::vector<std::string> filter;
  testing::ExpectChildrenGetWhatIsGiven<CaptureOptions>(
      {"--read",
       "a",
       "--read",
       "b",
       "--continue",
       "c",
       "--time-offset",
       "-1.5",
       "--user",
       "nobody",
       "--chroot",
       "/d",
       "--interface",
       "eth0",
       "--snaplen",
       "128",
       "--buffer",
       "2M",
       "--kernel-buffer",
       "1M",
       "--no-promiscuous",
       "--immediate",
       "--buffer-timeout",
       "7",
       "--name",
       "n",
       "--reassembler",
       "tcp://h:1",
       "--tap",
       "ipc://t",
       "--spool",
       "s",
       "--spool-size",
       "3M",
       "--durable",
       "Segment",
       "--key",
       "k",
       "--allow",
       "l",
       "--peer-key",
       "p",
       "--insecure",
       "--metrics",
       "1",
       "--progress",
       "--share-memory",
       "5"},
      [&](CLI::App& app, CaptureOptions* options) { AddCaptureFlags(app, options, &filter); },
      CaptureArguments, {"--help"});
}

}  // namespace
}  // namespace flowstitch
