#include "sinks/writers/netviz/traffic_page.h"

#include <hpdf.h>

#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/utf8_text.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

constexpr float kWidth = 612;  // US letter, in points
constexpr float kHeight = 792;
constexpr float kMargin = 50;
constexpr size_t kListed = 3;
constexpr size_t kCurve = 100;
constexpr size_t kMaxInputBytes = 90;

struct Color {
  float red, green, blue;
};

// tcpflow's: web blue, TLS green, SSH purple, FTP red; everything else grey.
Color ColorOf(uint16_t port) {
  switch (port) {
    case 80:
    case 81:
    case 82:
    case 8000:
    case 8080:
    case 8090:
    case 8888:
      return {0.05F, 0.33F, 0.65F};
    case 443:
      return {0.10F, 0.60F, 0.20F};
    case 22:
      return {0.50F, 0.15F, 0.60F};
    case 20:
    case 21:
      return {0.80F, 0.10F, 0.10F};
    default:
      return {0.60F, 0.60F, 0.60F};
  }
}

std::string Amount(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return absl::StrFormat("%.*f %s", unit == 0 ? 0 : 2, value, kUnits[unit]);
}

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// libharu calls back with an error instead of failing; the first one counts.
void OnError(HPDF_STATUS error, HPDF_STATUS /*detail*/, void* user) {
  auto* first = static_cast<HPDF_STATUS*>(user);
  if (*first == 0) *first = error;
}

class Page {
 public:
  explicit Page(HPDF_Doc document)
      : page_(HPDF_AddPage(document)), font_(HPDF_GetFont(document, "Helvetica", nullptr)) {
    HPDF_Page_SetWidth(page_, kWidth);
    HPDF_Page_SetHeight(page_, kHeight);
  }

  void Text(float x, float y, float size, const std::string& text) {
    // The built-in fonts know Latin-1 only.
    std::string plain;
    for (const char c : text) plain += c >= 0x20 && c < 0x7f ? c : '?';
    HPDF_Page_SetRGBFill(page_, 0, 0, 0);
    HPDF_Page_BeginText(page_);
    HPDF_Page_SetFontAndSize(page_, font_, size);
    HPDF_Page_TextOut(page_, x, y, plain.c_str());
    HPDF_Page_EndText(page_);
  }
  void Box(float x, float y, float width, float height, Color color) {
    HPDF_Page_SetRGBFill(page_, color.red, color.green, color.blue);
    HPDF_Page_Rectangle(page_, x, y, width, height);
    HPDF_Page_Fill(page_);
  }
  void Line(float x0, float y0, float x1, float y1) {
    HPDF_Page_SetLineWidth(page_, 0.5F);
    HPDF_Page_MoveTo(page_, x0, y0);
    HPDF_Page_LineTo(page_, x1, y1);
    HPDF_Page_Stroke(page_);
  }

 private:
  HPDF_Page page_;
  HPDF_Font font_;
};

void DrawHead(const TrafficProfile& profile, const TrafficPageInfo& info, Page* page) {
  float y = kHeight - kMargin;
  const auto line = [&](const std::string& text) {
    page->Text(kMargin, y, 10, text);
    y -= 14;
  };
  page->Text(kMargin, y, 16, "flowstitch " FLOWSTITCH_VERSION);
  y -= 22;
  std::string inputs = ToUtf8(absl::StrJoin(info.inputs, ", "));
  if (inputs.size() > kMaxInputBytes) inputs = inputs.substr(0, kMaxInputBytes) + "...";
  line("Input: " + inputs);
  line("Generated: " + info.generated);
  if (profile.packets > 0) {
    line(absl::StrCat("Date range: ", FormatIsoSeconds(profile.first_ns), " to ",
                      FormatIsoSeconds(profile.last_ns)));
  }
  line(absl::StrFormat("Packets of flows: %d (%s) in %d flows", profile.packets,
                       Amount(profile.wire_bytes), profile.flows));
  std::vector<std::string> parts;
  for (const auto& [name, bytes] : profile.transports.Top(4)) {
    parts.push_back(absl::StrFormat("%s %.1f%%", name, Percent(bytes, profile.transports.total())));
  }
  line("Transports: " + absl::StrJoin(parts, ", "));
}

