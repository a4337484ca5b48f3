// A multipart body, whole and in pieces: both must give the same parts.
#include "sinks/content/http/multipart.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

class Parts : public MultipartEvents {
 public:
  void OnPart(const HttpFields& fields, uint64_t position) override {
    Must(!open_, "a part ends the one before");
    open_ = true;
    text += "<" + std::to_string(position);
    for (const auto& [name, value] : fields) {
      text += name + "=" + SafeFileName(FieldParameter(value, "filename")) + ";";
    }
    text += ">";
  }
  void OnPartBytes(ByteView bytes) override {
    Must(open_, "bytes have a part");
    text.append(AsText(bytes));
  }
  void OnPartEnd(bool complete) override {
    Must(open_, "an end has a part");
    open_ = false;
    text += complete ? "|" : "~";
  }
  std::string text;

 private:
  bool open_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string whole;
  Parts pieces;
  MultipartSplitter in_pieces("b", &pieces);
  uint64_t offsets[2] = {};
  bool gaps = false;
  ForEachPiece(
      {data, size}, offsets,
      [&](int, uint64_t, ByteView bytes) {
        whole.append(AsText(bytes));
        in_pieces.Feed(bytes);
      },
      [&](int, uint64_t length) {
        gaps = true;
        in_pieces.Gap(length);
      });
  in_pieces.Finish();
  if (gaps) return 0;
  Parts once;
  MultipartSplitter at_once("b", &once);
  at_once.Feed(AsBytes(whole));
  at_once.Finish();
  Must(once.text == pieces.text, "the cut does not matter");
  Must(at_once.complete() == in_pieces.complete(), "nor to whether it is complete");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const std::string form =
      "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; "
      "filename=\"../a\\\".txt\"\r\n\r\n"
      "content\r\n--bb\r\nmore\r\n--b  \r\n\r\nsecond\n--b--\r\nepilogue";
  return {Pieces(0, form), Pieces(0, form.substr(0, 20)) + Pieces(1, form.substr(20)),
          Pieces(0, form.substr(0, 70)) + "\xfe" + Pieces(0, form.substr(70)),
          Pieces(0, "--b\nX: filename*=UTF-8''%e2%82%ac.txt; filename=x\n y\n\n\r\n--b--")};
}
