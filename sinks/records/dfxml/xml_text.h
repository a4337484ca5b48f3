// XML as text: two blanks a level, one element a line. The markup is written here, because a report
// has two elements of some 30 attributes for each flow, and libxml2's writer takes a thousand
// instructions for each call; what has to be escaped is escaped by libxml2. An element is byte for
// byte what libxml2's writer gives where no encoding was declared. Text from packets and file names
// is made valid: what XML 1.0 does not allow becomes '?'.
#ifndef FLOWSTITCH_SINKS_RECORDS_DFXML_XML_TEXT_H_
#define FLOWSTITCH_SINKS_RECORDS_DFXML_XML_TEXT_H_

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"

namespace flowstitch {

// Once, before several threads write XML.
void PrepareXmlForThreads();

class XmlText {
 public:
  // Names of elements and attributes are names in XML, not checked.
  void Declaration();
  void Start(std::string_view element);
  // Of the element that was started last, before anything is in it.
  void Attribute(std::string_view name, std::string_view value);
  void Attribute(std::string_view name, uint64_t value);
  // The same of what needs no escapes: numbers, times, addresses, words of our own.
  void AttributeAsIs(std::string_view name, std::string_view value);
  void Text(std::string_view text);
  void End();
  // <name>text</name>
  void Element(std::string_view name, std::string_view text);
  void Element(std::string_view name, uint64_t value);

  // What was written since the last Take or MoveTo. Open elements stay open.
  std::string Take();
  // The same, behind what is in `text`.
  void MoveTo(std::string* text);

 private:
  struct Open {
    size_t name;  // where it begins in names_
    bool empty;   // its start tag has no '>' yet
  };
  // Where so many bytes can be written; SetEnd says how far they were.
  char* Room(size_t bytes);
  void SetEnd(const char* end) { used_ = static_cast<size_t>(end - text_.data()); }
  void Grow(size_t bytes);
  void Put(std::string_view text);
  char* BeginAttribute(std::string_view name, size_t value_bytes);
  // Ends the start tag of the element that is open last.
  void HaveContent(std::string_view end);

  static constexpr size_t kMostDigits = 20;
  // What was written is the first used_ bytes: a string that grows by each piece takes longer.
  std::string text_;
  size_t used_ = 0;
  std::string names_;  // of the open elements, one behind the other
  std::vector<Open> open_;
  bool in_line_ = false;  // text was written: the end tag stands in the same line
};

// These are inline because the names are known where they are called: each is copied without a
// call, and a flow has seventy attributes.
inline char* XmlText::Room(size_t bytes) {
  if (bytes > text_.size() - used_) Grow(bytes);
  return text_.data() + used_;
}

// Up to where its value stands, with room for it and a quote.
inline char* XmlText::BeginAttribute(std::string_view name, size_t value_bytes) {
  assert(!open_.empty() && open_.back().empty);
  char* at = Room(name.size() + value_bytes + 4);
  *at++ = ' ';
  at = std::copy(name.begin(), name.end(), at);
  *at++ = '=';
  *at++ = '"';
  return at;
}

inline void XmlText::AttributeAsIs(std::string_view name, std::string_view value) {
  char* at = BeginAttribute(name, value.size());
  at = std::copy(value.begin(), value.end(), at);
  *at++ = '"';
  SetEnd(at);
}

inline void XmlText::Attribute(std::string_view name, uint64_t value) {
  char* at = WriteDecimal(BeginAttribute(name, kMostDigits), value);
  *at++ = '"';
  SetEnd(at);
}

std::string ValidXmlText(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_DFXML_XML_TEXT_H_
