#include "trainer/batches.h"

#include <doctest/doctest.h>

#include <cmath>

namespace memtrack {
namespace {

// Three images of 2 channels x 1 x 2 pixels.
constexpr ImageShape kShape = {2, 1, 2};
const std::vector<std::uint8_t> kPixels = {0, 255, 10, 10, 51, 102, 10, 10, 0, 0, 10, 10};
const std::vector<std::uint8_t> kLabels = {3, 1, 2};
const DatasetPart kPart = {kPixels, kLabels};

}  // namespace

TEST_CASE("mean and deviation are taken over each channel of the training images") {
  const auto statistics = channel_statistics(kPart, kShape);
  REQUIRE(statistics.size() == 2);
  // Channel 0 in units of 51: 0 5 1 2 0 0, mean 8/6, mean square 30/6.
  CHECK(statistics[0].mean == doctest::Approx(8.0 / 6 / 5));
  CHECK(statistics[0].deviation == doctest::Approx(std::sqrt(30.0 / 6 - 64.0 / 36) / 5));
  CHECK(statistics[1].mean == doctest::Approx(10.0 / 255));
}

TEST_CASE("a channel that never varies is centred and not divided by zero") {
  CHECK(channel_statistics(kPart, kShape)[1].deviation == 1);
}

TEST_CASE("a batch holds the images asked for, in that order, standardised by their channel, with their labels") {
  const std::vector<ChannelStatistics> channels = {{0.2, 0.5}, {0.1, 2}};
  const Standardiser standardiser(channels);
  const std::vector<std::int64_t> indices = {1, 0, 1};
  std::vector<float> inputs(12);
  std::vector<std::int64_t> labels(3);
  gather_batch(kPart, kShape, standardiser, indices, inputs, labels);
  CHECK(labels == std::vector<std::int64_t>{1, 3, 1});
  const float constant = static_cast<float>((10.0 / 255 - 0.1) / 2);
  const std::vector<float> expected = {0.0f,     0.4f,     constant, constant, -0.4f,    1.6f,
                                       constant, constant, 0.0f,     0.4f,     constant, constant};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(inputs[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  }
}

TEST_CASE("where nothing is standardised a byte is scaled to 0 to 1") {
  const Standardiser standardiser(std::vector<ChannelStatistics>(2));
  CHECK(standardiser.value(0, 0) == 0.0f);
  CHECK(standardiser.value(0, 255) == 1.0f);
  CHECK(standardiser.value(1, 51) == 0.2f);
}

TEST_CASE("standardised by its own statistics, a dataset has mean 0 and deviation 1") {
  const Standardiser standardiser(channel_statistics(kPart, kShape));
  double sum = 0, squares = 0;
  for (std::size_t i : {0u, 1u, 4u, 5u, 8u, 9u}) {
    const double value = standardiser.value(0, kPixels[i]);
    sum += value;
    squares += value * value;
  }
  CHECK(sum == doctest::Approx(0).epsilon(1e-6));
  CHECK(squares / 6 == doctest::Approx(1));
}

}  // namespace memtrack
