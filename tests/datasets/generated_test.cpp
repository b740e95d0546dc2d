#include <doctest/doctest.h>

#include <algorithm>

#include "datasets/catalog.h"
#include "datasets/generated.h"

namespace memtrack {
namespace {

bool same_bytes(const Dataset& left, const Dataset& right) {
  return std::ranges::equal(left.train().pixels, right.train().pixels) &&
         std::ranges::equal(left.train().labels, right.train().labels) &&
         std::ranges::equal(left.test().pixels, right.test().pixels) &&
         std::ranges::equal(left.test().labels, right.test().labels);
}

}  // namespace

TEST_CASE("generated data are the same bytes on every machine") {
  for (const std::string_view name : {"generated-mnist", "generated-cifar-10"}) {
    CAPTURE(std::string(name));
    const auto contents = verify_dataset(describe_dataset(name), "");
    REQUIRE(contents.size() == 1);
    CHECK(contents[0].sha256 == contents[0].expected);
  }
}

TEST_CASE("generated data have the shape of their model and the catalogue's counts, each class equally often") {
  for (const auto& [name, model] : {std::pair{"generated-mnist", "mnist"}, {"generated-cifar-10", "cifar-10"}}) {
    const DatasetDescription& description = describe_dataset(name);
    CHECK(description.shape == describe_dataset(model).shape);
    const Dataset dataset = load_dataset(description, "");
    CHECK(dataset.train().count() == description.train_count);
    CHECK(dataset.test().count() == description.test_count);
    CHECK(dataset.bytes() == description.contents.front().bytes);
    for (int label = 0; label < 10; ++label) {
      CHECK(std::ranges::count(dataset.train().labels, label) == description.train_count / 10);
    }
  }
}

TEST_CASE("the seed decides what is generated") {
  const ImageShape shape{1, 28, 28};
  CHECK(same_bytes(generate_dataset(shape, 10, {50, 20}, 4), generate_dataset(shape, 10, {50, 20}, 4)));
  CHECK_FALSE(same_bytes(generate_dataset(shape, 10, {50, 20}, 4), generate_dataset(shape, 10, {50, 20}, 5)));
}

}  // namespace memtrack
