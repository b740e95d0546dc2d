#include "tools/predict/prediction.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "datasets/catalog.h"
#include "tools/predict/fit_check.h"
#include "tools/predict/past_trials.h"

using namespace memtrack;
using doctest::Approx;

namespace {

TrainerOptions options_of(const std::string& json) {
  return trainer_options_of(json);
}

PredictedTrial predict(const std::string& json, const Calibration& calibration = Calibration::built_in()) {
  return predict_trial(1, options_of(json), calibration);
}

constexpr double kMib = 1024 * 1024;

}  // namespace

TEST_CASE("a multilayer perceptron's tensors are those of a count by hand") {
  // 784 -> 100 -> 10 on MNIST with sgd, batches of 32.
  const TensorPrediction tensors =
      predict(R"({"dataset": "mnist", "hidden_layers": [100], "optimizer": "sgd", "batch_size": 32})").tensors;
  const std::int64_t weights = 4 * (784 * 100 + 100 + 100 * 10 + 10);
  CHECK(tensors.parameters_bytes == weights);
  CHECK(tensors.gradients_bytes == weights);
  CHECK(tensors.optimizer_state_bytes == 0);
  // 70,000 images with their labels; a batch as floats with labels of 8 bytes; the order of 60,000 images.
  CHECK(tensors.data_bytes() == 70000 * 785 + 32 * (784 * 4 + 8) + 60000 * 8);
  // Largest in the backward pass of the first layer: the loss and the weight of its mean, what comes in (32 x 100), and
  // the new gradient, weights and biases, before it is added to the one that is kept.
  CHECK(tensors.activations_bytes == 2 * 4 + 4 * 32 * 100 + 4 * (784 * 100 + 100));
  CHECK(tensors.is_exact);
}

TEST_CASE("each optimizer keeps its own state and workspace") {
  // Where weights are large and batches small the optimizer's step is the peak: beside the loss (4 bytes) it holds
  // copies of the largest weight tensor, and a number in double and in float.
  const std::int64_t weights = 4 * (784 * 1000 + 1000 + 1000 * 10 + 10);
  const std::int64_t largest = 4 * 784 * 1000;
  const struct {
    const char* optimizer;
    const char* decay;
    std::int64_t state;
    std::int64_t workspace;
  } cases[] = {{"adam", "0", 2 * weights, 4 + 2 * largest + 12},
               {"adam", "0.1", 2 * weights, 4 + 3 * largest + 12},
               {"adamw", "0", 2 * weights, 4 + 2 * largest + 12},
               {"adamw", "0.1", 2 * weights, 4 + 2 * largest + 12},
               {"rmsprop", "0.1", weights, 4 + 2 * largest + 12}};
  for (const auto& c : cases) {
    CAPTURE(c.optimizer);
    const TensorPrediction tensors = predict(R"({"hidden_layers": [1000], "batch_size": 1, "optimizer": ")" +
                                             std::string(c.optimizer) + R"(", "weight_decay": )" + c.decay + "}")
                                         .tensors;
    CHECK(tensors.optimizer_state_bytes == c.state);
    CHECK(tensors.activations_bytes == c.workspace);
  }
}

TEST_CASE("the learning rate and the number of epochs move no tensor") {
  const auto peak = [](const char* json) { return predict(json).tensors.peak_bytes(); };
  CHECK(peak(R"({"learning_rate": 0.1, "epochs": 1})") == peak(R"({"learning_rate": 0.0001, "epochs": 50})"));
  CHECK(peak(R"({"batch_size": 64})") < peak(R"({"batch_size": 512})"));
  CHECK(peak(R"({"optimizer": "sgd"})") < peak(R"({"optimizer": "adam"})"));
}

TEST_CASE("an evaluation in larger batches than training's is counted") {
  const auto activations = [](const char* json) { return predict(json).tensors.activations_bytes; };
  CHECK(activations(R"({"batch_size": 8})") == activations(R"({"batch_size": 8, "eval_batch_size": 8})"));
  // 10,000 images of 3 x 32 x 32 floats with their labels, which are there instead of the order of 50,000.
  CHECK(activations(R"({"dataset": "cifar-10", "batch_size": 8, "eval_batch_size": 10000, "optimizer": "sgd"})") >
        10000 * (3072 * 4 + 8) - 50000 * 8);
}

