// The file of one HTTP body: decoded as it comes, or as it came where it does not decode; with it
// the files of its parts, if it is a multipart one. Written beside its name; an incomplete one says
// so in its name.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_BODY_FILE_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_BODY_FILE_H_

#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "sinks/content/http/content_coding.h"
#include "sinks/content/http/multipart.h"
#include "sinks/records/body_record.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/piece_file.h"
#include "sinks/writers/content/content_names.h"

namespace flowstitch {

// What a body's file is called: by the message, with an ending by its type alone (as tcpflow) or
// also by its content; or by its SHA-256, so that each content is there once.
enum class BodyNames { kType, kContent, kDigest };

struct BodyFileOptions {
  DigestChoice digests;
  bool decode = true;  // take content codings off
  DecodeLimits limits;
  BodyNames names = BodyNames::kContent;
  std::string directory = ".";        // for files named by digest
  ContentNames* content = nullptr;    // null: endings by type alone
  PieceMemory* memory = nullptr;      // never null; outlives the file
  DecoderMemory* decoders = nullptr;  // null: not counted
  Mutex* digest_names = nullptr;      // never null where names are digests: held for each of them
};

// Gets the record of each part's file, before that of the body.
class PartTaker {
 public:
  virtual ~PartTaker() = default;
  virtual void OnPartFile(BodyRecord record) = 0;
};

// What a body's head says of it.
struct BodyHead {
  std::string content_type;
  std::string codings;      // content codings, the last applied one last
  std::string disposition;  // Content-Disposition
  // Where the body may also end, by another reading of the head.
  std::optional<uint64_t> other_length = std::nullopt;
};

class BodyFile : private MultipartEvents {
 public:
  // `stem` is the path without extension; `options`, `parts` and `account` outlive the file.
  // Without `parts` nothing is split. Nothing is made before the first byte.
  BodyFile(const BodyFileOptions& options, std::string stem, BodyHead head, PartTaker* parts,
           DecodeAccount* account);
  ~BodyFile() override;
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;

  // An error is one of the disk.
  absl::Status Add(ByteView bytes, uint64_t stream_offset, TimeNs time_ns);
  absl::Status AddGap(uint64_t length);
  // Gives the file its name, and the record of it; nothing when there was no byte. `why`: what is
  // known to be wrong with it.
  absl::Status Finish(bool complete, std::string_view why, BodyRecord* record);

  bool empty() const { return !started_; }
  // The name of a complete body, as far as it is known.
  std::string path() const;

 private:
  absl::Status Write(ByteView bytes);
  absl::Status KeepRaw(ByteView bytes);
  absl::Status KeepDecoded();
  absl::Status FallBackToRaw(std::string why);
  absl::Status KeepOtherReadings(const BodyRecord& record, bool odd_coding);
  absl::Status KeepOther(PieceFile* file, const char* name, const char* note,
                         const BodyRecord& record);
  void BeginContent();
  void AddNote(std::string_view note);
  absl::Status CommitByDigest(const BodyRecord& record);
  std::string FinalPath(bool complete, const BodyRecord& record) const;
  std::string Extension() const;

  void OnPart(const HttpFields& fields, uint64_t position) override;
  void OnPartBytes(ByteView bytes) override;
  void OnPartEnd(bool complete) override;

  const BodyFileOptions& options_;
  const std::string stem_;
  const BodyHead head_;
  PartTaker* const part_taker_;
  DecodeAccount* const account_;
  std::unique_ptr<Digests> digests_;
  std::unique_ptr<PieceFile> before_hole_;  // what was decoded up to it
  std::unique_ptr<ContentDecoder> decoder_;
  std::string note_;
  PieceFile file_;
  PieceFile raw_;         // what came, while it is decoded and may turn out not to decode
  std::string start_;     // of the content, for its name
  bool decoded_ = false;  // the codings came off
  bool started_ = false;
  bool gap_ = false;
  uint64_t leading_gap_ = 0;  // missing before the first byte
  uint64_t first_offset_ = 0;
  uint64_t end_offset_ = 0;
  TimeNs time_ns_ = 0;

  std::unique_ptr<MultipartSplitter> splitter_;
  std::unique_ptr<BodyFile> part_;
  HttpFields part_fields_;
  uint64_t part_position_ = 0;
  uint32_t parts_ = 0;
  absl::Status part_status_;  // the first failure of a part's file
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_BODY_FILE_H_
