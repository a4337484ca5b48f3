// Which response answers which request where counting them is no help: bytes of either direction
// are lost, or the capture began in the middle. What each end had of the other when it spoke tells.
// A client that waits for each response has, when it sends a request, everything up to the place
// where the response will begin; and a server has the whole of a request that it answers.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EXCHANGES_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EXCHANGES_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinks/content/http/http_events.h"

namespace flowstitch {

class HttpExchanges {
 public:
  struct Request {
    uint64_t number = 0;  // of the flow's, from 1
    uint64_t begin = 0;
    std::optional<uint64_t> end;  // absent: it is under way, or lost
    bool answered = false;
    std::optional<uint64_t> lost_from;  // what is lost directly before it
    // Of the last kMostNamed only, for responses to come.
    std::string method;
    std::string target;
    std::string host;
  };

  // The bytes from `offset` to `end` came from an end that had so many of the other side.
  void NoteBytes(HttpKind kind, uint64_t offset, uint64_t end,
                 std::optional<uint64_t> acknowledged);
  // What was taken for the one side is the other.
  void SwapSides();
  // A request's head is there: its number.
  uint64_t Begin(uint64_t begin, const HttpHead& head);
  void End(uint64_t end);
  // A response is complete, or may be.
  void EndResponse(uint64_t begin, uint64_t end);
  // From there on this side is not read; from there on it is again.
  void Lose(HttpKind kind, uint64_t from);
  void Resume(HttpKind kind, uint64_t at) { resumed_at_[static_cast<size_t>(kind)] = at; }

  // The one request that a response beginning there answers for certain; null: there is none.
  Request* AnsweredAt(uint64_t begin);
  // Whether a message may begin there, before which bytes are missing from `gap_from` on (`begin`:
  // none are): false where the ends' acknowledgements say that it lies inside another.
  bool MayBeginAt(HttpKind kind, uint64_t begin, uint64_t gap_from) const;
  // Whether the sender of the bytes there may have heard something that it had not before: else
  // they go on with what they followed.
  bool MayAnswerAt(HttpKind kind, uint64_t offset) const;
  // What the sender of the bytes there had of the other side; absent: not known.
  std::optional<uint64_t> Had(HttpKind kind, uint64_t offset) const;

  // What it holds, about.
  size_t memory_bytes() const {
    return named_bytes_ + requests_.capacity() * sizeof(Request) +
           responses_.capacity() * sizeof(responses_[0]) +
           (marks_[0].capacity() + marks_[1].capacity()) * sizeof(Mark);
  }

 private:
  // What is remembered of either kind; half of it goes where it is full.
  static constexpr size_t kMostRequests = 64;
  static constexpr size_t kMostMarks = 256;
  static constexpr size_t kMostNamed = 2;

  struct Mark {
    uint64_t offset = 0;
    std::optional<uint64_t> acknowledged;
  };
  const Request* LastBefore(uint64_t end) const;
  bool ResponseMayBegin(uint64_t begin, uint64_t had, uint64_t gap_from) const;
  bool RequestMayBegin(uint64_t had) const;
  bool IsCertain(size_t index) const;

  std::vector<Mark> marks_[2];  // by HttpKind, where what its sender had changed
  std::vector<Request> requests_;
  std::vector<std::pair<uint64_t, uint64_t>> responses_;  // where each begins and ends
  uint64_t next_number_ = 1;
  uint64_t positions_[2] = {};            // behind the last bytes
  std::optional<uint64_t> last_had_[2];   // with them: the last mark's
  size_t named_bytes_ = 0;                // of the words of the last kMostNamed
  std::optional<uint64_t> lost_from_[2];  // the last time
  std::optional<uint64_t> resumed_at_[2];
  bool pipelines_ = false;  // requests were sent before the response to the one before
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EXCHANGES_H_
