// TLS in one layer of a flow, where there are keys: it stands where HTTP does not, from the layer's
// first byte on, inside a tunnel, or behind a dialogue that asked for it (STARTTLS), where it
// begins with a segment. What it hides is written to NAME-TLS, and read as a layer of its own.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_TLS_LAYER_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_TLS_LAYER_H_

#include <memory>
#include <string>

#include "base/direction.h"
#include "sinks/content/tls/tls_connection.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/piece_file.h"
#include "sinks/writers/content/content_context.h"

namespace flowstitch {

class ContentLayer;

class TlsLayer : private TlsEvents {
 public:
  // TLS inside of TLS that is opened.
  static constexpr int kMaxLayers = 3;

  // `suffix`: what stands behind the stream's name for the layer that this is a part of.
  TlsLayer(ContentContext* context, SinkFlow* flow, std::string suffix, int depth);
  ~TlsLayer() override;

  // The next bytes of a direction that are nothing else.
  void Bytes(Direction direction, ByteView bytes, TimeNs time_ns);
  void Gap(Direction direction, uint64_t length);
  // The flow has ended; `orderly`: as in HttpDialogue.
  void Close(const bool (&orderly)[2]);
  // Nothing more is read.
  void Abandon();

  // Whether a connection was found.
  bool begun() const { return connection_ != nullptr; }
  size_t memory_bytes() const { return begun() ? connection_->memory_bytes() : 0; }

 private:
  // What was decrypted of one direction.
  struct Plain {
    std::unique_ptr<PieceFile> file;
    std::unique_ptr<Digests> digests;
    uint64_t bytes = 0;
    uint64_t gaps = 0;
    TimeNs first_ns = 0;
  };

  void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) override;
  void OnPlainGap(Direction direction, uint64_t length) override;

  bool Begins(Direction direction, ByteView bytes);
  Plain& PlainOf(Direction direction);
  uint64_t RoomFor(const Plain& plain, uint64_t bytes) const;
  PlainRecord EndPlain(Direction direction);
  std::string PathOf(Direction direction) const;

  ContentContext* const context_;
  SinkFlow* const flow_;
  const std::string suffix_;
  const int depth_;
  bool saw_bytes_[2] = {};
  bool in_tls_[2] = {};
  std::unique_ptr<TlsConnection> connection_;
  TlsFacts facts_;
  Plain plain_[2];
  std::unique_ptr<ContentLayer> inner_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_TLS_LAYER_H_
