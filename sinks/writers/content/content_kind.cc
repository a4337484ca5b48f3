#include "sinks/writers/content/content_kind.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sinks/writers/content/content_writer.h"

namespace flowstitch {
namespace {

// Where Debian's and others' libmagic look; $MAGIC names more.
constexpr const char* kMagicDatabases[] = {"/etc/magic", "/etc/magic.mime", "/usr/lib/file",
                                           "/usr/share/file", "/usr/share/misc"};

// By their place in the enumeration.
const std::vector<std::string>& NamesOfBodies() {
  static const std::vector<std::string> words = {"type", "content", "digest"};
  return words;
}

BodyNames BodyNamesOf(const std::string& word) {
  if (word == "type") return BodyNames::kType;
  return word == "digest" ? BodyNames::kDigest : BodyNames::kContent;
}

}  // namespace

void ContentWriterKind::AddOptions(OptionTable* table) {
  const auto add = [table](const char* name, const char* value, const char* help, auto place) {
    table->Add({name, value, help, place, kHttpGroup});
  };
  table->Add({option(), "",
              "Write the bodies of HTTP messages, their parts, and WebSocket messages.",
              FlagOption{&bodies}, kHttpGroup, /*of_stage_only=*/true});
  add("--no-decode", "",
      table->one_host() ? "Leave content codings (gzip ...) on HTTP bodies."
                        : "Leave content codings (gzip ...) on bodies.",
      FlagOption{&decode_, false});
  add("--http-heads", "", "Write NAME-HTTP: the heads of the HTTP messages of each stream.",
      FlagOption{&heads});
  add("--body-names", "NAMES",
      "Names of HTTP bodies: by the message with an ending by its type (type), also by its content "
      "where the type is missing or wrong (content), or by the SHA-256, each content once "
      "(digest). [content]",
      WordOption{NamesOfBodies(), [this](const std::string& word) { names = BodyNamesOf(word); },
                 [this] { return NamesOfBodies()[static_cast<size_t>(names)]; }, "content"});
  add("--decode-bytes", "BYTES",
      "Decoded bytes of one body; one that has more is kept as it came. [1G]",
      SizeOption{&limits_.max_bytes, 1, UINT64_MAX, std::nullopt, /*shows_default=*/false});
  add("--decode-ratio", "N",
      "Decoded bytes of a body for each of its own, over a flow, counted from 1M on; one that has "
      "more is kept as it came.",
      NumberOption{&limits_.max_ratio, 1, 1'000'000});
  add("--decode-layers", "N",
      "Content codings one over the other; a body that has more is kept as it came.",
      NumberOption{&limits_.max_layers, 1, 64});
}

void ContentWriterKind::AddFiles(std::vector<std::string>* reads,
                                 std::vector<std::string>* /*writes*/) const {
  reads->insert(reads->end(), std::begin(kMagicDatabases), std::end(kMagicDatabases));
  const char* named = std::getenv("MAGIC");
  if (named == nullptr) return;
  for (const absl::string_view path : absl::StrSplit(named, ':')) {
    reads->emplace_back(path);
    reads->push_back(absl::StrCat(path, ".mgc"));
  }
}

std::unique_ptr<Writer> ContentWriterKind::Make(const WriterContext& context) {
  ContentOptions options;
  options.http = bodies || heads || context.records->wants_transactions();
  if (!options.http && keys == nullptr) return nullptr;
  options.bodies = bodies;
  options.heads = heads;
  options.body.digests = context.digests;
  options.body.decode = decode_;
  options.body.limits = limits_;
  options.body.names = names;
  options.body.directory = context.directory;
  options.body.digest_names = &digest_names_;
  options.keys = keys;
  options.plain_files = context.flow_files;
  options.max_bytes = context.max_bytes;
  options.parser_bytes = context.parser_bytes;
  options.decoder_bytes = std::min(DecoderMemory::kMaxBytes, context.decoder_bytes);
  options.piece_bytes = std::min(PieceMemory::kMaxBytes, context.piece_bytes);
  options.records = context.records;
  std::unique_ptr<ContentNames> content;
  if (bodies && names == BodyNames::kContent) {
    if (auto opened = ContentNames::Open(); opened.ok()) content = *std::move(opened);
  }
  return std::make_unique<ContentWriter>(options, std::move(content), context.state,
                                         context.ledger);
}

}  // namespace flowstitch