TEST_CASE("each measured trial brings the prediction closer and its interval narrower") {
  // A machine where the start is 185 MiB, the heap is 3% larger and readings differ by 0.5 MiB.
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(0, 0.5);
  const auto truth = [](const TensorPrediction& tensors) {
    const MemoryTerms terms = memory_terms(tensors);
    return 185 + 1.03 * terms[1] + terms[3];
  };
  std::vector<MeasuredPeak> past;
  std::uniform_int_distribution<int> width(50, 2000);
  for (int i = 0; i < 60; ++i) {
    const TensorPrediction tensors = predict(R"({"hidden_layers": [)" + std::to_string(width(random)) + "]}").tensors;
    past.push_back({tensors, truth(tensors) + noise(random)});
  }
  const TensorPrediction next = predict(R"({"hidden_layers": [1234, 567]})").tensors;
  const Calibration::Peak before = Calibration::built_in().predict(next);
  const Calibration after_all = Calibration::built_in().with(past);
  const Calibration::Peak after_three = Calibration::built_in().with(std::span(past).first(3)).predict(next);
  const Calibration::Peak after = after_all.predict(next);
  CHECK(after_all.trials() == 60);
  CHECK(after_all.start_mib() == Approx(185).epsilon(0.02));
  CHECK(after.mib == Approx(truth(next)).epsilon(0.005));
  CHECK(after.interval.low < truth(next));
  CHECK(truth(next) < after.interval.high);
  CHECK(after_three.interval.high - after_three.interval.low < before.interval.high - before.interval.low);
  CHECK(after.interval.high - after.interval.low < after_three.interval.high - after_three.interval.low);
}

TEST_CASE("trials may be added to a calibration in any portions") {
  std::vector<MeasuredPeak> past;
  for (const int width : {100, 400, 900, 1600}) {
    const TensorPrediction tensors = predict(R"({"hidden_layers": [)" + std::to_string(width) + "]}").tensors;
    past.push_back({tensors, 200 + static_cast<double>(tensors.peak_bytes()) / kMib});
  }
  const TensorPrediction next = predict("{}").tensors;
  const Calibration at_once = Calibration::built_in().with(past);
  const Calibration in_two = Calibration::built_in().with(std::span(past).first(1)).with(std::span(past).subspan(1));
  CHECK(at_once.predict(next).mib == Approx(in_two.predict(next).mib));
  CHECK(at_once.predict(next).interval.high == Approx(in_two.predict(next).interval.high));
}

TEST_CASE("the largest batch that fits is found and one more image does not") {
  const Calibration calibration = Calibration::built_in();
  const TrainerOptions options = options_of(R"({"hidden_layers": [1024, 1024]})");
  const std::int64_t limit = std::int64_t{1} << 29;
  const auto largest = largest_fitting_batch(7, options, calibration, limit);
  REQUIRE(largest);
  CHECK(largest->number == 7);
  CHECK(fits(*largest, limit));
  TrainerOptions more = largest->options;
  ++more.batch_size;
  CHECK_FALSE(fits(predict_trial(7, more, calibration), limit));
  CHECK_FALSE(largest_fitting_batch(7, options, calibration, std::int64_t{1} << 20));
  // All images at once fit a terabyte.
  CHECK(largest_fitting_batch(7, options, calibration, std::int64_t{1} << 40)->options.batch_size == 60000);
}

TEST_CASE("the table and the JSON say the parts and the same peak") {
  const Calibration calibration = Calibration::built_in();
  std::vector<PredictedTrial> trials = {predict(R"({"batch_size": 8})"), predict(R"({"batch_size": 512})")};
  trials[1].number = 2;
  trials[1].measured_mib = 250;
  const std::string table = render_text(prediction_table(trials), 80);
  CHECK(table.find("512") != std::string::npos);
  CHECK(table.find("250.0") != std::string::npos);
  const auto json = nlohmann::json::parse(prediction_json(trials, calibration));
  CHECK(json["calibrated_by_trials"] == 0);
  CHECK(json["trials"][1]["measured_mib"] == 250.0);
  CHECK(json["trials"][0]["measured_mib"].is_null());
  CHECK(json["trials"][0]["tensor_bytes_peak"] == trials[0].tensors.peak_bytes());
}

