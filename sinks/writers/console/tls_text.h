// What TLS hides in a flow, for the console: decrypted bytes in the place of the records. What is
// not TLS passes unchanged.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONSOLE_TLS_TEXT_H_
#define FLOWSTITCH_SINKS_WRITERS_CONSOLE_TLS_TEXT_H_

#include <functional>
#include <memory>
#include <string>

#include "base/direction.h"
#include "sinks/content/tls/tls_connection.h"

namespace flowstitch {

class TlsText : private TlsEvents {
 public:
  // `decrypted`: `offset` counts these.
  using Give = std::function<void(Direction direction, uint64_t offset, ByteView bytes,
                                  TimeNs time_ns, bool decrypted)>;
  using GiveGap = std::function<void(Direction direction, uint64_t length, bool decrypted)>;

  // `keys` outlive this.
  TlsText(TlsKeys* keys, Give give, GiveGap give_gap)
      : keys_(keys), give_(std::move(give)), give_gap_(std::move(give_gap)) {}

  void Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns);
  void Gap(Direction direction, uint64_t length);
  // Why not everything was decrypted; empty: it was, or there was none.
  std::string Close();

 private:
  void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) override {
    give_(direction, offset, bytes, time_ns, /*decrypted=*/true);
  }
  void OnPlainGap(Direction direction, uint64_t length) override {
    give_gap_(direction, length, /*decrypted=*/true);
  }

  TlsKeys* const keys_;
  const Give give_;
  const GiveGap give_gap_;
  TlsFacts facts_;
  std::unique_ptr<TlsConnection> tls_;  // null: it has not begun
  bool in_tls_[2] = {};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONSOLE_TLS_TEXT_H_
