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
  const auto add = [table](const char* name, const char* value, const char* help, auto place) {
    table->Add({name, value, help, place, kConsoleGroup});
  };
  // The program for one host has these in another form, or always.
  const auto add_of_stage = [table](const std::string& name, const char* help, bool* value,
                                    bool sets = true) {
    table->Add({name, "", help, FlagOption{value, sets}, kConsoleGroup, /*of_stage_only=*/true});
  };
  const bool one_host = table->one_host();
  add_of_stage(option(), "Print streams on standard output.", &on);
  add_of_stage("--no-header", "Console: no name before each piece.", &form.header, false);
  add("--hex", "",
      one_host ? "Console (-c, if neither is given): a hex dump, with the time, direction and "
                 "offset of each piece."
               : "Console: a hex dump.",
      FlagOption{&form.hex});
  add("--console-json", "",
      one_host ? "Console (-c, if neither is given): a JSON object for each piece."
               : "Console: a JSON object a piece.",
      FlagOption{&form.json});
  add("--binary", "", "Console: bytes as they are.", FlagOption{&form.binary});
  add("--color", "", "Console: blue by the client, red by the server.", FlagOption{&form.color});
  add("--no-newline", "", "Console: no new line after each piece.",
      FlagOption{&form.newline, false});
  add("--console-order", "ORDER",
      "Console: pieces in the order of the stream, or as the packets came, repeats included. "
      "[stream]",
      WordOption{{"stream", "packet"},
                 [this](const std::string& word) { form.packet_order = word == "packet"; },
                 [this] { return form.packet_order ? "packet" : "stream"; },
                 "stream"});
  add("--payload", "FORM",
      "Console: how a piece's bytes stand in its JSON object: array (payload: numbers), hex "
      "(payload_hex), base64 (payload_base64). [array]",
      WordOption{PayloadForms(),
                 [this](const std::string& word) { form.payload = PayloadFormOf(word); },
                 [this] { return PayloadForms()[static_cast<size_t>(form.payload)]; }, "array"});
  add_of_stage("--places",
               "Console: a hex dump's lines count from the stream's first byte, and its header "
               "has the time, the direction and the offset.",
               &form.places);
  add_of_stage("--utf8", "Console: characters of UTF-8 as they are.", &form.utf8);
  add_of_stage("--console-http", "Console: HTTP with transfer and content codings taken off.",
               &form.http);
  add("--console-lock", "NAME", "Console: hold this named semaphore while a piece is printed.",
      TextOption{&form.lock});
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
