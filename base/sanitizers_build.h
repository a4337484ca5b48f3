// Whether a sanitizer is built in, which reads files, maps memory and looks for leaks in ways of
// its own.
#ifndef FLOWSTITCH_BASE_SANITIZERS_BUILD_H_
#define FLOWSTITCH_BASE_SANITIZERS_BUILD_H_

namespace flowstitch {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLOWSTITCH_HAS_SANITIZER
#elif defined(__has_feature)  // clang's word; headers of others define it for GCC too, as 0
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FLOWSTITCH_HAS_SANITIZER
#endif
#endif

#if defined(FLOWSTITCH_HAS_SANITIZER)
inline constexpr bool kSanitizersBuild = true;
#else
inline constexpr bool kSanitizersBuild = false;
#endif

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_SANITIZERS_BUILD_H_
