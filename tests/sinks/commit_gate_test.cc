#include "sinks/commit_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace flowstitch {
namespace {

TEST(CommitGate, ABatchIsThroughWhenTheDiskWasAskedAfterItWasWritten) {
  std::counting_semaphore<> asked{0};
  std::counting_semaphore<> answer{0};
  std::counting_semaphore<> woken{0};
  CommitGate gate(
      [&] {
        asked.release();
        answer.acquire();
        return absl::OkStatus();
      },
      [&] { woken.release(); });
  EXPECT_EQ(gate.through(), 0u);
  gate.NoteWritten(3);
  asked.acquire();
  // Written while the disk works: not of this question.
  gate.NoteWritten(7);
  gate.NoteWritten(5);  // never back
  EXPECT_EQ(gate.through(), 0u);
  answer.release();
  woken.acquire();
  EXPECT_EQ(gate.through(), 3u);
  asked.acquire();
  answer.release();
  woken.acquire();
  EXPECT_EQ(gate.through(), 7u);
  EXPECT_TRUE(gate.status().ok());
}

TEST(CommitGate, ADiskThatFailsLetsNothingThrough) {
  std::atomic<int> questions{0};
  std::counting_semaphore<> woken{0};
  {
    CommitGate gate(
        [&] {
          ++questions;
          return absl::UnavailableError("the disk is broken");
        },
        [&] { woken.release(); });
    gate.NoteWritten(1);
    woken.acquire();
    EXPECT_EQ(gate.status().message(), "the disk is broken");
    gate.NoteWritten(2);
    EXPECT_EQ(gate.through(), 0u);
  }
  EXPECT_EQ(questions, 1) << "it is not asked again";
}

}  // namespace
}  // namespace flowstitch
