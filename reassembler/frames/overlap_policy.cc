#include "reassembler/frames/overlap_policy.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowstitch {
namespace {

constexpr std::pair<std::string_view, OverlapPolicy> kNames[] = {
    {"first", OverlapPolicy::kFirst},
    {"last", OverlapPolicy::kLast},
    {"bsd", OverlapPolicy::kBsd},
    {"linux", OverlapPolicy::kLinux},
    {"old-linux", OverlapPolicy::kOldLinux},
    {"solaris", OverlapPolicy::kSolaris},
    {"windows", OverlapPolicy::kWindows},
};

}  // namespace

bool NewSegmentWins(OverlapPolicy policy, Extent waiting, Extent offered) {
  const bool same_start = offered.start == waiting.start;
  switch (policy) {
    case OverlapPolicy::kFirst:
    case OverlapPolicy::kWindows:  // since Vista
      return false;
    case OverlapPolicy::kLast:
      return true;
    case OverlapPolicy::kBsd:
      return offered.start < waiting.start;
    case OverlapPolicy::kLinux:
      return offered.start < waiting.start || (same_start && offered.end > waiting.end);
    case OverlapPolicy::kOldLinux:
      return offered.start < waiting.start || (same_start && offered.end >= waiting.end);
    case OverlapPolicy::kSolaris:
      return offered.end > waiting.end ||
             (offered.end == waiting.end && offered.start <= waiting.start);
  }
  return false;
}

bool NewFragmentWins(OverlapPolicy policy, Extent waiting, Extent offered) {
  switch (policy) {
    case OverlapPolicy::kFirst:
      return false;
    case OverlapPolicy::kLast:
      return true;
    case OverlapPolicy::kBsd:
      return offered.start < waiting.start;
    case OverlapPolicy::kLinux:
    case OverlapPolicy::kOldLinux:
      return offered.start <= waiting.start;
    case OverlapPolicy::kSolaris:
      return offered.start < waiting.start && offered.end >= waiting.end;
    case OverlapPolicy::kWindows:
      return offered.start < waiting.start && offered.end > waiting.end;
  }
  return false;
}

std::optional<OverlapPolicy> OverlapPolicyFromName(std::string_view name) {
  const auto* it = std::find_if(std::begin(kNames), std::end(kNames),
                                [name](const auto& entry) { return entry.first == name; });
  if (it == std::end(kNames)) return std::nullopt;
  return it->second;
}

std::string_view NameOf(OverlapPolicy policy) {
  const auto* it = std::find_if(std::begin(kNames), std::end(kNames),
                                [policy](const auto& entry) { return entry.second == policy; });
  return it->first;
}

}  // namespace flowstitch
