#include "trainer/tensor_summary.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace memtrack {
namespace {

constexpr std::int64_t kMib = std::int64_t{1} << 20;

PhaseTensors training(std::int64_t peak_bytes, std::int64_t activations_peak) {
  return {"train",
          1,
          {3 * kMib,
           peak_bytes,
           {{"parameters", "hidden1", 2 * kMib, 2 * kMib},
            {"parameters", "output", kMib, kMib},
            {"activations", "", 0, activations_peak}}}};
}

}  // namespace

TEST_CASE("the line says the largest phase and its kinds, layers added up") {
  TensorSummary summary;
  CHECK(summary.line() == "");
  CHECK_FALSE(summary.peak_bytes());
  summary.take({"load", {}, {kMib, kMib, {{"data", "", kMib, kMib}}}});
  summary.take(training(4 * kMib, kMib));
  CHECK(summary.line() == "tensors held 4.0 MiB at most (train): parameters 3.0, activations 1.0");
  CHECK(summary.peak_bytes() == 4 * kMib);
}

TEST_CASE("a visit of a phase is news where it ends with other bytes or one of its peaks is higher") {
  TensorSummary summary;
  CHECK(summary.take(training(4 * kMib, kMib)));
  CHECK_FALSE(summary.take(training(4 * kMib, kMib)));
  CHECK_FALSE(summary.take(training(4 * kMib, kMib - 1)));
  CHECK(summary.take(training(4 * kMib, kMib + 1)));
  CHECK(summary.take(training(4 * kMib + 1, kMib)));
  PhaseTensors other = training(4 * kMib, kMib);
  other.figures.tensors.pop_back();
  CHECK_FALSE(summary.take(other));
  other.figures.tensors.front().bytes = 1;
  CHECK(summary.take(other));
}

TEST_CASE("as JSON each phase has its bytes as it ended last and its highest peaks") {
  TensorSummary summary;
  summary.take(training(5 * kMib, 2 * kMib));
  summary.take(training(4 * kMib, kMib));
  CHECK(
      summary.json().dump() ==
      R"({"train":{"bytes":3145728,"peak_bytes":5242880,"kinds":{"parameters":{"bytes":3145728,"peak_bytes":3145728},)"
      R"("activations":{"bytes":0,"peak_bytes":2097152}}}})");
}

}  // namespace memtrack
