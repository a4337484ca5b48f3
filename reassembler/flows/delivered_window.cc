#include "reassembler/flows/delivered_window.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace flowstitch {

void DeliveredWindow::SetArea(ByteView area, const std::shared_ptr<const void>& owner) {
  const auto it = numbers_.find(owner.get());
  area_number_ = it == numbers_.end() ? 0 : it->second;
  if (area_number_ == 0) {
    // Where few of an area's bytes are delivered, or it is large for the window, keeping it would
    // mean to remember less than was asked for: its bytes are copied.
    refers_ = used_ * 2 >= seen_ && (area.size() + kAreaBytes) * 4 <= size_;
    seen_ += area.size() + kAreaBytes;
    if (seen_ > size_) {
      seen_ /= 2;
      used_ /= 2;
    }
  } else {
    refers_ = true;
  }
  area_ = area;
  owner_ = owner;
}

bool DeliveredWindow::InArea(ByteView bytes) const {
  const std::less_equal<> le;
  return le(area_.data(), bytes.data()) &&
         le(bytes.data() + bytes.size(), area_.data() + area_.size());
}

void DeliveredWindow::DropAreas() {
  while (areas_.size() > 1 &&
         (remembered_ - areas_.front().remembered >= size_ || kept_ > 3 * size_)) {
    const Area& oldest = areas_.front();
    remembered_ -= oldest.remembered;
    kept_ -= oldest.size;
    numbers_.erase(oldest.owner.get());
    areas_.pop_front();
    if (area_number_ == first_area_) area_number_ = 0;
    ++first_area_;
  }
}

DeliveredWindow::Record DeliveredWindow::RecordAt(uint64_t mark) const {
  Record record;
  std::memcpy(&record, ring_.get() + Place(mark), sizeof(record));
  return record;
}

uint8_t* DeliveredWindow::Add(uint64_t* mark, const Record& record, size_t size) {
  const size_t whole = (sizeof(Record) + size + kAlign - 1) / kAlign * kAlign;
  const size_t place = head_ % size_;
  if (place + whole > size_) head_ += size_ - place;  // a record does not wrap
  uint8_t* const to = ring_.get() + head_ % size_;
  std::memcpy(to, &record, sizeof(record));
  *mark = last_ = head_ + 1;
  head_ += whole;
  return to + sizeof(record);
}

uint8_t* DeliveredWindow::Grow(Record record, size_t size_before, size_t more) {
  const size_t end = Place(last_) + sizeof(record) + size_before;
  if (end + more > size_ || size_before + more > size_ / 4) return nullptr;
  std::memcpy(ring_.get() + Place(last_), &record, sizeof(record));
  const uint64_t whole = sizeof(record) + size_before + more;
  head_ = last_ - 1 + (whole + kAlign - 1) / kAlign * kAlign;
  return ring_.get() + end;
}

void DeliveredWindow::AppendCopy(uint64_t* mark, Position at, ByteView bytes) {
  if (*mark == last_ && *mark != 0) {
    // The newest record is this stream's: it grows when there is room behind it.
    Record record = RecordAt(last_);
    if (record.area == 0 && record.at + record.length == at) {
      const size_t before = record.length;
      record.length += bytes.size();
      if (uint8_t* to = Grow(record, before, bytes.size())) {
        std::memcpy(to, bytes.data(), bytes.size());
        return;
      }
    }
  }
  std::memcpy(Add(mark, {*mark, at, bytes.size(), 0, 0}, bytes.size()), bytes.data(), bytes.size());
}

void DeliveredWindow::AppendPart(uint64_t* mark, Position at, ByteView bytes) {
  if (area_number_ == 0) {
    areas_.push_back({owner_, area_.size() + kAreaBytes, 0});
    kept_ += areas_.back().size;
    area_number_ = numbers_[owner_.get()] = last_area();
  }
  areas_[area_number_ - first_area_].remembered += bytes.size();
  remembered_ += bytes.size();
  if (*mark == last_ && *mark != 0) {
    Record record = RecordAt(last_);
    if (record.area == area_number_ && record.at + record.length == at) {
      const size_t before = record.parts * sizeof(Part);
      record.length += bytes.size();
      ++record.parts;
      if (uint8_t* to = Grow(record, before, sizeof(Part))) {
        const Part part{bytes.data(), record.length};
        std::memcpy(to, &part, sizeof(part));
        return;
      }
    }
  }
  const Part part{bytes.data(), bytes.size()};
  std::memcpy(Add(mark, {*mark, at, bytes.size(), area_number_, 1}, sizeof(Part)), &part,
              sizeof(part));
}

void DeliveredWindow::Append(uint64_t* mark, Position at, ByteView bytes) {
  // What does not fit is of no use to anybody.
  if (bytes.empty() || bytes.size() + sizeof(Record) > size_ / 2) return;
  const bool in_area = InArea(bytes);
  if (in_area) used_ += bytes.size();
  if (!in_area || !refers_) {
    AppendCopy(mark, at, bytes);
    return;
  }
  AppendPart(mark, at, bytes);
  DropAreas();
}

// The bytes in [start, end) of a record that has them in parts, in one piece.
ByteView DeliveredWindow::Gather(const Record& record, const uint8_t* parts, Position start,
                                 Position end) const {
  const auto part_at = [parts](uint64_t k) {
    Part part;
    std::memcpy(&part, parts + k * sizeof(Part), sizeof(part));
    return part;
  };
  // The first part that ends behind the start.
  uint64_t low = 0;
  for (uint64_t high = record.parts - 1; low < high;) {
    const uint64_t middle = low + (high - low) / 2;
    if (record.at + part_at(middle).end > start) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  uint64_t begin = low == 0 ? 0 : part_at(low - 1).end;
  const Part first = part_at(low);
  if (record.at + first.end >= end) {
    return {first.data + (start - record.at - begin), static_cast<size_t>(end - start)};
  }
  gathered_.clear();
  for (uint64_t k = low; k < record.parts && record.at + begin < end; ++k) {
    const Part part = part_at(k);
    const Position from = std::max(start, record.at + begin);
    const Position to = std::min(end, record.at + part.end);
    const uint8_t* data = part.data + (from - record.at - begin);
    gathered_.insert(gathered_.end(), data, data + (to - from));
    begin = part.end;
  }
  return gathered_;
}

void DeliveredWindow::Find(uint64_t mark, Position at, uint64_t length, OnKept kept) const {
  for (int i = 0; i < kMaxSteps && Holds(mark); ++i) {
    const Record record = RecordAt(mark);
    const uint8_t* const behind = ring_.get() + Place(mark) + sizeof(record);
    const Position start = std::max(at, record.at);
    const Position end = std::min(at + length, record.at + record.length);
    const bool dropped = record.area != 0 && record.area < first_area_;
    if (start < end && !dropped) {
      kept(start, record.area == 0
                      ? ByteView(behind + (start - record.at), static_cast<size_t>(end - start))
                      : Gather(record, behind, start, end));
    }
    if (record.at <= at) return;  // what is older lies before
    mark = record.previous;
  }
}

}  // namespace flowstitch
