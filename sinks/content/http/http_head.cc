#include "sinks/content/http/http_head.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

std::string Text(const bstr* text) {
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(bstr_ptr(text)), bstr_len(text)};
}

// libhtp stands this in for a request that nobody saw.
constexpr std::string_view kNotSeen = "/libhtp::request_uri_not_seen";

std::string Target(const htp_tx_t* tx) {
  std::string target = Text(tx->request_uri);
  return target == kNotSeen ? "" : target;
}

// What both kinds of messages may have.
void CopyCommon(const htp_table_t* fields, bool with_fields, HttpHead* head) {
  head->content_type = HtpField(fields, "content-type");
  head->content_encoding = HtpField(fields, "content-encoding");
  head->transfer_coding = OtherTransferCodings(HtpField(fields, "transfer-encoding"));
  head->content_range = HtpField(fields, "content-range");
  head->content_disposition = HtpField(fields, "content-disposition");
  if (with_fields) head->fields = HtpFields(fields);
}

}  // namespace

size_t HeadLength(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return 0;
}

void HttpHead::Shorten() {
  const auto cut = [](std::string* value, size_t most) {
    if (value->size() <= most) return;
    value->resize(most);
    value->shrink_to_fit();
  };
  cut(&target, kMaxTargetBytes);
  for (std::string* value : {&method, &host, &version, &reason, &content_type, &content_encoding,
                             &transfer_coding, &content_range, &content_disposition, &validator}) {
    cut(value, kMaxValueBytes);
  }
}

std::string HeadText(HttpKind kind, const HttpHead& head) {
  std::string text = kind == HttpKind::kRequest
                         ? absl::StrCat(head.method, " ", head.target, " ", head.version, "\r\n")
                         : absl::StrCat(head.version, " ", head.status, " ", head.reason, "\r\n");
  if (kind == HttpKind::kRequest && head.version == "HTTP/2" && !head.host.empty() &&
      FieldValue(head.fields, "host").empty()) {
    absl::StrAppend(&text, "host: ", head.host, "\r\n");
  }
  for (const auto& [name, value] : head.fields) absl::StrAppend(&text, name, ": ", value, "\r\n");
  return text + "\r\n";
}

std::string FieldValue(const HttpFields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (absl::EqualsIgnoreCase(absl::string_view(field.data(), field.size()),
                               absl::string_view(name.data(), name.size()))) {
      return value;
    }
  }
  return "";
}

std::string HtpField(const htp_table_t* fields, const char* name) {
  if (fields == nullptr) return "";
  const auto* field = static_cast<const htp_header_t*>(htp_table_get_c(fields, name));
  return field == nullptr ? "" : Text(field->value);
}

HttpFields HtpFields(const htp_table_t* fields, size_t skip) {
  HttpFields out;
  for (size_t i = skip; fields != nullptr && i < htp_table_size(fields); ++i) {
    const auto* field = static_cast<const htp_header_t*>(htp_table_get_index(fields, i, nullptr));
    out.emplace_back(Text(field->name), Text(field->value));
  }
  return out;
}

std::string OtherTransferCodings(std::string_view transfer_encoding) {
  std::string others;
  const std::vector<std::string> codings = absl::StrSplit(std::string(transfer_encoding), ',');
  for (const std::string& part : codings) {
    const std::string coding =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(part.substr(0, part.find(';'))));
    // Only what a decoder exists for: the odd rest, such as "xchunked", means nothing to a browser.
    const bool known = coding == "gzip" || coding == "x-gzip" || coding == "deflate" ||
                       coding == "br" || coding == "zstd";
    if (known) absl::StrAppend(&others, others.empty() ? "" : ",", coding);
  }
  return others;
}

HttpHead RequestHead(const htp_tx_t* tx, bool with_fields) {
  HttpHead head;
  head.method = Text(tx->request_method);
  head.target = Target(tx);
  head.host = HtpField(tx->request_headers, "host");
  head.version = Text(tx->request_protocol);
  CopyCommon(tx->request_headers, with_fields, &head);
  head.Shorten();
  return head;
}

HttpHead ResponseHead(const htp_tx_t* tx, bool with_fields) {
  HttpHead head;
  head.status = tx->response_status_number;
  head.method = Text(tx->request_method);
  head.target = Target(tx);
  head.host = HtpField(tx->request_headers, "host");
  head.version = Text(tx->response_protocol);
  head.reason = Text(tx->response_message);
  CopyCommon(tx->response_headers, with_fields, &head);
  head.validator = HtpField(tx->response_headers, "etag");
  if (head.validator.empty()) head.validator = HtpField(tx->response_headers, "last-modified");
  head.Shorten();
  return head;
}

}  // namespace flowstitch
