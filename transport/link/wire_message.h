// One message as it goes over a socket: immutable bytes and whatever keeps them alive, perhaps of a
// batch whose payload lies in shared memory; or a batch that is handed over within the process.
// Copies share it, so a batch that waits for its acknowledgement and is on its way to two sinks
// exists once.
#ifndef FLOWSTITCH_TRANSPORT_LINK_WIRE_MESSAGE_H_
#define FLOWSTITCH_TRANSPORT_LINK_WIRE_MESSAGE_H_

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace flowstitch {

struct HandedBatch;
struct SharedBatch;

class WireMessage {
 public:
  WireMessage() = default;
  WireMessage(std::shared_ptr<const void> owner, ByteView bytes)
      : owner_(std::move(owner)), bytes_(bytes), size_(bytes.size()) {}
  explicit WireMessage(std::string text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    bytes_ = AsBytes(*owner);
    owner_ = std::move(owner);
    size_ = bytes_.size();
  }

  // `size`: what a link counts it as, in bytes.
  WireMessage(std::shared_ptr<const HandedBatch> batch, size_t size)
      : handed_(std::move(batch)), size_(size) {}

  // Its bytes say where the payload is.
  WireMessage(std::shared_ptr<const SharedBatch> batch, size_t size);

  ByteView bytes() const { return bytes_; }
  size_t size() const { return size_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  // Null of a message that is bytes.
  const std::shared_ptr<const HandedBatch>& handed() const { return handed_; }
  // Null of one that carries all that belongs to it.
  const SharedBatch* shared() const { return shared_; }

 private:
  std::shared_ptr<const void> owner_;
  ByteView bytes_;
  std::shared_ptr<const HandedBatch> handed_;
  const SharedBatch* shared_ = nullptr;  // then the owner
  size_t size_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_WIRE_MESSAGE_H_
