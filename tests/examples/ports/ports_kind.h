// The example of CONTRIBUTING.md: a writer of payload bytes by the server's port, as lines
// "PORT BYTES" in ports.txt. In the product its folder would be sinks/writers/ports.
#ifndef FLOWSTITCH_TESTS_EXAMPLES_PORTS_PORTS_KIND_H_
#define FLOWSTITCH_TESTS_EXAMPLES_PORTS_PORTS_KIND_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

class PortsWriterKind : public WriterKind {
 public:
  std::string name() const override { return "ports"; }
  std::string option() const override { return "--ports"; }
  void Want(bool on) override { wanted_ = on; }
  bool wanted() const override { return wanted_; }
  void AddOptions(OptionTable* table) override;
  std::vector<std::string> OwnOutputs(const std::string& directory) const override;
  std::unique_ptr<Writer> Make(const WriterContext& context) override;
  absl::Status WriteEnd(const RunInfo& run) override;

  using BytesByPort = std::map<uint16_t, uint64_t>;
  // What a worker counted, once it has finished. Thread-safe.
  void Add(const BytesByPort& bytes);

 private:
  bool wanted_ = false;
  std::mutex mutex_;  // of all_
  BytesByPort all_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TESTS_EXAMPLES_PORTS_PORTS_KIND_H_
