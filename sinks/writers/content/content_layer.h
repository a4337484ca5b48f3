// One layer of a flow: what stands before the protocol proper is passed over, HTTP becomes files
// (http_files.h), and what is not HTTP may be TLS (tls_layer.h), whose plain bytes are the next
// layer: HTTP, a proxy's tunnel, HTTP/2.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_LAYER_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_LAYER_H_

#include <memory>
#include <optional>
#include <string>

#include "base/direction.h"
#include "sinks/content/openings/opening_hold.h"
#include "sinks/writers/content/content_context.h"
#include "sinks/writers/content/http_files.h"
#include "sinks/writers/content/tls_layer.h"

namespace flowstitch {

class ContentLayer {
 public:
  // `suffix`: what stands behind the stream's name for everything of this layer; `depth`: layers
  // around it. `context` and `flow` outlive it.
  ContentLayer(ContentContext* context, SinkFlow* flow, std::string suffix, int depth);
  ~ContentLayer();
  ContentLayer(const ContentLayer&) = delete;
  ContentLayer& operator=(const ContentLayer&) = delete;

  void Bytes(const StreamPiece& piece);
  void Gap(Direction direction, uint64_t length);
  // `orderly`: as in HttpDialogue.
  void Close(const bool (&orderly)[2]);

 private:
  void Feed(const StreamPiece& piece);
  void EndOpening();
  // What it holds, about.
  size_t memory_bytes() const;
  void CountMemory();
  void GiveUp();
  void Finish(const bool (&orderly)[2]);

  ContentContext* const context_;
  SinkFlow* const flow_;
  const std::string suffix_;
  const int depth_;
  TlsLayer tls_;
  std::optional<HttpFiles> http_;  // absent: it is not looked for
  bool given_up_ = false;
  std::unique_ptr<OpeningHold> opening_;  // null: none was there, or it is over
  uint64_t positions_[2] = {};            // behind the last bytes of each direction
  size_t counted_bytes_ = 0;              // of memory
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_LAYER_H_
