// The head of a message out of libhtp's transaction.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_HEAD_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_HEAD_H_

#include <htp/htp.h>

#include <string>

#include "sinks/content/http/http_events.h"

namespace flowstitch {

// The value of a field; repeated ones are joined by commas. Empty where there is none.
std::string HtpField(const htp_table_t* fields, const char* name);
// Without the first `skip` of them.
HttpFields HtpFields(const htp_table_t* fields, size_t skip = 0);

// Length of a head with the blank line behind it; 0: it is not complete.
size_t HeadLength(std::string_view text);

HttpHead RequestHead(const htp_tx_t* tx, bool with_fields);
HttpHead ResponseHead(const htp_tx_t* tx, bool with_fields);
// What follows the answer to it is the tunnel (RFC 9110, 9.3.6).
inline bool IsTunnelRequest(const htp_tx_t* tx) {
  return tx->request_method_number == HTP_M_CONNECT;
}

// What is in a Transfer-Encoding beside "chunked".
std::string OtherTransferCodings(std::string_view transfer_encoding);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_HEAD_H_
