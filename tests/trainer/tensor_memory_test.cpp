// What the trainer's tensors hold, against counts made by hand: a float has 4 bytes, a label 8, a place in the order of
// the images 8.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "datasets/generated.h"
#include "tests/trainer/fixture.h"

namespace memtrack {
namespace {

using namespace memtrack::testing;

struct Ended {
  std::string phase;
  std::optional<std::int64_t> epoch;
  TensorFigures figures;
};

class TensorRecorder : public SilentObserver {
 public:
  void on_tensors(const PhaseTensors& phase) override {
    ended.push_back({std::string(phase.phase), phase.epoch, phase.figures});
  }

  std::vector<Ended> ended;
};

// 20 training and 10 test images of 3 classes.
std::vector<Ended> phases_of(TrainerOptions options, const ImageShape& shape, std::int64_t batch_size = 5) {
  const Dataset dataset = generate_dataset(shape, 3, {20, 10}, 3);
  options.batch_size = batch_size;
  TensorRecorder recorder;
  library().train(options, data_of(dataset), recorder);
  return std::move(recorder.ended);
}

const TensorFigures& figures_of(const std::vector<Ended>& ended, std::string_view phase) {
  return std::ranges::find(ended, phase, &Ended::phase)->figures;
}

TensorMemory found(const TensorFigures& figures, std::string_view kind, std::string_view layer = "") {
  for (const TensorMemory& each : figures.tensors) {
    if (each.kind == kind && each.layer == layer) return each;
  }
  return {std::string(kind), std::string(layer), 0, 0};
}

TensorMemory steady(std::string kind, std::string layer, std::int64_t bytes) {
  return {std::move(kind), std::move(layer), bytes, bytes};
}

}  // namespace

TEST_CASE("a multilayer perceptron's tensors are counted to the byte with every optimizer") {
  // 6 pixels -> 4 -> 3 classes.
  constexpr std::int64_t kHidden1 = 4 * (6 * 4 + 4);  // 112
  constexpr std::int64_t kOutput = 4 * (4 * 3 + 3);   // 60
  constexpr std::int64_t kDataset = 30 * (6 + 1);     // 210: a byte each pixel and label
  constexpr std::int64_t kBatch = 5 * (6 * 4 + 8);    // 160
  constexpr std::int64_t kOrder = 20 * 8;             // 160
  const std::map<std::string, std::int64_t> state_bytes = {{"sgd", 0},
                                                           {"momentum", 172},  // one number a weight
                                                           {"adam", 344},      // two
                                                           {"adamw", 344},
                                                           {"rmsprop", 172}};
  for (const auto& [optimizer, state] : state_bytes) {
    CAPTURE(optimizer);
    TrainerOptions options;
    options.hidden_layers = {4};
    options.optimizer = optimizer;
    options.epochs = 2;
    const std::vector<Ended> ended = phases_of(options, {1, 2, 3});
    REQUIRE(ended.size() == 6);

    CHECK(ended[0].phase == "load");
    CHECK(ended[0].figures.tensors == std::vector{steady("data", "", kDataset)});

    CHECK(ended[1].phase == "build");
    CHECK(ended[1].figures.tensors == std::vector{steady("parameters", "hidden1", kHidden1),
                                                  steady("parameters", "output", kOutput),
                                                  steady("data", "", kDataset + kBatch)});
    CHECK(ended[1].figures.peak_bytes == 112 + 60 + 210 + 160);

    for (const std::size_t epoch : {1u, 2u}) {
      CAPTURE(epoch);
      const Ended& train = ended[2 * epoch];
      CHECK(train.phase == "train");
      CHECK(train.epoch == static_cast<std::int64_t>(epoch));
      CHECK(found(train.figures, "parameters", "hidden1") == steady("parameters", "hidden1", kHidden1));
      CHECK(found(train.figures, "parameters", "output") == steady("parameters", "output", kOutput));
      CHECK(found(train.figures, "gradients", "hidden1") == steady("gradients", "hidden1", kHidden1));
      CHECK(found(train.figures, "gradients", "output") == steady("gradients", "output", kOutput));
      CHECK(found(train.figures, "optimizer_state") == steady("optimizer_state", "", state));
      CHECK(found(train.figures, "data") == TensorMemory{"data", "", kDataset + kBatch, kDataset + kBatch + kOrder});
      CHECK(train.figures.bytes == 2 * (112 + 60) + state + 210 + 160);

      const Ended& evaluate = ended[2 * epoch + 1];
      CHECK(evaluate.phase == "evaluate");
      CHECK(evaluate.epoch == static_cast<std::int64_t>(epoch));
      CHECK(found(evaluate.figures, "data") == steady("data", "", kDataset + kBatch));
      CHECK(found(evaluate.figures, "optimizer_state") == steady("optimizer_state", "", state));
      CHECK(evaluate.figures.bytes == train.figures.bytes);
    }
  }
}

TEST_CASE("a convolutional network's tensors are counted to the byte with every optimizer") {
  // 2 x 4 x 4 pixels -> 3 kernels of 2 x 3 x 3, pooled to 3 x 2 x 2 -> 5 -> 3 classes.
  constexpr std::int64_t kConv1 = 4 * (3 * 2 * 3 * 3 + 3);  // 228
  constexpr std::int64_t kHidden1 = 4 * (12 * 5 + 5);       // 260
  constexpr std::int64_t kOutput = 4 * (5 * 3 + 3);         // 72
  constexpr std::int64_t kWeights = 228 + 260 + 72;
  const std::map<std::string, std::int64_t> state_bytes = {
      {"sgd", 0}, {"momentum", 560}, {"adam", 1120}, {"adamw", 1120}, {"rmsprop", 560}};
  for (const auto& [optimizer, state] : state_bytes) {
    CAPTURE(optimizer);
    TrainerOptions options;
    options.conv_layers = {{3, 3}};
    options.hidden_layers = {5};
    options.optimizer = optimizer;
    const std::vector<Ended> ended = phases_of(options, {2, 4, 4});
    const TensorFigures& train = figures_of(ended, "train");
    for (const char* kind : {"parameters", "gradients"}) {
      CAPTURE(std::string(kind));
      CHECK(found(train, kind, "conv1") == steady(kind, "conv1", kConv1));
      CHECK(found(train, kind, "hidden1") == steady(kind, "hidden1", kHidden1));
      CHECK(found(train, kind, "output") == steady(kind, "output", kOutput));
    }
    CHECK(found(train, "optimizer_state") == steady("optimizer_state", "", state));
    // 30 images of 32 pixels and a label; a batch of 5; the order of 20.
    CHECK(found(train, "data") ==
          TensorMemory{"data", "", 30 * 33 + 5 * (32 * 4 + 8), 30 * 33 + 5 * (32 * 4 + 8) + 160});
    CHECK(train.bytes == 2 * kWeights + state + 30 * 33 + 5 * (32 * 4 + 8));
  }
}

// B images a step, 6 pixels -> H -> 3 classes, sgd: nothing but the passes themselves. At the fullest moments there
// are, besides weights and gradients,
//   forward, relu               its input and output: 2 BH floats
//   backward, output's matrices the relu's output, the gradients of the scores and of that output, new gradients of
//                               the output's weights and biases: 2 BH + 3B + 3H + 3 floats
//   backward, relu              its output, the gradients of that and of its input: 3 BH floats
//   backward, hidden1's         the gradient of its output, new gradients of its weights and biases: BH + 6H + H floats
// and throughout the backward pass the loss and the weight of its mean, a float each.
// In the first step the new gradients stay: they are `gradients` then.
TEST_CASE("activations and workspace of a multilayer perceptron are counted to the byte") {
  struct Case {
    std::int64_t batch_size, width, train_peak_bytes, evaluate_peak_bytes;
  };
  for (const Case& network :
       {Case{5, 4, 4 * (2 * 20 + 15 + 12 + 3 + 2), 4 * 2 * 20}, {10, 40, 4 * (3 * 400 + 2), 4 * 2 * 400}}) {
    CAPTURE(network.width);
    TrainerOptions options;
    options.hidden_layers = {network.width};
    options.optimizer = "sgd";
    const std::vector<Ended> ended = phases_of(options, {1, 2, 3}, network.batch_size);
    CHECK(found(figures_of(ended, "build"), "activations").peak_bytes == 0);
    CHECK(found(figures_of(ended, "train"), "activations") ==
          TensorMemory{"activations", "", 0, network.train_peak_bytes});
    CHECK(found(figures_of(ended, "evaluate"), "activations") ==
          TensorMemory{"activations", "", 0, network.evaluate_peak_bytes});
  }
}

}  // namespace memtrack
