// The training loop itself, on generated data.

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "datasets/catalog.h"
#include "datasets/generated.h"
#include "tests/trainer/fixture.h"

namespace memtrack {
namespace {

using namespace memtrack::testing;

class Recorder : public SilentObserver {
 public:
  explicit Recorder(std::int64_t stop_after = -1) : stop_after_(stop_after) {}
  void on_phase(std::string_view name) override { phases.emplace_back(name); }
  void on_step(const StepProgress& progress) override {
    ++steps;
    mean_losses.push_back(progress.mean_loss);
  }
  bool should_stop() const override { return steps == stop_after_; }

  std::vector<std::string> phases;
  std::int64_t steps = 0;
  std::vector<double> mean_losses;  // after each step

 private:
  std::int64_t stop_after_;
};

TrainingResult train(const TrainerOptions& options, const Dataset& dataset, TrainingObserver& observer) {
  return library().train(options, data_of(dataset), observer);
}

TrainingResult train(const TrainerOptions& options, const Dataset& dataset) {
  Recorder recorder;
  return train(options, dataset, recorder);
}

const Dataset& generated_mnist() {
  static const Dataset dataset = load_dataset(describe_dataset("generated-mnist"), "");
  return dataset;
}

Dataset few_images() {
  return generate_dataset({1, 28, 28}, 10, {100, 30}, 3);
}

std::vector<std::uint64_t> loss_bits(const TrainingResult& result) {
  std::vector<std::uint64_t> bits;
  for (const EpochResult& epoch : result.epochs) bits.push_back(std::bit_cast<std::uint64_t>(epoch.train_loss));
  return bits;
}

}  // namespace

TEST_CASE("the network has as many parameters as count_parameters says") {
  const Dataset grey = few_images();
  const Dataset colour = generate_dataset({3, 32, 32}, 10, {20, 10}, 3);
  for (const std::vector<std::int64_t>& layers : {std::vector<std::int64_t>{128, 64}, {7}, {285, 389, 423, 173, 61}}) {
    TrainerOptions options;
    options.hidden_layers = layers;
    for (const std::vector<ConvLayer>& convolutions :
         {std::vector<ConvLayer>{}, {{4, 3}}, {{2, 1}, {3, 5}, {4, 31}, {5, 3}}}) {
      options.conv_layers = convolutions;
      options.dataset = "generated-mnist";
      CHECK(train(options, grey).parameter_count == count_parameters(options));
      options.dataset = "generated-cifar-10";
      CHECK(train(options, colour).parameter_count == count_parameters(options));
    }
  }
}

TEST_CASE("two epochs on generated data reach more than 90 %, and the first step does not") {
  TrainerOptions options;
  options.epochs = 2;
  const TrainingResult result = train(options, generated_mnist());
  REQUIRE(result.epochs.size() == 2);
  CHECK(result.epochs[1].test_accuracy > 0.9);
  CHECK(result.epochs[0].train_loss > 0.3);
  CHECK(result.epochs[1].train_loss < result.epochs[0].train_loss);

  TrainerOptions one_step;
  one_step.batch_size = 6000;
  CHECK(train(one_step, generated_mnist()).epochs[0].test_accuracy < 0.8);
}

TEST_CASE("an epoch of a few steps is complete and evaluated") {
  TrainerOptions options;
  options.batch_size = 10;
  options.epochs = 2;
  options.max_steps = 3;
  const TrainingResult result = train(options, few_images());
  REQUIRE(result.epochs.size() == 2);
  CHECK(result.epochs[0].steps == 3);
  CHECK(result.epochs[0].is_complete);
  CHECK_FALSE(result.was_stopped);
  options.max_steps = 1000;
  CHECK(train(options, few_images()).epochs[0].steps == 10);  // 100 images
}

TEST_CASE("every optimizer learns") {
  for (const auto& [name, rate] :
       {std::pair{"sgd", 0.1}, {"momentum", 0.02}, {"adam", 0.001}, {"adamw", 0.001}, {"rmsprop", 0.001}}) {
    CAPTURE(std::string(name));
    TrainerOptions options;
    options.optimizer = name;
    options.learning_rate = rate;
    options.epochs = 3;
    CHECK(train(options, generated_mnist()).epochs.back().test_accuracy > 0.8);
  }
}

TEST_CASE("every activation and every way of drawing the first weights learns, each in its own way") {
  const auto all_learn = [](std::string TrainerOptions::*which, std::initializer_list<const char*> names) {
    std::set<std::vector<std::uint64_t>> losses;
    for (const char* name : names) {
      CAPTURE(std::string(name));
      TrainerOptions options;
      options.*which = name;
      options.learning_rate = 0.003;
      options.epochs = 3;
      const TrainingResult result = train(options, generated_mnist());
      CHECK(result.epochs.back().test_accuracy > 0.8);
      losses.insert(loss_bits(result));
    }
    CHECK(losses.size() == names.size());
  };
  all_learn(&TrainerOptions::activation, {"relu", "tanh", "sigmoid", "gelu"});
  all_learn(&TrainerOptions::init, {"libtorch", "kaiming", "xavier"});
}

TEST_CASE("a network with convolutions learns, and its losses are repeated bit for bit") {
  TrainerOptions options;
  options.conv_layers = {{8, 3}, {16, 3}};
  options.hidden_layers = {32};
  options.init = "kaiming";
  options.epochs = 2;
  const TrainingResult result = train(options, generated_mnist());
  CHECK(result.epochs.back().test_accuracy > 0.8);
  CHECK(loss_bits(train(options, generated_mnist())) == loss_bits(result));
}

TEST_CASE("weight decay acts in every optimizer, momentum in that of its name alone") {
  const Dataset dataset = few_images();
  for (const char* name : {"sgd", "momentum", "adam", "adamw", "rmsprop"}) {
    CAPTURE(std::string(name));
    TrainerOptions options;
    options.optimizer = name;
    options.epochs = 2;
    const auto plain = loss_bits(train(options, dataset));
    options.weight_decay = 0.1;
    CHECK(loss_bits(train(options, dataset)) != plain);
    options.weight_decay = 0;
    options.momentum = 0.5;
    CHECK((loss_bits(train(options, dataset)) != plain) == (options.optimizer == "momentum"));
  }
}

TEST_CASE("the largest learning rate and weight decay diverge and are not an error") {
  for (const char* name : {"sgd", "momentum", "adam", "adamw", "rmsprop"}) {
    CAPTURE(std::string(name));
    TrainerOptions options;
    options.optimizer = name;
    options.learning_rate = 1e30;
    options.weight_decay = 1e30;
    options.batch_size = 10;
    CHECK_FALSE(std::isfinite(train(options, few_images()).epochs[0].train_loss));
  }
}

// Its steps are too small to move a weight, so that a loss tells the images and the network of the step alone.
TrainerOptions standing_still() {
  TrainerOptions options;
  options.optimizer = "sgd";
  options.learning_rate = 1e-30;
  options.batch_size = 10;
  options.epochs = 2;
  return options;
}

TEST_CASE("without shuffling every epoch sees the images in the same order, with it in another one") {
  TrainerOptions options = standing_still();
  for (const bool shuffle : {true, false}) {
    options.shuffle = shuffle;
    Recorder recorder;
    train(options, few_images(), recorder);
    REQUIRE(recorder.mean_losses.size() == 20);
    const std::vector<double> first(recorder.mean_losses.begin(), recorder.mean_losses.begin() + 10);
    const std::vector<double> second(recorder.mean_losses.begin() + 10, recorder.mean_losses.end());
    CHECK((first != second) == shuffle);
  }
}

TEST_CASE("dropout leaves outputs out of the steps and not out of the evaluation") {
  TrainerOptions options = standing_still();
  const TrainingResult whole = train(options, generated_mnist());
  options.dropout = 0.5;
  const TrainingResult dropped = train(options, generated_mnist());
  CHECK(dropped.epochs[0].train_loss != whole.epochs[0].train_loss);
  CHECK(dropped.epochs[0].train_loss != dropped.epochs[1].train_loss);
  CHECK(dropped.epochs[0].test_accuracy == whole.epochs[0].test_accuracy);
  CHECK(dropped.epochs[1].test_accuracy == whole.epochs[1].test_accuracy);
  CHECK(dropped.parameter_count == whole.parameter_count);
}

TEST_CASE("inputs that are not standardised are learned from as well, with other losses") {
  TrainerOptions options;
  options.epochs = 2;
  const auto standardised = loss_bits(train(options, generated_mnist()));
  options.standardise = false;
  const TrainingResult result = train(options, generated_mnist());
  CHECK(result.epochs.back().test_accuracy > 0.8);
  CHECK(loss_bits(result) != standardised);
}

TEST_CASE("the same seed gives the same losses bit for bit, another seed others") {
  const Dataset dataset = few_images();
  TrainerOptions options;
  options.epochs = 3;
  options.batch_size = 7;
  options.seed = 5;
  options.dropout = 0.2;
  const auto first = loss_bits(train(options, dataset));
  CHECK(first == loss_bits(train(options, dataset)));
  options.seed = 6;
  CHECK(first != loss_bits(train(options, dataset)));
}

TEST_CASE("every optimizer repeats its losses bit for bit, with dropout and convolutions as without") {
  const Dataset dataset = few_images();
  for (const char* name : {"sgd", "momentum", "adam", "adamw", "rmsprop"}) {
    for (const bool with_more : {false, true}) {
      CAPTURE(std::string(name));
      CAPTURE(with_more);
      TrainerOptions options;
      options.optimizer = name;
      options.epochs = 2;
      options.batch_size = 20;
      options.weight_decay = 0.01;
      if (with_more) {
        options.dropout = 0.3;
        options.conv_layers = {{4, 3}, {6, 5}};
        options.hidden_layers = {16};
      }
      const auto first = loss_bits(train(options, dataset));
      CHECK(loss_bits(train(options, dataset)) == first);
    }
  }
}

TEST_CASE("the size of the evaluation's batch changes no figure") {
  const Dataset dataset = few_images();
  TrainerOptions options;
  options.epochs = 2;
  const TrainingResult whole = train(options, dataset);
  for (const std::int64_t size : {1, 7, 30, 1000}) {
    options.eval_batch_size = size;
    const TrainingResult result = train(options, dataset);
    CHECK(loss_bits(result) == loss_bits(whole));
    CHECK(result.epochs.back().test_accuracy == whole.epochs.back().test_accuracy);
  }
}

TEST_CASE("each epoch sees every image once, in batches whose last may be smaller") {
  TrainerOptions options;
  options.epochs = 2;
  for (const auto& [batch_size, steps] : {std::pair{7, 15}, {100, 1}, {1000, 1}, {1, 100}, {50, 2}}) {
    options.batch_size = batch_size;
    Recorder recorder;
    const TrainingResult result = train(options, few_images(), recorder);
    CHECK(result.epochs[1].steps == steps);
    CHECK(recorder.steps == 2 * steps);
    CHECK(recorder.phases == std::vector<std::string>{"build", "train", "evaluate", "train", "evaluate"});
  }
}

TEST_CASE("a learning rate that diverges is reported, and training goes on to its end") {
  TrainerOptions options;
  options.optimizer = "sgd";
  options.learning_rate = 1e30;
  options.epochs = 3;
  options.batch_size = 10;
  const TrainingResult result = train(options, few_images());
  REQUIRE(result.epochs.size() == 3);
  CHECK_FALSE(std::isfinite(result.epochs[2].train_loss));
  CHECK_FALSE(result.was_stopped);
}

TEST_CASE("asked to stop, training ends after the step in hand and keeps the figures so far") {
  TrainerOptions options;
  options.epochs = 5;
  options.batch_size = 10;
  Recorder recorder(13);
  const TrainingResult result = train(options, few_images(), recorder);
  CHECK(result.was_stopped);
  CHECK(recorder.steps == 13);
  REQUIRE(result.epochs.size() == 2);
  CHECK(result.epochs[0].is_complete);
  CHECK_FALSE(result.epochs[1].is_complete);
  CHECK(result.epochs[1].steps == 3);
  CHECK(std::isfinite(result.epochs[1].train_loss));
}

TEST_CASE("a training library that is not there is named") {
  const auto load = [] { const TrainingLibrary missing("/nowhere/memtrack-training.so", 1); };
  CHECK_THROWS_AS(load(), std::runtime_error);
}

}  // namespace memtrack
