#include "trainer/reporter.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/text.h"

namespace memtrack {
namespace {

using testing::contains;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

EpochResult epoch_with(std::int64_t epoch, double loss, double accuracy) {
  EpochResult result;
  result.epoch = epoch;
  result.steps = 100;
  result.train_loss = loss;
  result.test_accuracy = accuracy;
  result.seconds = 0.3;
  result.train_seconds = 0.25;
  return result;
}

TrainingResult result_of(std::vector<EpochResult> epochs) {
  TrainingResult result;
  result.parameter_count = 7;
  result.threads = 1;
  result.epochs = std::move(epochs);
  return result;
}

}  // namespace

TEST_CASE("an epoch's line says loss, accuracy and time") {
  TrainerOptions options;
  options.epochs = 3;
  CHECK(epoch_line(epoch_with(2, 0.12113, 0.9691), options) ==
        "epoch 2/3: loss 0.1211, test accuracy 96.91 %, 0.3 s (2.50 ms a step)");
  CHECK(contains(epoch_line(epoch_with(2, kNan, 0.1), options), "loss not a number (the training has diverged)"));
  CHECK(contains(epoch_line(epoch_with(2, kInfinity, 0.1), options), "loss infinite (the training has diverged)"));
}

TEST_CASE("a network that learned nothing, or whose loss diverged, is said to have done so") {
  TrainerOptions options;
  options.learning_rate = 0.7886;
  CHECK(verdict(result_of({epoch_with(1, 0.2, 0.96)}), options, 0.1135) == "");
  const std::string chance = verdict(result_of({epoch_with(1, 7e5, 0.098)}), options, 0.1135);
  CHECK(contains(chance, "nothing was learned: 9.80 %"));
  CHECK(contains(chance, "0.7886 may be too high"));
  CHECK_FALSE(contains(chance, "too low"));
  CHECK(contains(verdict(result_of({epoch_with(1, 2.31, 0.1)}), options, 0.1), "too high or too low"));
  CHECK(contains(verdict(result_of({epoch_with(1, kNan, 0.1)}), options, 0.1), "became not a number"));
  CHECK(contains(verdict(result_of({epoch_with(1, kInfinity, 0.5)}), options, 0.1), "became infinite"));
}

TEST_CASE("the metrics are one line of JSON that any reader takes, NaN and infinities as words") {
  TrainerOptions options;
  options.epochs = 3;
  const TrainingResult result =
      result_of({epoch_with(1, 0.5, 0.8), epoch_with(2, kInfinity, 0.1), epoch_with(3, kNan, 0.1)});
  const std::string text = metrics_json(options, {60, 10, 0.1, 0.5, 2, {}}, result);
  CHECK_FALSE(contains(text, "\n"));
  const nlohmann::json json = nlohmann::json::parse(text);
  CHECK(json["settings"]["threads"] == 1);
  CHECK(json["settings"]["eval_batch_size"] == 64);
  CHECK(json["settings"]["hidden_layers"] == std::vector{128, 64});
  CHECK(json["parameter_count"] == 7);
  CHECK(json["epochs"].size() == 3);
  CHECK(json["epochs"][0]["train_loss"] == 0.5);
  CHECK(json["epochs"][1]["train_loss"] == "inf");
  CHECK(json["epochs"][1]["loss_state"] == "inf");
  CHECK(json["epochs"][2]["train_loss"] == "nan");
  CHECK(json["loss_state"] == "nan");
  CHECK(json["test_accuracy"] == 0.1);
}

TEST_CASE("an epoch that was stopped in the middle has no accuracy") {
  EpochResult stopped = epoch_with(2, 0.4, 0);
  stopped.is_complete = false;
  TrainingResult result = result_of({epoch_with(1, 0.5, 0.8), stopped});
  result.was_stopped = true;
  const nlohmann::json json = nlohmann::json::parse(metrics_json({}, {}, result));
  CHECK(json["epochs"][1]["test_accuracy"].is_null());
  CHECK(json["test_accuracy"] == 0.8);
  CHECK(json["was_stopped"] == true);
}

TEST_CASE("chance is the share of the most frequent class") {
  const std::vector<std::uint8_t> labels = {1, 2, 2, 3};
  CHECK(chance_accuracy({{}, labels}) == 0.5);
}

}  // namespace memtrack
