// The ending of a body's file: by its Content-Type, and by its content (libmagic) where that is
// missing, says nothing, or is plainly wrong.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_NAMES_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_NAMES_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"

struct magic_set;

namespace flowstitch {

// Not thread-safe: one for each thread.
class ContentNames {
 public:
  // Bytes of a body's start that are looked at.
  static constexpr size_t kStartBytes = 4096;

  // An error says that libmagic's database is not there.
  static absl::StatusOr<std::unique_ptr<ContentNames>> Open();
  ~ContentNames();
  ContentNames(const ContentNames&) = delete;
  ContentNames& operator=(const ContentNames&) = delete;

  // Without the dot; empty where nothing fits.
  std::string Extension(std::string_view content_type, ByteView start);

 private:
  explicit ContentNames(magic_set* magic) : magic_(magic) {}
  std::string ByContent(ByteView start);

  magic_set* const magic_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_NAMES_H_
