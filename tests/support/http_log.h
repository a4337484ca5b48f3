#ifndef FLOWSTITCH_TESTS_SUPPORT_HTTP_LOG_H_
#define FLOWSTITCH_TESTS_SUPPORT_HTTP_LOG_H_
#include <algorithm>
#include <map>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "sinks/content/http/http_dialogue.h"

namespace flowstitch::testing {

// Everything that a dialogue tells, as text; bodies and messages in one piece however they came.
class Log : public HttpEvents {
 public:
  void OnHead(HttpMessageId id, const HttpHead& head) override {
    Of(id) += "head " + head.method + " " + head.target + " " + std::to_string(head.status) + " " +
              head.content_encoding + " interims " + std::to_string(head.interims);
    for (const auto& [name, value] : head.fields) Of(id) += "\n" + name + ": " + value;
    Of(id) += "\n";
  }
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t /*offset*/) override {
    Of(id).append(AsText(bytes));
  }
  void OnBodyGap(HttpMessageId id, uint64_t length) override {
    Of(id).append(static_cast<size_t>(length), '?');
  }
  void OnTrailers(HttpMessageId id, const HttpFields& fields) override {
    for (const auto& [name, value] : fields) Of(id) += "\ntrailer " + name + ": " + value;
  }
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override {
    Of(id) += (complete ? "\nend " : "\ncut ") + std::string(why) + "\n";
  }
  void OnWebSocketMessage(Direction direction, const WebSocketMessage& message) override {
    websocket[direction] += message.binary ? "binary " : "text ";
  }
  void OnWebSocketBytes(Direction direction, ByteView bytes, uint64_t /*offset*/) override {
    websocket[direction].append(AsText(bytes));
  }
  void OnWebSocketEnd(Direction direction, bool complete, std::string_view why) override {
    websocket[direction] += (complete ? "\nend " : "\ncut ") + std::string(why) + "\n";
  }
  void OnOther(Direction direction, ByteView bytes, uint64_t /*offset*/) override {
    other[direction].append(AsText(bytes));
  }
  void OnUnused(HttpKind kind, ByteView bytes) override {
    other[static_cast<int>(kind)].append(AsText(bytes));
  }
  void OnUnread(Direction direction, const UnreadStretch& stretch) override {
    stops[direction] += std::to_string(stretch.offset) + "-" +
                        (stretch.end ? std::to_string(*stretch.end) : "") + " " +
                        std::string(stretch.why) + "\n";
  }
  bool operator==(const Log& o) const {
    return messages == o.messages && websocket[0] == o.websocket[0] &&
           websocket[1] == o.websocket[1] && other[0] == o.other[0] && other[1] == o.other[1] &&
           stops[0] == o.stops[0] && stops[1] == o.stops[1];
  }
  std::map<std::pair<int, uint32_t>, std::string> messages;
  std::string websocket[2];
  std::string other[2];
  std::string stops[2];

 private:
  std::string& Of(HttpMessageId id) { return messages[{static_cast<int>(id.kind), id.stream}]; }
};

inline void PrintTo(const Log& log, std::ostream* out) {
  for (const auto& [id, text] : log.messages) {
    *out << "== " << id.first << "/" << id.second << "\n" << text;
  }
  for (const Direction d : kDirections) {
    *out << "== websocket " << d << "\n"
         << log.websocket[d] << "== other " << log.other[d] << "\n== stops " << log.stops[d];
  }
}

// Both sides, in turns as given; cut at random when there is a seed.
struct Turn {
  Turn(int number, std::string said) : side(Direction(number)), text(std::move(said)) {}
  Direction side;
  std::string text;
};
inline Log Read(const std::vector<Turn>& turns, uint64_t seed) {
  const HttpParserConfig config(true);
  Log log;
  HttpDialogue dialogue(config, {}, &log);
  std::mt19937_64 random(seed);
  uint64_t offsets[2] = {};
  for (const Turn& turn : turns) {
    for (size_t at = 0; at < turn.text.size();) {
      const size_t n =
          seed == 0 ? turn.text.size() : std::min<size_t>(turn.text.size() - at, 1 + random() % 9);
      dialogue.Bytes(turn.side, offsets[turn.side], AsBytes(turn.text).subspan(at, n), 0);
      offsets[turn.side] += n;
      at += n;
    }
  }
  dialogue.Close({true, true});
  return log;
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_HTTP_LOG_H_
