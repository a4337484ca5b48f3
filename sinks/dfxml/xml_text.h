// XML as text: two blanks a level, one element a line. The markup is written here, because a report
// has two elements of some 30 attributes for each flow, and libxml2's writer takes a thousand
// instructions for each call; what has to be escaped is escaped by libxml2. An element is byte for
// byte what libxml2's writer gives where no encoding was declared. Text from packets and file names
// is made valid: what XML 1.0 does not allow becomes '?'.
#ifndef FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_
#define FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  void Put(std::string_view text);
  void PutAttribute(std::string_view name, std::string_view value);
  // Ends the start tag of the element that is open last.
  void HaveContent(std::string_view end);

  // What was written is the first used_ bytes: a string that grows by each piece takes longer.
  std::string text_;
  size_t used_ = 0;
  std::string names_;  // of the open elements, one behind the other
  std::vector<Open> open_;
  bool in_line_ = false;  // text was written: the end tag stands in the same line
};

std::string ValidXmlText(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_
