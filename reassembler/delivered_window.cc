#include "reassembler/delivered_window.h"

#include <algorithm>

namespace flowstitch {

void DeliveredWindow::Append(uint64_t* mark, Position at, ByteView bytes) {
  // What does not fit is of no use to anybody.
  if (bytes.size() + sizeof(Record) > size_ / 2) return;
  if (*mark == last_ && *mark != 0) {
    // The newest record is this stream's: it grows when there is room behind it.
    Record record;
    std::memcpy(&record, ring_.get() + Place(last_), sizeof(record));
    const size_t end = Place(last_) + sizeof(record) + record.length;
    if (record.at + record.length == at && end + bytes.size() <= size_ &&
        record.length + bytes.size() <= size_ / 4) {
      std::memcpy(ring_.get() + end, bytes.data(), bytes.size());
      record.length += bytes.size();
      std::memcpy(ring_.get() + Place(last_), &record, sizeof(record));
      const uint64_t whole = sizeof(record) + record.length;
      head_ = last_ - 1 + (whole + kAlign - 1) / kAlign * kAlign;
      return;
    }
  }
  const size_t whole = (sizeof(Record) + bytes.size() + kAlign - 1) / kAlign * kAlign;
  const size_t place = head_ % size_;
  if (place + whole > size_) head_ += size_ - place;  // a record does not wrap
  const Record record{*mark, at, bytes.size()};
  uint8_t* const to = ring_.get() + head_ % size_;
  std::memcpy(to, &record, sizeof(record));
  std::memcpy(to + sizeof(record), bytes.data(), bytes.size());
  *mark = last_ = head_ + 1;
  head_ += whole;
}

void DeliveredWindow::Find(uint64_t mark, Position at, uint64_t length, OnKept kept) const {
  for (int i = 0; i < kMaxSteps && Holds(mark); ++i) {
    Record record;
    const uint8_t* const from = ring_.get() + Place(mark);
    std::memcpy(&record, from, sizeof(record));
    const Position start = std::max(at, record.at);
    const Position end = std::min(at + length, record.at + record.length);
    if (start < end) {
      kept(start, {from + sizeof(record) + (start - record.at), static_cast<size_t>(end - start)});
    }
    if (record.at <= at) return;  // what is older lies before
    mark = record.previous;
  }
}

}  // namespace flowstitch
