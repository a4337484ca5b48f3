// Objects of one kind in a slab, and their order from longest silent to newest, for fair eviction.
#ifndef FLOWSTITCH_BASE_SILENCE_LIST_H_
#define FLOWSTITCH_BASE_SILENCE_LIST_H_

#include <cstdint>

#include "base/slab.h"

namespace flowstitch {

// Neighbours in a list of silence; kNone at the ends.
struct ListLinks {
  uint32_t older = UINT32_MAX;
  uint32_t newer = UINT32_MAX;
};

// A doubly linked list through the ListLinks of a slab's objects.
template <typename T>
class SilenceList {
 public:
  void PushNewest(Slab<T>& slab, uint32_t index) {
    ListLinks& links = slab[index].links;
    links = {newest_, Slab<T>::kNone};
    (newest_ == Slab<T>::kNone ? oldest_ : slab[newest_].links.newer) = index;
    newest_ = index;
  }
  void Remove(Slab<T>& slab, uint32_t index) {
    const ListLinks links = slab[index].links;
    (links.older == Slab<T>::kNone ? oldest_ : slab[links.older].links.newer) = links.newer;
    (links.newer == Slab<T>::kNone ? newest_ : slab[links.newer].links.older) = links.older;
  }
  uint32_t oldest() const { return oldest_; }
  uint32_t newest() const { return newest_; }

 private:
  uint32_t oldest_ = Slab<T>::kNone;
  uint32_t newest_ = Slab<T>::kNone;
};

// One kind's objects.
template <typename T>
struct Shelf {
  Slab<T> slab;
  SilenceList<T> by_silence;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_SILENCE_LIST_H_
