// One message as it goes over a socket: immutable bytes and whatever keeps them alive. Copies share
// the bytes, so a batch that waits for its acknowledgement and is on its way to two sinks exists
// once.
#ifndef FLOWSTITCH_TRANSPORT_WIRE_MESSAGE_H_
#define FLOWSTITCH_TRANSPORT_WIRE_MESSAGE_H_

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace flowstitch {

class WireMessage {
 public:
  WireMessage() = default;
  WireMessage(std::shared_ptr<const void> owner, ByteView bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}
  explicit WireMessage(std::string text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    bytes_ = AsBytes(*owner);
    owner_ = std::move(owner);
  }

  ByteView bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  ByteView bytes_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_WIRE_MESSAGE_H_
