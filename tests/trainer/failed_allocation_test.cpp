// Trainings that are not given all the memory that they ask for, each in a process of its own.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <string>

#include "datasets/generated.h"
#include "tests/trainer/fixture.h"

namespace memtrack {
namespace {

using namespace memtrack::testing;

// 784 x 16000 weights of hidden1: more than what malloc takes from the heap.
constexpr std::int64_t kWidth = 16000;
constexpr std::int64_t kWeightBytes = 784 * kWidth * 4;

std::int64_t own_address_space_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

FailedAllocation failure_of_training(const TrainerOptions& options, const TrainingLibrary& library) {
  const Dataset dataset = generate_dataset({1, 28, 28}, 10, {20, 800}, 3);
  SilentObserver observer;
  return library.train(options, data_of(dataset), observer)
      .failed_allocation.value_or(FailedAllocation{0, "nothing failed"});
}

void leave_room_for(std::int64_t bytes) {
  const auto limit = static_cast<rlim_t>(own_address_space_bytes() + bytes);
  const rlimit address_space = {limit, limit};
  ::setrlimit(RLIMIT_AS, &address_space);
}

// "50176000 phase build, layer hidden1"
std::string failure_in_child(std::int64_t room_bytes, const TrainerOptions& options, const TrainingLibrary& library) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    leave_room_for(room_bytes);
    const FailedAllocation failed = failure_of_training(options, library);
    const std::string text = std::to_string(failed.bytes) + " " + failed.place;
    const bool is_told = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(is_told ? 0 : 1);
  }
  ::close(ends[1]);
  std::array<char, 200> text{};
  const ssize_t length = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

}  // namespace

TEST_CASE("an allocation that fails is told with its bytes and its phase and the layer or the optimizer") {
  const TrainingLibrary library = load_library();
  CHECK(failure_of_training({}, library).bytes == 0);  // what LibTorch and BLAS make when they are first used
  struct Case {
    const char* optimizer;
    double room;  // for so many blocks of weights
    const char* says;
  };
  for (const Case& each : {Case{"adam", 0.5, "50176000 phase build, layer hidden1"},
                           {"adam", 1.5, "50176000 phase train, backward pass of layer hidden1"},
                           {"adam", 2.5, "50176000 phase train, step of the optimizer adam"},
                           {"sgd", 3.5, "51200000 phase evaluate, layer hidden1"}}) {
    CAPTURE(each.room);
    TrainerOptions options;
    options.optimizer = each.optimizer;
    options.batch_size = 10;
    options.eval_batch_size = 800;
    options.hidden_layers = {kWidth};
    const auto room_bytes = static_cast<std::int64_t>(each.room * static_cast<double>(kWeightBytes));
    CHECK(failure_in_child(room_bytes, options, library) == each.says);
  }
}

}  // namespace memtrack
