#include "trainer/tensor_ledger.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace memtrack {
namespace {

using Tensors = std::vector<TensorMemory>;

constexpr TensorOwner kState = {TensorKind::optimizer_state};

TensorMemory found(const TensorFigures& figures, std::string_view kind, std::string_view layer = "") {
  for (const TensorMemory& each : figures.tensors) {
    if (each.kind == kind && each.layer == layer) return each;
  }
  return {};
}

struct Fixture {
  TensorLedger ledger;
  std::deque<TensorBlock> blocks;

  TensorBlock& open(std::int64_t bytes, TensorOwner owner = {}) {
    const OwnerScope scope(ledger, owner);
    ledger.open(blocks.emplace_back(TensorBlock{.bytes = bytes}));
    return blocks.back();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is opened within a scope is counted to its layer and kind, all else to activations") {
  ledger.begin(0);
  const std::uint32_t hidden = ledger.add_layer("hidden1");
  const TensorBlock& weights = open(100, {TensorKind::parameters, hidden});
  const TensorBlock& other = open(7);
  const TensorFigures figures = ledger.take_figures();
  CHECK(figures.tensors == Tensors{{"parameters", "hidden1", 100, 100}, {"activations", "", 7, 7}});
  CHECK(figures.bytes == 107);
  ledger.close(weights);
  ledger.close(other);
  CHECK(ledger.take_figures().bytes == 0);
}

TEST_CASE_FIXTURE(Fixture, "a peak is the most since the last figures were taken, that of all at one moment") {
  ledger.begin(0);
  const TensorBlock& first = open(10);
  ledger.close(first);
  open(30, {TensorKind::data});
  const TensorFigures figures = ledger.take_figures();
  CHECK(found(figures, "activations") == TensorMemory{"activations", "", 0, 10});
  CHECK(figures.peak_bytes == 30);
  CHECK(ledger.take_figures().tensors == Tensors{{"data", "", 30, 30}});
}

TEST_CASE_FIXTURE(Fixture, "a block that is given another owner is counted there from then on") {
  ledger.begin(0);
  TensorBlock& state = open(10);
  ledger.assign(state, kState);
  const TensorFigures figures = ledger.take_figures();
  CHECK(figures.tensors == Tensors{{"optimizer_state", "", 10, 10}, {"activations", "", 0, 10}});
  ledger.close(state);
  CHECK(ledger.take_figures().tensors == Tensors{{"optimizer_state", "", 0, 10}});
}

TEST_CASE_FIXTURE(Fixture, "what is written down is counted as what it became from its birth on") {
  ledger.begin(0);
  const TensorBlock& before = open(1);
  ledger.start_journal();
  const TensorBlock& forward = open(5);
  TensorBlock& gradient = open(100);
  ledger.close(forward);
  const std::size_t position = ledger.journal_position();
  const TensorBlock& passing = open(3);
  const TensorBlock& state = open(40);
  ledger.close(passing);
  ledger.close(before);
  ledger.assign(gradient, {TensorKind::gradients, ledger.add_layer("output")});
  ledger.assign_survivors_since(position, kState);
  ledger.settle_journal();
  const TensorFigures figures = ledger.take_figures();
  CHECK(figures.tensors ==
        Tensors{{"gradients", "output", 100, 100}, {"optimizer_state", "", 40, 40}, {"activations", "", 0, 1 + 5}});
  CHECK(figures.peak_bytes == 1 + 100 + 3 + 40);
  ledger.close(gradient);
  ledger.close(state);
  CHECK(ledger.take_figures().bytes == 0);
}

TEST_CASE_FIXTURE(Fixture, "bytes of data outside of LibTorch are counted until the next training begins") {
  ledger.begin(1000);
  CHECK(ledger.take_figures().tensors == Tensors{{"data", "", 1000, 1000}});
  ledger.begin(400);
  const TensorFigures figures = ledger.take_figures();
  CHECK(figures.tensors == Tensors{{"data", "", 400, 400}});
  CHECK(figures.peak_bytes == 400);
}

TEST_CASE_FIXTURE(Fixture, "a training that ended within its first step leaves the next one nothing") {
  ledger.begin(0);
  ledger.start_journal();
  const TensorBlock& lost = open(9);
  ledger.close(lost);
  ledger.begin(0);
  CHECK(ledger.take_figures().tensors.empty());
  open(2);
  CHECK(ledger.take_figures().tensors == Tensors{{"activations", "", 2, 2}});
}

TEST_CASE_FIXTURE(Fixture, "threads may open and close blocks at the same time") {
  ledger.begin(0);
  const auto work = [this] {
    for (int i = 0; i < 10000; ++i) {
      TensorBlock opened{.bytes = 3};
      ledger.open(opened);
      ledger.close(opened);
    }
  };
  std::thread other(work);
  work();
  other.join();
  const TensorFigures figures = ledger.take_figures();
  CHECK(figures.bytes == 0);
  CHECK(figures.peak_bytes >= 3);
  CHECK(figures.peak_bytes <= 6);
}

}  // namespace memtrack