// Payload over time, a bar a slot, each port a part of it.
void DrawHistogram(const TrafficProfile& profile, float x, float y, float width, float height,
                   Page* page) {
  page->Text(x, y + height + 6, 11, "Payload over time, by the server's port");
  page->Line(x, y, x + width, y);
  page->Line(x, y, x, y + height);
  if (profile.slots.empty()) return;
  const int64_t first = profile.slots.begin()->first;
  const int64_t last = profile.slots.rbegin()->first;
  const auto columns = static_cast<float>(
      std::min<int64_t>(last - first + 1, static_cast<int64_t>(TrafficProfile::kMaxTimes)));
  const double slots_a_column =
      static_cast<double>(last - first + 1) / static_cast<double>(columns);
  std::map<int, std::map<uint16_t, uint64_t>> bars;
  for (const auto& [slot, ports] : profile.slots) {
    const int column = static_cast<int>(static_cast<double>(slot - first) / slots_a_column);
    for (const auto& [port, bytes] : ports) bars[column][port] += bytes;
  }
  uint64_t highest = 1;
  for (const auto& [column, ports] : bars) {
    uint64_t sum = 0;
    for (const auto& [port, bytes] : ports) sum += bytes;
    highest = std::max(highest, sum);
  }
  const float bar = width / columns;
  for (const auto& [column, ports] : bars) {
    float at = y;
    for (const auto& [port, bytes] : ports) {
      const float part =
          height * static_cast<float>(static_cast<double>(bytes) / static_cast<double>(highest));
      page->Box(x + bar * static_cast<float>(column), at, std::max(bar * 0.9F, 0.4F), part,
                ColorOf(port));
      at += part;
    }
  }
  page->Text(x, y - 12, 8, FormatIsoSeconds(first * profile.slot_ns));
  page->Text(x + width - 90, y - 12, 8, FormatIsoSeconds(last * profile.slot_ns));
  page->Text(x + width - 90, y + height + 6, 8, absl::StrCat("highest: ", Amount(highest)));
}

// The largest as bars and text, and how much the largest together make.
void DrawTop(const TopCounter& counter, const std::string& title, float x, float y, float width,
             float height, Page* page) {
  page->Text(x, y + height + 6, 11, title);
  page->Line(x, y, x + width, y);
  const auto top = counter.Top(kCurve);
  const float bar = width / static_cast<float>(std::max<size_t>(top.size(), 10));
  const uint64_t highest = top.empty() ? 1 : std::max<uint64_t>(top[0].second, 1);
  uint64_t sum = 0;
  float last_x = x;
  float last_y = y;
  for (size_t i = 0; i < top.size(); ++i) {
    const float at = x + bar * static_cast<float>(i);
    const auto share =
        static_cast<float>(static_cast<double>(top[i].second) / static_cast<double>(highest));
    page->Box(at, y, bar * 0.8F, height * share, {0.05F, 0.33F, 0.65F});
    sum += top[i].second;
    const auto all = static_cast<float>(Percent(sum, counter.total()) / 100);
    page->Line(last_x, last_y, at + bar, y + height * all);
    last_x = at + bar;
    last_y = y + height * all;
  }
  for (size_t i = 0; i < std::min(kListed, top.size()); ++i) {
    page->Text(x, y - 12 - 11 * static_cast<float>(i), 8,
               absl::StrFormat("%d. %s  %s (%.1f%%)", i + 1, top[i].first, Amount(top[i].second),
                               Percent(top[i].second, counter.total())));
  }
}

}  // namespace

absl::Status WriteTrafficPage(const TrafficProfile& profile, const TrafficPageInfo& info,
                              const std::string& path) {
  HPDF_STATUS error = 0;
  const std::unique_ptr<_HPDF_Doc_Rec, decltype(&HPDF_Free)> document(HPDF_New(OnError, &error),
                                                                      HPDF_Free);
  if (document == nullptr) return absl::ResourceExhaustedError("no memory for a page of PDF");
  Page page(document.get());
  DrawHead(profile, info, &page);
  const float half = (kWidth - 2 * kMargin - 30) / 2;
  const float right = kMargin + half + 30;
  DrawHistogram(profile, kMargin, 490, kWidth - 2 * kMargin, 130, &page);
  DrawTop(profile.sources, "Top source addresses", kMargin, 330, half, 100, &page);
  DrawTop(profile.destinations, "Top destination addresses", right, 330, half, 100, &page);
  DrawTop(profile.source_ports, "Top source ports", kMargin, 140, half, 100, &page);
  DrawTop(profile.destination_ports, "Top destination ports", right, 140, half, 100, &page);
  if (error == 0) HPDF_SaveToStream(document.get());
  std::string bytes;
  HPDF_UINT32 size = error == 0 ? HPDF_GetStreamSize(document.get()) : 0;
  bytes.resize(size);
  if (size > 0) {
    HPDF_ReadFromStream(document.get(), reinterpret_cast<HPDF_BYTE*>(bytes.data()), &size);
  }
  if (error != 0 || size == 0) {
    return absl::InternalError(
        absl::StrFormat("cannot draw '%s': libharu's error %d", path, error));
  }
  PartFile file;
  if (const absl::Status status = file.Open(path); !status.ok()) return status;
  if (const absl::Status status = file.Append(AsBytes(bytes)); !status.ok()) return status;
  return file.Commit(path);
}

std::string TrafficTable(const TrafficProfile& profile) {
  std::string text;
  const auto part = [&text](const char* title, const TopCounter& counter) {
    absl::StrAppend(&text, title, "\n");
    for (const auto& [name, bytes] : counter.Top(SIZE_MAX)) {
      absl::StrAppend(&text, name, "\t", bytes, "\n");
    }
  };
  part("source addresses", profile.sources);
  part("destination addresses", profile.destinations);
  part("source ports", profile.source_ports);
  part("destination ports", profile.destination_ports);
  return text;
}

}  // namespace flowstitch
