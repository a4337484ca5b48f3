// A closed flow as DFXML: one fileobject for each direction that had packets, with tcpflow's
// <tcpflow/> element, and one for each body.
#ifndef FLOWSTITCH_SINKS_DFXML_FLOW_ELEMENT_H_
#define FLOWSTITCH_SINKS_DFXML_FLOW_ELEMENT_H_

#include <string>

#include "sinks/sink_flow.h"

namespace flowstitch {

// Namespaces of the report: DFXML's own, tcpflow's element, and what flowstitch adds.
inline constexpr char kDfxmlNamespace[] =
    "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML";
inline constexpr char kTcpflowNamespace[] = "http://afflib.org/tcpflow/";
inline constexpr char kFlowstitchNamespace[] = "urn:flowstitch:report:1";

struct FlowElementOptions {
  int64_t max_bytes = -1;  // of a flow file, as in FlowFileOptions
  bool files_written = true;
};

std::string FlowElements(const SinkFlow& flow, const FlowElementOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_DFXML_FLOW_ELEMENT_H_
