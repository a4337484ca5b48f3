// XML as text, through libxml2's writer. Text from packets and file names is made valid: what
// XML 1.0 does not allow becomes '?'.
#ifndef FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_
#define FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

struct _xmlBuffer;
struct _xmlTextWriter;

namespace flowstitch {

// Once, before several threads write XML.
void PrepareXmlForThreads();

class XmlText {
 public:
  XmlText();
  ~XmlText();
  XmlText(const XmlText&) = delete;
  XmlText& operator=(const XmlText&) = delete;

  void Declaration();
  void Start(const char* element);
  void Attribute(const char* name, std::string_view value);
  void Attribute(const char* name, uint64_t value);
  void Text(std::string_view text);
  void End();
  // <name>text</name>
  void Element(const char* name, std::string_view text);
  void Element(const char* name, uint64_t value);

  // What was written since the last Take or MoveTo. Open elements stay open.
  std::string Take();
  // The same, behind what is in `text`.
  void MoveTo(std::string* text);

 private:
  void PlainAttribute(const char* name, std::string_view value);
  void EndAttributes();

  // Values of attributes that stand as they are, with what stands between them: libxml2 gets them
  // together, as one.
  std::string plain_;
  bool in_attribute_ = false;
  _xmlBuffer* buffer_;
  _xmlTextWriter* writer_;
};

std::string ValidXmlText(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_DFXML_XML_TEXT_H_
