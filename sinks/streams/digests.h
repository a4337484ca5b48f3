// Digests of bytes as they pass: MD5, SHA-1, SHA-256 by choice.
#ifndef FLOWSTITCH_SINKS_STREAMS_DIGESTS_H_
#define FLOWSTITCH_SINKS_STREAMS_DIGESTS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sinks/streams/md5_lanes.h"

struct evp_md_ctx_st;

namespace flowstitch {

struct DigestValue {
  std::string type;  // "MD5", "SHA1", "SHA256": the words of DFXML
  std::string hex;
};

struct DigestChoice {
  bool md5 = false;
  bool sha1 = false;
  bool sha256 = false;
  bool any() const { return md5 || sha1 || sha256; }
};

class Digests {
 public:
  explicit Digests(const DigestChoice& choice);
  ~Digests();
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;

  void Update(ByteView bytes);
  // All but MD5, for a caller that gives its bytes to md5() another time.
  void UpdateOthers(ByteView bytes);
  // Null where it was not chosen.
  Md5* md5() { return md5_.get(); }
  // So many zero bytes: a gap reads as zeros.
  void UpdateZeros(uint64_t count);
  void UpdateOthersZeros(uint64_t count);
  // In the order MD5, SHA1, SHA256. Ends the computation.
  std::vector<DigestValue> Finish();

 private:
  struct One {
    const char* type;
    evp_md_ctx_st* context;
  };
  std::unique_ptr<Md5> md5_;
  std::vector<One> others_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_DIGESTS_H_
