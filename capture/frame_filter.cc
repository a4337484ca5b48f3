#include "capture/frame_filter.h"

#include <pcap/pcap.h>

#include "absl/strings/str_format.h"
#include "base/link_type.h"

namespace flowstitch {

struct FrameFilter::Program {
  explicit Program(uint32_t type) : link_type(type) {}
  ~Program() {
    if (compiled) pcap_freecode(&code);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  absl::Status Compile(const std::string& expression) {
    pcap_t* dead = pcap_open_dead(DltFromLinkType(link_type), kMaxFrameBytes);
    if (dead == nullptr) return absl::ResourceExhaustedError("no memory for a filter");
    compiled = pcap_compile(dead, &code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    absl::Status status;
    if (!compiled) {
      status = absl::InvalidArgumentError(
          absl::StrFormat("bad filter expression '%s': %s (man pcap-filter has the syntax)",
                          expression, pcap_geterr(dead)));
    }
    pcap_close(dead);
    return status;
  }

  uint32_t link_type;
  bpf_program code = {};
  bool compiled = false;
};

FrameFilter::FrameFilter(std::string expression) : expression_(std::move(expression)) {}
FrameFilter::~FrameFilter() = default;

FrameFilter::Program* FrameFilter::ForLinkType(uint32_t link_type) {
  for (const auto& program : programs_) {
    if (program->link_type == link_type) return program.get();
  }
  programs_.push_back(std::make_unique<Program>(link_type));
  const absl::Status status = programs_.back()->Compile(expression_);
  if (!status.ok()) status_ = status;
  return programs_.back().get();
}

bool FrameFilter::Run(const Program& program, const Frame& frame) const {
  pcap_pkthdr header = {};
  header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
  header.len = frame.wire_length;
  return pcap_offline_filter(&program.code, &header, frame.bytes.data()) != 0;
}

bool FrameFilter::Matches(const Frame& frame) {
  if (expression_.empty()) return true;
  const Program* program = ForLinkType(frame.link_type);
  if (!program->compiled) return false;
  const bool matches = Run(*program, frame);
  if (matches) {
    hint_.NoteMatch();
  } else {
    hint_.NoteMiss(frame);
  }
  return matches;
}

absl::Status FrameFilter::Check(const std::string& expression) {
  if (expression.empty()) return absl::OkStatus();
  return Program(kLinkEthernet).Compile(expression);
}

}  // namespace flowstitch
