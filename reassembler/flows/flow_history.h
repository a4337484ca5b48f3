// What happened in a flow, as a word, in the spirit of Zeek's: each letter stands where it happened
// first, in upper case when the client did it, in lower case when the server did.
//
//   S  SYN                         H  SYN with ACK
//   A  acknowledgement alone       D  payload
//   T  payload seen before         W  a closed window
//   F  FIN                         R  RST
//   G  a gap in what it sent       I  payload that contradicts what it had sent
//   Q  flags that exclude each other, or none
//
// "ShADadFf": a handshake, a request, an answer, an orderly end.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_HISTORY_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_HISTORY_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace flowstitch {

class FlowHistory {
 public:
  // `letter` is one of the above, in upper case.
  void Add(bool by_client, char letter) {
    const uint32_t bit = 1u << (letter - 'A');
    uint32_t& seen = seen_[by_client ? 0 : 1];
    if (seen & bit) return;
    seen |= bit;
    letters_[size_++] = by_client ? letter : static_cast<char>(letter - 'A' + 'a');
  }
  std::string_view text() const { return {letters_.data(), size_}; }

 private:
  static constexpr size_t kLetters = 11;
  uint32_t seen_[2] = {};
  std::array<char, 2 * kLetters> letters_ = {};
  uint8_t size_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_HISTORY_H_
