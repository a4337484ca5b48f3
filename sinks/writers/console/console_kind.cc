#include "sinks/writers/console/console_kind.h"

namespace flowstitch {
namespace {

// Where POSIX semaphores lie, which are made and renamed there.
constexpr char kSemaphores[] = "/dev/shm";

// By their place in the enumeration.
const std::vector<std::string>& PayloadForms() {
  static const std::vector<std::string> words = {"array", "hex", "base64"};
  return words;
}

PayloadForm PayloadFormOf(const std::string& word) {
  if (word == "hex") return PayloadForm::kHex;
  return word == "base64" ? PayloadForm::kBase64 : PayloadForm::kArray;
}

}  // namespace

void ConsoleWriterKind::AddOptions(OptionTable* table) {
  constexpr bool kOfStageOnly = true;
  table->Add({option(), "", "Print streams on standard output.", FlagOption{&on}, kOfStageOnly});
  table->Add({"--no-header", "", "Console: no name before each piece.",
              FlagOption{&form.header, false}, kOfStageOnly});
  table->Add({"--hex", "",
              table->one_host() ? "Console (-c, if neither is given): a hex dump, with the time, "
                                  "direction and offset of each piece."
                                : "Console: a hex dump.",
              FlagOption{&form.hex}});
  table->Add({"--console-json", "",
              table->one_host() ? "Console (-c, if neither is given): a JSON object for each piece."
                                : "Console: a JSON object a piece.",
              FlagOption{&form.json}});
  table->Add({"--binary", "", "Console: bytes as they are.", FlagOption{&form.binary}});
  table->Add(
      {"--color", "", "Console: blue by the client, red by the server.", FlagOption{&form.color}});
  table->Add({"--no-newline", "", "Console: no new line after each piece.",
              FlagOption{&form.newline, false}});
  table->Add({"--console-order", "ORDER",
              "Console: pieces in the order of the stream, or as the packets came, repeats "
              "included. [stream]",
              WordOption{{"stream", "packet"},
                         [this](const std::string& word) { form.packet_order = word == "packet"; },
                         [this] { return form.packet_order ? "packet" : "stream"; },
                         "stream"}});
  table->Add(
      {"--payload", "FORM",
       "Console: how a piece's bytes stand in its JSON object: array (payload: numbers), "
       "hex (payload_hex), base64 (payload_base64). [array]",
       WordOption{PayloadForms(),
                  [this](const std::string& word) { form.payload = PayloadFormOf(word); },
                  [this] { return PayloadForms()[static_cast<size_t>(form.payload)]; }, "array"}});
  table->Add({"--places", "",
              "Console: a hex dump's lines count from the stream's first byte, and its header has "
              "the time, the direction and the offset.",
              FlagOption{&form.places}, kOfStageOnly});
  table->Add({"--utf8", "", "Console: characters of UTF-8 as they are.", FlagOption{&form.utf8},
              kOfStageOnly});
  table->Add({"--console-http", "", "Console: HTTP with transfer and content codings taken off.",
              FlagOption{&form.http}, kOfStageOnly});
  table->Add({"--console-lock", "NAME",
              "Console: hold this named semaphore while a piece is printed.",
              TextOption{&form.lock}});
}

void ConsoleWriterKind::AddFiles(std::vector<std::string>* /*reads*/,
                                 std::vector<std::string>* writes) const {
  if (!form.lock.empty()) writes->emplace_back(kSemaphores);
}

std::unique_ptr<Writer> ConsoleWriterKind::Make(const WriterContext& context) {
  if (!on) return nullptr;
  ConsoleOptions options = form;
  options.max_bytes = context.max_bytes;
  return std::make_unique<ConsoleWriter>(options, context.state, context.names);
}

}  // namespace flowstitch
