// XML as libxml2's writer writes it, call by call.
#include "sinks/records/dfxml/xml_text.h"

#include <gtest/gtest.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

#include <memory>
#include <random>

namespace flowstitch {
namespace {

const xmlChar* Xml(const std::string& text) {
  return reinterpret_cast<const xmlChar*>(text.c_str());
}

// The same calls on libxml2 itself.
class Direct {
 public:
  Direct() : buffer_(xmlBufferCreate()), writer_(xmlNewTextWriterMemory(buffer_, 0)) {
    xmlTextWriterSetIndent(writer_, 1);
    xmlTextWriterSetIndentString(writer_, Xml("  "));
  }
  ~Direct() {
    xmlFreeTextWriter(writer_);
    xmlBufferFree(buffer_);
  }
  void Start(const std::string& name) { xmlTextWriterStartElement(writer_, Xml(name)); }
  void Attribute(const std::string& name, const std::string& value) {
    xmlTextWriterWriteAttribute(writer_, Xml(name), Xml(ValidXmlText(value)));
  }
  void Text(const std::string& text) { xmlTextWriterWriteString(writer_, Xml(ValidXmlText(text))); }
  void Element(const std::string& name, const std::string& text) {
    xmlTextWriterWriteElement(writer_, Xml(name), Xml(ValidXmlText(text)));
  }
  void End() { xmlTextWriterEndElement(writer_); }
  std::string Take() {
    xmlTextWriterFlush(writer_);
    std::string text(reinterpret_cast<const char*>(xmlBufferContent(buffer_)));
    xmlBufferEmpty(buffer_);
    return text;
  }

 private:
  xmlBufferPtr buffer_;
  xmlTextWriterPtr writer_;
};

// Often plain, sometimes with what XML gives a meaning, or is none of UTF-8.
std::string RandomText(std::mt19937& random) {
  static const std::string kSpecial = "<>&\"' \t\n\r\x01\x7f\xc3\xa4\xff\xc1\x81\xe0\xf0\x80]]>";
  std::string text;
  for (size_t n = random() % 12; n > 0; --n) {
    text += random() % 4 == 0 ? kSpecial[random() % kSpecial.size()]
                              : static_cast<char>('0' + random() % 70);
  }
  return random() % 2 == 0 ? std::to_string(random()) : text;
}

TEST(XmlText, IsWhatLibxml2WritesCallByCall) {
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    std::mt19937 random(seed);
    XmlText xml;
    Direct direct;
    size_t depth = 0;
    for (int i = 0; i < 60; ++i) {
      const auto what = depth == 0 ? 0 : random() % 6;
      if (what == 0 && depth < 6) {
        xml.Start("flowstitch:element");
        direct.Start("flowstitch:element");
        ++depth;
        for (size_t n = random() % 8; n > 0; --n) {
          const std::string name = "a" + std::to_string(n);
          const uint32_t kind = random() % 4;
          // Of any length, from 0 to all 20 digits.
          const uint64_t number = (uint64_t{random()} << 32 | random()) >> random() % 64;
          if (kind == 0) {
            xml.Attribute(name.c_str(), number);
            direct.Attribute(name, std::to_string(number));
          } else if (kind == 1) {
            const std::string value = "00:0c:" + std::to_string(number);
            xml.AttributeAsIs(name, value);
            direct.Attribute(name, value);
          } else {
            const std::string value = RandomText(random);
            xml.Attribute(name.c_str(), value);
            direct.Attribute(name, value);
          }
        }
      } else if (what == 1) {
        const std::string text = RandomText(random);
        xml.Text(text);
        direct.Text(text);
      } else if (what == 2) {
        const std::string text = RandomText(random);
        xml.Element("e", text);
        direct.Element("e", text);
      } else if (what == 3) {
        xml.Element("n", uint64_t{seed});
        direct.Element("n", std::to_string(seed));
      } else if (what == 4) {
        xml.End();
        direct.End();
        --depth;
      } else {
        ASSERT_EQ(xml.Take(), direct.Take()) << seed;
      }
    }
    for (; depth > 0; --depth) {
      xml.End();
      direct.End();
    }
    ASSERT_EQ(xml.Take(), direct.Take()) << seed;
  }
}

// Read again by libxml2's parser: well-formed, and the same text but for what XML cannot hold.
TEST(XmlText, IsReadAgainAsItWas) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string value = RandomText(random);
    const std::string text = RandomText(random);
    XmlText xml;
    xml.Declaration();
    xml.Start("root");
    xml.Attribute("value", value);
    xml.Element("text", text);
    xml.Element("number", UINT64_MAX);
    xml.End();
    const std::string written = xml.Take();
    const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> document(
        xmlReadMemory(written.data(), static_cast<int>(written.size()), nullptr, nullptr,
                      XML_PARSE_NONET | XML_PARSE_NOBLANKS),
        xmlFreeDoc);
    ASSERT_NE(document, nullptr) << written;
    xmlNode* root = xmlDocGetRootElement(document.get());
    const auto content = [](xmlChar* allocated) {
      const std::unique_ptr<xmlChar, xmlFreeFunc> owned(allocated, xmlFree);
      return std::string(reinterpret_cast<const char*>(owned.get()));
    };
    EXPECT_EQ(content(xmlGetProp(root, Xml("value"))), ValidXmlText(value));
    EXPECT_EQ(content(xmlNodeGetContent(root->children)), ValidXmlText(text));
    EXPECT_EQ(content(xmlNodeGetContent(root->children->next)), "18446744073709551615");
  }
}

}  // namespace
}  // namespace flowstitch
