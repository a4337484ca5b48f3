#include "sinks/records/dfxml/xml_text.h"

#include <libxml/chvalid.h>
#include <libxml/entities.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/utf8_text.h"

namespace flowstitch {
namespace {

const xmlChar* Xml(const std::string& text) {
  return reinterpret_cast<const xmlChar*>(text.c_str());
}

const char* Text(const xmlChar* text) { return reinterpret_cast<const char*>(text); }

// Length of the UTF-8 character at the front, or 0 when it is none that XML 1.0 allows.
size_t CharacterLength(std::string_view text) {
  // libxml2 takes forms that are longer than needed.
  int length = static_cast<int>(Utf8Length(text));
  const int code = xmlGetUTF8Char(reinterpret_cast<const unsigned char*>(text.data()), &length);
  if (code < 0 || !xmlIsCharQ(static_cast<unsigned>(code))) return 0;
  return static_cast<size_t>(length);
}

constexpr bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

// By byte: 1 where it does not stand as it is in a text or an attribute's value, which is what is
// not printable, and what XML gives a meaning.
constexpr std::array<uint8_t, 256> kEscaped = [] {
  std::array<uint8_t, 256> table = {};
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    table[i] = !IsPrintable(c) || c == '"' || c == '&' || c == '<' || c == '>' || c == '\'';
  }
  return table;
}();

// Without a way out early: values are short, and nearly all of them stand as they are.
bool StandsAsItIs(std::string_view text) {
  uint8_t escaped = 0;
  for (const char c : text) escaped |= kEscaped[static_cast<uint8_t>(c)];
  return escaped == 0;
}

std::string EscapedText(std::string_view text) {
  const std::unique_ptr<xmlChar, xmlFreeFunc> escaped(
      xmlEncodeSpecialChars(nullptr, Xml(ValidXmlText(text))), xmlFree);
  return escaped == nullptr ? std::string() : Text(escaped.get());
}

std::string EscapedAttribute(std::string_view value) {
  const std::unique_ptr<xmlBuffer, void (*)(xmlBuffer*)> buffer(xmlBufferCreate(), xmlBufferFree);
  if (buffer == nullptr) return "";
  xmlAttrSerializeTxtContent(buffer.get(), nullptr, nullptr, Xml(ValidXmlText(value)));
  return Text(xmlBufferContent(buffer.get()));
}

// The bytes of `text` from `at` on; tells where they end.
inline char* Copy(char* at, std::string_view text) {
  return std::copy(text.begin(), text.end(), at);
}

// Blanks a level.
constexpr size_t kIndent = 2;

char* Indent(char* at, size_t levels) {
  for (size_t n = kIndent * levels; n > 0; --n) *at++ = ' ';
  return at;
}

struct Digits {
  explicit Digits(uint64_t value) : end(WriteDecimal(text, value)) {}
  std::string_view view() const { return {text, end}; }
  char text[20];
  char* end;
};

}  // namespace

void PrepareXmlForThreads() { xmlInitParser(); }

std::string ValidXmlText(std::string_view text) {
  // Nearly all of it is.
  const bool plain = std::all_of(text.begin(), text.end(), IsPrintable);
  return plain ? std::string(text) : KeepCharacters(text, CharacterLength);
}

void XmlText::Grow(size_t bytes) { text_.resize(2 * (text_.size() + bytes)); }

void XmlText::Put(std::string_view text) { SetEnd(Copy(Room(text.size()), text)); }

void XmlText::Declaration() { Put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"); }

void XmlText::HaveContent(std::string_view end) {
  if (open_.empty() || !open_.back().empty) return;
  open_.back().empty = false;
  Put(end);
}

void XmlText::Start(std::string_view element) {
  HaveContent(">\n");
  char* end = Indent(Room(kIndent * open_.size() + element.size() + 1), open_.size());
  *end++ = '<';
  SetEnd(Copy(end, element));
  open_.push_back({names_.size(), true});
  names_ += element;
}

void XmlText::Attribute(std::string_view name, std::string_view value) {
  if (StandsAsItIs(value)) {
    AttributeAsIs(name, value);
  } else {
    AttributeAsIs(name, EscapedAttribute(value));
  }
}

void XmlText::Text(std::string_view text) {
  HaveContent(">");
  if (StandsAsItIs(text)) {
    Put(text);
  } else {
    Put(EscapedText(text));
  }
  in_line_ = true;
}

void XmlText::End() {
  assert(!open_.empty());
  const Open last = open_.back();
  open_.pop_back();
  const std::string_view name = std::string_view(names_).substr(last.name);
  if (last.empty) {
    Put("/>\n");
  } else {
    char* end = Room(kIndent * open_.size() + name.size() + 4);
    if (!in_line_) end = Indent(end, open_.size());
    end = Copy(end, "</");
    end = Copy(end, name);
    SetEnd(Copy(end, ">\n"));
  }
  names_.resize(last.name);
  in_line_ = false;
}

void XmlText::Element(std::string_view name, std::string_view text) {
  Start(name);
  Text(text);
  End();
}

void XmlText::Element(std::string_view name, uint64_t value) {
  Element(name, Digits(value).view());
}

std::string XmlText::Take() {
  std::string text;
  MoveTo(&text);
  return text;
}

void XmlText::MoveTo(std::string* text) {
  text->append(text_, 0, used_);
  used_ = 0;
}

}  // namespace flowstitch
