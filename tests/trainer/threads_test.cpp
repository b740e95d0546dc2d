#include "trainer/threads.h"

#include <doctest/doctest.h>

namespace memtrack {
namespace {

constexpr ImageShape kGrey = {1, 28, 28};
constexpr ImageShape kColour = {3, 32, 32};

}  // namespace

TEST_CASE("the paper's networks are trained by one thread, however many cores there are") {
  // The most work a step of each of its tables.
  CHECK(default_threads({.batch_size = 98, .hidden_layers = {149, 310, 180, 265, 163}}, kGrey, 64) == 1);
  CHECK(default_threads({.batch_size = 17, .hidden_layers = {439, 176, 388, 307, 326, 160}}, kGrey, 64) == 1);
  CHECK(default_threads({.batch_size = 26, .hidden_layers = {256, 128, 256, 128, 128}}, kColour, 64) == 1);
}

TEST_CASE("a large step is shared, by more threads the larger it is, and by no more than there are cores") {
  const TrainerOptions large = {.batch_size = 128, .hidden_layers = {512, 256}};
  CHECK(default_threads(large, kColour, 1) == 1);
  CHECK(default_threads(large, kColour, 2) == 2);
  CHECK(default_threads(large, kColour, 64) == 4);
  const TrainerOptions larger = {.batch_size = 256, .hidden_layers = {2048, 2048}};
  CHECK(default_threads(larger, kGrey, 64) == 29);
  const TrainerOptions largest = {.batch_size = 1'000'000'000,
                                  .hidden_layers = std::vector<std::int64_t>(1000, 1'000'000)};
  CHECK(default_threads(largest, kColour, 64) == 64);
}

TEST_CASE("convolutions count as the multiplications that they are") {
  // 28 x 28 x 9 x 16 + 14 x 14 x 16 x 9 x 32 + 1568 x 128 + 128 x 10 = 1,218,048 an image
  TrainerOptions options = {.batch_size = 82, .conv_layers = {{16, 3}, {32, 3}}, .hidden_layers = {128}};
  CHECK(default_threads(options, kGrey, 64) == 1);
  options.batch_size = 83;
  CHECK(default_threads(options, kGrey, 64) == 2);
}

TEST_CASE("there is a core to use") {
  CHECK(usable_cores() >= 1);
}

}  // namespace memtrack
