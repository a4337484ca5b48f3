// HTTP bodies as files, and what is written of TLS; the options of both.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_KIND_H_

#include "base/mutex.h"
#include "sinks/streams/writer_kind.h"
#include "sinks/writers/content/body_file.h"

namespace flowstitch {

class TlsKeys;

class ContentWriterKind : public WriterKind {
 public:
  std::string name() const override { return "http"; }
  std::string option() const override { return "--http"; }
  void Want(bool on) override { bodies = on; }
  bool wanted() const override { return bodies; }
  void AddOptions(OptionTable* table) override;
  void AddFiles(std::vector<std::string>* reads, std::vector<std::string>* writes) const override;
  // Also where nobody asked for bodies, if there is something to decrypt or records to tell.
  std::unique_ptr<Writer> Make(const WriterContext& context) override;

  bool bodies = false;
  bool heads = false;
  BodyNames names = BodyNames::kContent;
  TlsKeys* keys = nullptr;  // null: nothing is decrypted

 private:
  bool decode_ = true;
  DecodeLimits limits_;
  Mutex digest_names_;  // of all workers
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_KIND_H_
