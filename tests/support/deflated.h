// Text as zlib packs it.
#ifndef FLOWSTITCH_TESTS_SUPPORT_DEFLATED_H_
#define FLOWSTITCH_TESTS_SUPPORT_DEFLATED_H_

#include <zlib.h>

#include <string>

namespace flowstitch::testing {

// `window_bits` as in deflateInit2: 15 the zlib form, -15 without any, 31 gzip.
inline std::string Deflated(const std::string& text, int window_bits) {
  z_stream z = {};
  deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
inline std::string Gzip(const std::string& text) { return Deflated(text, 31); }

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_DEFLATED_H_
