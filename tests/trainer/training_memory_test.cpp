// What the phases of a training run do to the process's resident memory.

#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datasets/generated.h"
#include "tests/trainer/fixture.h"

namespace memtrack {
namespace {

using namespace memtrack::testing;

constexpr std::int64_t kMib = std::int64_t{1} << 20;
constexpr ImageShape kShape = {3, 32, 32};
constexpr std::int64_t kInputBytes = 3 * 32 * 32 * std::int64_t{sizeof(float)};

std::int64_t own_bytes(const std::string& file, const std::string& key) {
  std::ifstream lines("/proc/self/" + file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  throw std::runtime_error("/proc/self/" + file + " has no " + key);
}

void forget_peak() {
  if (!(std::ofstream("/proc/self/clear_refs") << 5 << std::flush))
    throw std::runtime_error("the peak cannot be reset");
}

struct Phase {
  std::string name;
  std::int64_t epoch = 0;  // from 1; 0: before the first
  std::int64_t begin_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t end_bytes = 0;
};

// Resident memory of each phase.
class MemoryRecorder : public SilentObserver {
 public:
  void on_phase(std::string_view name) override {
    end_phase();
    forget_peak();
    if (name == "train") ++epoch_;
    phases.push_back({std::string(name), epoch_, own_bytes("smaps_rollup", "Rss"), 0, 0});
  }
  void on_epoch(const EpochResult&) override { end_phase(); }

  std::vector<Phase> phases;

 private:
  void end_phase() {
    if (phases.empty() || phases.back().peak_bytes != 0) return;
    phases.back().peak_bytes = own_bytes("status", "VmHWM");
    phases.back().end_bytes = own_bytes("smaps_rollup", "Rss");
  }

  std::int64_t epoch_ = 0;
};

// On 2000 training and as many test images. What earlier tests left free in the heap is given back first: a phase that
// takes memory is then seen to take it.
std::vector<Phase> phases_of(std::int64_t batch_size, std::int64_t eval_batch_size,
                             const std::vector<ConvLayer>& conv_layers = {}) {
  const TrainingLibrary library = load_library();
  const Dataset dataset = generate_dataset(kShape, 10, {2000, 2000}, 3);
  TrainerOptions options;
  options.batch_size = batch_size;
  options.eval_batch_size = eval_batch_size;
  options.epochs = 4;
  options.conv_layers = conv_layers;
  ::malloc_trim(0);
  MemoryRecorder recorder;
  library.train(options, data_of(dataset), recorder);
  return std::move(recorder.phases);
}

}  // namespace

TEST_CASE("training gathers its batches from the data set's bytes and copies no more of them than a batch") {
  const TrainingLibrary library = load_library();
  constexpr std::int64_t kImages = 24000;
  Dataset dataset(kShape, 10, kImages - 100, 100);
  for (const WritablePart& part : {dataset.writable_train(), dataset.writable_test()}) {
    for (std::size_t i = 0; i < part.pixels.size(); ++i) part.pixels[i] = static_cast<std::uint8_t>(i * 31 / 7);
    for (std::size_t i = 0; i < part.labels.size(); ++i) part.labels[i] = static_cast<std::uint8_t>(i % 10);
  }
  TrainerOptions options;
  options.hidden_layers = {16};
  ::malloc_trim(0);  // a copy would have to come from the system
  MemoryRecorder recorder;
  library.train(options, data_of(dataset), recorder);
  REQUIRE(dataset.bytes() > 70 * kMib);  // as floats 281 MiB
  for (const Phase& phase : recorder.phases) {
    CAPTURE(phase.name);
    CHECK(phase.peak_bytes - recorder.phases.front().begin_bytes < 40 * kMib);
  }
}

TEST_CASE("after the first one an evaluation leaves resident memory as it was, whatever the size of its batches") {
  struct Case {
    std::int64_t batch_size;
    std::int64_t eval_batch_size;
    std::vector<ConvLayer> conv_layers = {};
  };
  for (const Case& sizes :
       {Case{64, 0}, {64, 2000}, {500, 2000}, {2000, 64}, {64, 0, {{4, 3}}}, {64, 1000, {{4, 3}}}}) {
    CAPTURE(sizes.batch_size);
    CAPTURE(sizes.eval_batch_size);
    CAPTURE(sizes.conv_layers.size());
    for (const Phase& phase : phases_of(sizes.batch_size, sizes.eval_batch_size, sizes.conv_layers)) {
      if (phase.name != "evaluate" || phase.epoch == 1) continue;
      CAPTURE(phase.epoch);
      CHECK(std::abs(phase.end_bytes - phase.begin_bytes) <= 2 * kMib);
    }
  }
}

TEST_CASE("an evaluation in batches of the default size needs no more memory than training did") {
  constexpr std::int64_t kHeapVariation = 4 * kMib;  // from epoch to epoch; 2000 inputs are 23 MiB
  for (const std::int64_t batch_size : {64, 2000}) {
    CAPTURE(batch_size);
    std::int64_t training_peak = 0;
    for (const Phase& phase : phases_of(batch_size, 0)) {
      if (phase.name == "train") training_peak = std::max(training_peak, phase.peak_bytes);
      if (phase.name == "evaluate") CHECK(phase.peak_bytes <= training_peak + kHeapVariation);
    }
  }
}

TEST_CASE("an evaluation in larger batches than training's is seen to need more memory") {
  std::int64_t lifted = 0;
  for (const Phase& phase : phases_of(64, 2000)) {
    if (phase.name == "evaluate") lifted = std::max(lifted, phase.peak_bytes - phase.begin_bytes);
  }
  CHECK(lifted > 1000 * kInputBytes);  // the rest may fit into what training left free
}

}  // namespace memtrack
