// memtrack predict's tensor bytes against the trainer's own count.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "datasets/generated.h"
#include "tests/trainer/fixture.h"
#include "tools/predict/tensor_memory.h"

namespace memtrack {
namespace {

using namespace memtrack::testing;

class PeakRecorder : public SilentObserver {
 public:
  void on_tensors(const PhaseTensors& phase) override { peak = std::max(peak, phase.figures.peak_bytes); }

  std::int64_t peak = 0;
};

// Of a training on `images` generated ones, a quarter as many to evaluate.
void check_prediction(TrainerOptions options, const ImageShape& shape, std::int64_t images, double tolerance = 0) {
  const Dataset dataset = generate_dataset(shape, 10, {images, images / 4}, 3);
  DatasetDescription description = describe_dataset("generated-mnist");
  description.shape = shape;
  description.train_count = images;
  description.test_count = images / 4;
  PeakRecorder recorder;
  library().train(options, data_of(dataset), recorder);
  const auto predicted = static_cast<double>(predict_tensors(options, description).peak_bytes());
  CAPTURE(options.optimizer);
  CAPTURE(options.activation);
  CAPTURE(options.dropout);
  CAPTURE(options.weight_decay);
  CAPTURE(options.batch_size);
  CHECK(std::abs(static_cast<double>(recorder.peak) - predicted) <= tolerance * predicted);
}

}  // namespace

TEST_CASE("tensor bytes of multilayer perceptrons are predicted to the byte") {
  for (const char* optimizer : {"sgd", "momentum", "adam", "adamw", "rmsprop"}) {
    for (const double decay : {0.0, 0.01}) {
      TrainerOptions options;
      options.optimizer = optimizer;
      options.weight_decay = decay;
      for (const std::int64_t batch : {1, 7, 64}) {  // weights, then activations decide
        options.batch_size = batch;
        options.hidden_layers = {37, 11};
        check_prediction(options, {1, 5, 7}, 64);
      }
    }
  }
}

TEST_CASE("activations and dropout are predicted to the byte") {
  for (const char* activation : {"relu", "tanh", "sigmoid", "gelu"}) {
    for (const double dropout : {0.0, 0.5}) {
      TrainerOptions options;
      options.activation = activation;
      options.dropout = dropout;
      options.hidden_layers = {20, 40, 30};
      options.batch_size = 32;
      options.optimizer = "sgd";
      check_prediction(options, {3, 4, 4}, 96);
    }
  }
}

TEST_CASE("a training of one step and an evaluation in larger batches are predicted to the byte") {
  TrainerOptions options;
  options.hidden_layers = {16};
  for (const char* optimizer : {"sgd", "momentum", "adam", "adamw", "rmsprop"}) {
    options.optimizer = optimizer;
    options.batch_size = 40;
    check_prediction(options, {1, 6, 6}, 40);
    options.batch_size = 2;
    options.eval_batch_size = 50;
    check_prediction(options, {1, 6, 6}, 200);
    options.eval_batch_size = 0;
  }
}

TEST_CASE("tensor bytes of convolutional networks are predicted closely") {
  TrainerOptions options;
  options.hidden_layers = {32};
  options.batch_size = 16;
  for (const auto& layers : {std::vector<ConvLayer>{{16, 3}}, {{16, 3}, {32, 3}}, {{6, 5}, {20, 3}}}) {
    options.conv_layers = layers;
    check_prediction(options, {1, 28, 28}, 64, 0.05);
    check_prediction(options, {3, 32, 32}, 64, 0.05);
  }
}

}  // namespace memtrack
