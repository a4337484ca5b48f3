#include "sinks/dfxml/xml_text.h"

#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

#include <algorithm>
#include <charconv>

#include "base/utf8_text.h"

namespace flowstitch {
namespace {

const xmlChar* Xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

// Length of the UTF-8 character at the front, or 0 when it is none that XML 1.0 allows.
size_t CharacterLength(std::string_view text) {
  int length = static_cast<int>(std::min<size_t>(text.size(), 4));
  const int code = xmlGetUTF8Char(reinterpret_cast<const unsigned char*>(text.data()), &length);
  if (code < 0 || !xmlIsCharQ(static_cast<unsigned>(code))) return 0;
  return static_cast<size_t>(length);
}

// A number with the 0 behind it that libxml2 wants.
struct Digits {
  explicit Digits(uint64_t value) {
    *std::to_chars(text, text + sizeof(text) - 1, value).ptr = '\0';
  }
  char text[24];
};

// In an attribute's value: printable, and nothing that XML gives a meaning.
bool StandsAsItIs(char c) {
  return c >= ' ' && c <= '~' && c != '"' && c != '&' && c != '<' && c != '>' && c != '\'';
}

}  // namespace

void PrepareXmlForThreads() { xmlInitParser(); }

std::string ValidXmlText(std::string_view text) {
  // Nearly all of it is.
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? std::string(text) : KeepCharacters(text, CharacterLength);
}

XmlText::XmlText() : buffer_(xmlBufferCreate()) {
  writer_ = xmlNewTextWriterMemory(buffer_, 0);
  xmlTextWriterSetIndent(writer_, 1);
  xmlTextWriterSetIndentString(writer_, Xml("  "));
}

XmlText::~XmlText() {
  xmlFreeTextWriter(writer_);
  xmlBufferFree(buffer_);
}

void XmlText::PlainAttribute(const char* name, std::string_view value) {
  if (in_attribute_) {
    plain_ += "\" ";
    plain_ += name;
    plain_ += "=\"";
  } else {
    xmlTextWriterStartAttribute(writer_, Xml(name));
    in_attribute_ = true;
  }
  plain_ += value;
}

void XmlText::EndAttributes() {
  if (!in_attribute_) return;
  xmlTextWriterWriteRawLen(writer_, Xml(plain_.c_str()), static_cast<int>(plain_.size()));
  xmlTextWriterEndAttribute(writer_);
  plain_.clear();
  in_attribute_ = false;
}

void XmlText::Declaration() { xmlTextWriterStartDocument(writer_, nullptr, "UTF-8", nullptr); }

void XmlText::Start(const char* element) {
  EndAttributes();
  xmlTextWriterStartElement(writer_, Xml(element));
}

void XmlText::Attribute(const char* name, std::string_view value) {
  if (std::all_of(value.begin(), value.end(), StandsAsItIs)) {
    PlainAttribute(name, value);
    return;
  }
  EndAttributes();
  xmlTextWriterWriteAttribute(writer_, Xml(name), Xml(ValidXmlText(value).c_str()));
}

void XmlText::Attribute(const char* name, uint64_t value) {
  PlainAttribute(name, Digits(value).text);
}

void XmlText::Text(std::string_view text) {
  EndAttributes();
  xmlTextWriterWriteString(writer_, Xml(ValidXmlText(text).c_str()));
}

void XmlText::End() {
  EndAttributes();
  xmlTextWriterEndElement(writer_);
}

void XmlText::Element(const char* name, std::string_view text) {
  EndAttributes();
  xmlTextWriterWriteElement(writer_, Xml(name), Xml(ValidXmlText(text).c_str()));
}

void XmlText::Element(const char* name, uint64_t value) {
  EndAttributes();
  xmlTextWriterWriteElement(writer_, Xml(name), Xml(Digits(value).text));
}

std::string XmlText::Take() {
  std::string text;
  MoveTo(&text);
  return text;
}

void XmlText::MoveTo(std::string* text) {
  EndAttributes();
  xmlTextWriterFlush(writer_);
  text->append(reinterpret_cast<const char*>(xmlBufferContent(buffer_)),
               static_cast<size_t>(xmlBufferLength(buffer_)));
  xmlBufferEmpty(buffer_);
}

}  // namespace flowstitch
