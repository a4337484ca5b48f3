// What all flows of a writer share.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_CONTEXT_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_CONTEXT_H_

#include "absl/status/status.h"
#include "base/ledger.h"
#include "sinks/content/http/http_parser.h"
#include "sinks/content/openings/parser_memory.h"
#include "sinks/content/tls/tls_keys.h"
#include "sinks/records/record_hub.h"
#include "sinks/writers/content/body_file.h"

namespace flowstitch {

struct ContentOptions {
  bool http = true;    // look for it
  bool bodies = true;  // write them
  bool heads = false;  // write NAME-HTTP: the heads of each stream's messages
  BodyFileOptions body;
  TlsKeys* keys = nullptr;   // null: nothing is decrypted
  bool plain_files = false;  // write NAME-TLS: what was decrypted
  int64_t max_bytes = -1;    // of one of those; -1: no limit
  // What the parsers of all flows may hold, their decoders, and files that are not written so far.
  size_t parser_bytes = size_t{1} << 30;
  size_t decoder_bytes = DecoderMemory::kMaxBytes;
  size_t piece_bytes = PieceMemory::kMaxBytes;
  RecordHub* records = nullptr;  // never null; outlives the writer
};

struct ContentContext {
  ContentContext(const ContentOptions& the_options, SinkLedger* the_ledger)
      : options(the_options),
        records(*the_options.records),
        ledger(the_ledger),
        config(/*with_fields=*/the_options.heads || the_options.records->wants_transactions()),
        memory(the_options.piece_bytes),
        decoders(the_options.decoder_bytes),
        parsers(the_options.parser_bytes) {
    options.body.memory = &memory;
    options.body.decoders = &decoders;
  }

  // Of a file that may come to nothing, in memory.
  static constexpr size_t kKeepBytes = 128 << 10;

  bool failed() const { return !status.ok(); }
  void Note(const absl::Status& s) { status.Update(s); }

  ContentOptions options;
  RecordHub& records;
  SinkLedger* const ledger;
  const HttpParserConfig config;
  PieceMemory memory;
  DecoderMemory decoders;
  ParserMemory parsers;
  absl::Status status;  // the first failure; after it nothing is written any more
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_CONTEXT_H_
