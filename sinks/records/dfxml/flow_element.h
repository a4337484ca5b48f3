// A closed flow as DFXML: one fileobject for each direction that had packets, with tcpflow's
// <tcpflow/> element, and one for each body.
#ifndef FLOWSTITCH_SINKS_RECORDS_DFXML_FLOW_ELEMENT_H_
#define FLOWSTITCH_SINKS_RECORDS_DFXML_FLOW_ELEMENT_H_

#include <string>

#include "sinks/records/flow_record.h"

namespace flowstitch {

// Namespaces of the report: DFXML's own, tcpflow's element, and what flowstitch adds.
inline constexpr char kDfxmlNamespace[] =
    "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML";
inline constexpr char kTcpflowNamespace[] = "http://afflib.org/tcpflow/";
inline constexpr char kFlowstitchNamespace[] = "urn:flowstitch:report:1";

// How a report is built.
enum class ReportForm : uint8_t {
  kDfxml,    // DFXML 2.0.0-beta.0
  kTcpflow,  // tcpflow 1.6.1's elements, in no namespace and in its order
};

// "02:00:5e:00:00:01".
std::string MacText(const std::string& mac);

// The fileobject of a body that is no flow's own: it was put together from several.
std::string BodyElement(const std::string& stream_path, const BodyRecord& body);

// The fileobjects of a flow, behind what is in `text`.
void AppendFlowElements(const FlowRecord& record, ReportForm form, std::string* text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_DFXML_FLOW_ELEMENT_H_
