// What a program does where there is no memory, or no thread.
#include "base/process/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <system_error>
#include <thread>

namespace flowstitch {
namespace {

using ::testing::HasSubstr;

TEST(Guard, WhatIsThrownForWantOfSomethingBecomesAnError) {
  EXPECT_TRUE(Guard([] { return absl::OkStatus(); }).ok());
  EXPECT_EQ(Guard([] { return absl::NotFoundError("x"); }), absl::NotFoundError("x"));
  const absl::Status memory = Guard([]() -> absl::Status { throw std::bad_alloc(); });
  EXPECT_TRUE(absl::IsResourceExhausted(memory));
  EXPECT_THAT(std::string(memory.message()), HasSubstr("no memory is left: lower --memory"));
  const absl::Status thread = Guard([]() -> absl::Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_TRUE(absl::IsResourceExhausted(thread));
  EXPECT_THAT(std::string(thread.message()), HasSubstr("temporarily unavailable"));
}

TEST(ProgramDeathTest, AThreadThatNobodyGuardsEndsTheProgramWithAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        SetUpLog("tested", false);
        std::thread([] { throw std::bad_alloc(); }).join();
      },
      ::testing::ExitedWithCode(kExitFailed), "tested: error: no memory is left");
}

}  // namespace
}  // namespace flowstitch