TEST_CASE("a trial's parameters are read as its trainer reads them") {
  const TrainerOptions options = options_of(
      R"({"dataset": "cifar-10", "hidden_layers": [64, 32], "conv_layers": [[16, 3]], "standardise": false,
          "learning_rate": 1e-05, "reported_memory_mib": 12.5})");
  CHECK(options.dataset == "cifar-10");
  CHECK(options.hidden_layers == std::vector<std::int64_t>{64, 32});
  CHECK(options.conv_layers == std::vector<ConvLayer>{{16, 3}});
  CHECK_FALSE(options.standardise);
  CHECK(options.learning_rate == 1e-05);
}

TEST_CASE("a sweep that may not fit its limit is told before it is queued") {
  const auto warning_of = [](const std::string& settings) {
    const std::string text =
        "name: wide\nmethod: grid\nparameters:\n  hidden_layers: {values: [[64], [8000, 8000]]}\n" + settings;
    return limit_warning(parse_sweep_file(text, "wide.yaml", {}).at(0), Calibration::built_in(), "wide.yaml");
  };
  const auto warning = warning_of("memtrack: {memory_limit: 512MiB}\n");
  REQUIRE(warning);
  CHECK(warning->starts_with("1 of 2 trials may not fit the memory_limit of 512MiB: trial 2 will take "));
  CHECK(warning->ends_with("memtrack predict wide.yaml --fit 512MiB"));
  CHECK_FALSE(warning_of("memtrack: {memory_limit: 16GiB}\n"));
  CHECK_FALSE(warning_of(""));
  CHECK_FALSE(warning_of("program: train.py\nmemtrack: {memory_limit: 1MiB}\n"));
}

TEST_CASE("of an open-ended sweep as many trials are looked at as of a huge one") {
  const std::string text = "method: random\nparameters: {hidden_layers: {values: [[64], [8000, 8000]]}}\n";
  const auto open = [&](const char* settings) { return parse_sweep_file(text + settings, "open.yaml", {}); };
  const auto warning =
      limit_warning(open("memtrack: {warmup: 1, memory_limit: 512MiB}\n").at(0), Calibration::built_in(), "open.yaml");
  REQUIRE(warning);
  CHECK(warning->find(" of 10000 trials may not fit") != std::string::npos);
  CHECK(fewer_jobs(open("memtrack: {warmup: 1, jobs: 8}\n"), Calibration::built_in(), std::int64_t{1} << 30)->jobs ==
        1);
}

TEST_CASE("of several trials at a time as many are run as will fit the machine") {
  const auto fewer_of = [](const std::string& settings, double machine_mib) {
    const std::string text = "name: wide\nmethod: grid\nparameters:\n  hidden_layers: {values: [[64], [8000, 8000]]}\n";
    return fewer_jobs(parse_sweep_file(text + settings, "wide.yaml", {}), Calibration::built_in(),
                      static_cast<std::int64_t>(machine_mib * kMib));
  };
  const double largest = predict(R"({"hidden_layers": [8000, 8000]})").peak.interval.high;
  const auto fewer = fewer_of("memtrack: {jobs: 8}\n", 3.5 * largest);
  REQUIRE(fewer);
  CHECK(fewer->jobs == 3);
  CHECK(fewer->why.starts_with("3 at a time and not 8: trial 2 will take "));
  CHECK(fewer_of("memtrack: {jobs: 8}\n", 0.5 * largest)->jobs == 1);
  CHECK_FALSE(fewer_of("memtrack: {jobs: 3}\n", 3.5 * largest));
  CHECK_FALSE(fewer_of("memtrack: {jobs: 8, memory_limit: 512MiB}\n", largest));
  // A second sweep of the file that asks for one at a time is not given more.
  const std::string alone = "memtrack: {jobs: 8}\n---\nmethod: grid\nparameters: {epochs: {value: 1}}\n";
  CHECK(fewer_of(alone, 3.5 * largest)->jobs == 1);
}
