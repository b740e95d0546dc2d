#include "tools/predict/tensor_memory.h"

#include <algorithm>
#include <vector>

namespace memtrack {
namespace {

constexpr std::int64_t kFloat = 4;
constexpr std::int64_t kLong = 8;        // labels, indices
constexpr std::int64_t kScalar = 8 + 4;  // a number of C++ as a tensor: in double, then in float
constexpr std::int64_t kClasses = 10;

// Bytes that are taken and given back, and the most that were held.
class Tape {
 public:
  void take(std::int64_t bytes) {
    held_ += bytes;
    most_ = std::max(most_, held_);
  }
  void give(std::int64_t bytes) { held_ -= bytes; }
  void touch(std::int64_t bytes) {
    take(bytes);
    give(bytes);
  }
  std::int64_t most() const { return most_; }

 private:
  std::int64_t held_ = 0, most_ = 0;
};

struct Conv {
  std::int64_t in_channels, channels, kernel, height, width;
  std::int64_t weight_bytes() const { return kFloat * channels * in_channels * kernel * kernel; }
  std::int64_t bias_bytes() const { return kFloat * channels; }
  std::int64_t plane() const { return height * width; }
  std::int64_t pooled_plane() const { return (height / 2) * (width / 2); }
};

struct Dense {
  std::int64_t inputs, outputs;
  std::int64_t weight_bytes() const { return kFloat * inputs * outputs; }
  std::int64_t bias_bytes() const { return kFloat * outputs; }
};

struct Layers {
  std::vector<Conv> convs;
  std::vector<Dense> dense;  // the last is the output
};

Layers layers_of(const TrainerOptions& options, const ImageShape& shape) {
  Layers layers;
  std::int64_t channels = shape.channels, height = shape.height, width = shape.width;
  for (const auto& [next, kernel] : options.conv_layers) {
    layers.convs.push_back({channels, next, kernel, height, width});
    channels = next;
    height /= 2;
    width /= 2;
  }
  std::int64_t inputs = channels * height * width;
  for (const std::int64_t outputs : options.hidden_layers) {
    layers.dense.push_back({inputs, outputs});
    inputs = outputs;
  }
  layers.dense.push_back({inputs, kClasses});
  return layers;
}

// Weights and biases, each a tensor.
std::vector<std::int64_t> tensor_bytes_of(const Layers& layers) {
  std::vector<std::int64_t> bytes;
  for (const Conv& conv : layers.convs) bytes.insert(bytes.end(), {conv.weight_bytes(), conv.bias_bytes()});
  for (const Dense& dense : layers.dense) bytes.insert(bytes.end(), {dense.weight_bytes(), dense.bias_bytes()});
  return bytes;
}

// Numbers that an optimizer keeps for each weight.
std::int64_t state_of(const std::string& optimizer) {
  if (optimizer == "sgd") return 0;
  return optimizer == "adam" || optimizer == "adamw" ? 2 : 1;
}

// What an optimizer holds while it steps one tensor, beside gradient and state.
std::int64_t step_bytes_of(const TrainerOptions& options, std::int64_t tensor, bool is_first) {
  const std::int64_t decayed = options.weight_decay != 0 ? tensor : 0;  // gradient + weight_decay * weight
  if (options.optimizer == "sgd") return decayed;
  if (options.optimizer == "momentum") return decayed + (is_first ? 0 : kScalar);
  if (options.optimizer == "rmsprop") return decayed + tensor + kScalar;
  if (options.optimizer == "adam") return decayed + 2 * tensor + kScalar;
  return 2 * tensor + kScalar;  // adamw: the weight itself decays
}

// One step of training, batch by batch the same. Activations that the backward pass needs stay from forward on.
class Step {
 public:
  // `is_first`: gradients and optimizer state come to life in it, elsewhere they are there.
  Step(const TrainerOptions& options, const Layers& layers, std::int64_t rows, bool is_first)
      : options_(options), layers_(layers), rows_(rows), is_first_(is_first) {}

  std::int64_t most() {
    forward();
    backward();
    optimizer_step();
    return tape_.most();
  }

 private:
  bool has_dropout() const { return options_.dropout > 0; }
  bool keeps_inputs() const { return options_.activation == "gelu"; }  // the others' backward needs their result
  std::int64_t batch_of(std::int64_t values) const { return kFloat * rows_ * values; }

  // oneDNN works on blocks of 16 channels.
  static std::int64_t padded(std::int64_t channels) { return (channels + 15) / 16 * 16; }

  void forward() {
    for (const Conv& conv : layers_.convs) forward(conv);
    for (std::size_t i = 0; i + 1 < layers_.dense.size(); ++i) forward(layers_.dense[i]);
    const std::int64_t logits = batch_of(kClasses);
    tape_.take(logits);
    tape_.take(logits);  // their log softmax
    tape_.take(kFloat);  // the loss
    tape_.take(kFloat);  // the weight of its mean
    tape_.give(logits);
  }

  void forward(const Conv& conv) {
    const std::int64_t blocked = batch_of(padded(conv.channels) * conv.plane());
    const std::int64_t weights = kFloat * padded(conv.channels) * conv.in_channels * conv.kernel * conv.kernel;
    const std::int64_t image = batch_of(conv.channels * conv.plane());
    const std::int64_t pooled = batch_of(conv.channels * conv.pooled_plane());
    tape_.take(weights);
    tape_.take(blocked);
    tape_.give(weights);
    tape_.take(image);
    tape_.give(blocked);
    activate(image);
    tape_.take(pooled);
    tape_.take(2 * pooled);  // where each maximum was, in 64 bits
  }

  void forward(const Dense& dense) {
    const std::int64_t bytes = batch_of(dense.outputs);
    tape_.take(bytes);
    activate(bytes);
    if (!has_dropout()) return;
    tape_.take(bytes);  // what is dropped
    tape_.touch(kScalar);
    tape_.take(bytes);
    if (keeps_inputs()) tape_.give(bytes);  // nobody needs the activation's result
  }

  void activate(std::int64_t bytes) {
    tape_.take(bytes);
    if (!keeps_inputs()) tape_.give(bytes);
  }

  void backward() {
    const std::int64_t logits = batch_of(kClasses);
    tape_.take(kFloat);
    tape_.take(logits);
    tape_.give(kFloat);
    tape_.take(logits);
    tape_.give(2 * logits);
    for (std::size_t i = layers_.dense.size(); i-- > 0;) {
      backward(layers_.dense[i], i == 0 && layers_.convs.empty());
      if (i > 0) backward_activation(batch_of(layers_.dense[i].inputs));
    }
    for (std::size_t i = layers_.convs.size(); i-- > 0;) backward(layers_.convs[i], i == 0);
    tape_.give(kFloat);
  }

  // What comes in is the gradient of its outputs, what goes out that of its inputs: the first layer has none.
  void backward(const Dense& dense, bool is_first_layer) {
    if (!is_first_layer) tape_.take(batch_of(dense.inputs));
    tape_.take(dense.weight_bytes());
    tape_.take(dense.bias_bytes());
    tape_.give(batch_of(dense.outputs));
    keep_gradients(dense.weight_bytes() + dense.bias_bytes());
  }

  // They become the weights' own the first time, later they are added to them.
  void keep_gradients(std::int64_t bytes) {
    if (!is_first_) tape_.give(bytes);
  }

  // The tensors that forward() left behind go one by one.
  void backward_activation(std::int64_t bytes) {
    if (has_dropout()) {
      tape_.give(bytes);  // its result, which the layer above took
      tape_.touch(bytes);
      tape_.give(bytes);  // what was dropped
    } else if (keeps_inputs()) {
      tape_.give(bytes);
    }
    tape_.touch(bytes);
    tape_.give(bytes);
  }

  void backward(const Conv& conv, bool is_first_layer) {
    const std::int64_t blocked = batch_of(padded(conv.channels) * conv.plane());
    const std::int64_t image = batch_of(conv.channels * conv.plane());
    const std::int64_t pooled = batch_of(conv.channels * conv.pooled_plane());
    tape_.take(image);
    tape_.give(3 * pooled);  // the gradient that came in, and where the maxima were
    backward_activation(image);
    if (!is_first_layer) {
      const std::int64_t in_blocked = batch_of(padded(conv.in_channels) * conv.plane());
      const std::int64_t weights =
          kFloat * padded(conv.channels) * padded(conv.in_channels) * conv.kernel * conv.kernel;
      const std::int64_t inputs = batch_of(conv.in_channels * conv.plane());
      tape_.take(blocked + weights + in_blocked);
      tape_.give(blocked + weights);
      tape_.take(inputs);
      tape_.give(in_blocked + inputs);  // inputs stay as the gradient below, which takes them again
    }
    tape_.touch(blocked + conv.weight_bytes() + 2 * conv.bias_bytes());
    tape_.give(image);
    if (is_first_) tape_.take(conv.weight_bytes() + conv.bias_bytes());
  }

  void optimizer_step() {
    for (const std::int64_t tensor : tensor_bytes_of(layers_)) {
      if (is_first_) tape_.take(state_of(options_.optimizer) * tensor);
      tape_.touch(step_bytes_of(options_, tensor, is_first_));
    }
  }

  const TrainerOptions& options_;
  const Layers& layers_;
  std::int64_t rows_;
  bool is_first_;
  Tape tape_;
};

// An evaluation's forward pass: two layers at a time.
std::int64_t evaluation_bytes(const Layers& layers, std::int64_t rows) {
  Tape tape;
  std::int64_t before = 0;
  for (const Dense& dense : layers.dense) {
    const std::int64_t bytes = kFloat * rows * dense.outputs;
    tape.take(bytes);
    tape.give(before);
    before = bytes;
    if (&dense != &layers.dense.back()) tape.touch(bytes);  // its activation
  }
  tape.touch(rows * (kLong + kLong / 2));
  return tape.most();
}

}  // namespace

TensorPrediction predict_tensors(const TrainerOptions& options, const DatasetDescription& data) {
  const Layers layers = layers_of(options, data.shape);
  const std::int64_t rows = std::min(options.batch_size, data.train_count);
  const std::int64_t all_steps = (data.train_count + rows - 1) / rows;
  const std::int64_t steps =
      options.epochs * (options.max_steps > 0 ? std::min(options.max_steps, all_steps) : all_steps);
  const std::int64_t batch_row = kFloat * data.shape.image_bytes() + kLong;

  TensorPrediction prediction;
  prediction.is_exact = layers.convs.empty();
  for (const std::int64_t bytes : tensor_bytes_of(layers)) prediction.parameters_bytes += bytes;
  prediction.gradients_bytes = prediction.parameters_bytes;
  prediction.optimizer_state_bytes = state_of(options.optimizer) * prediction.parameters_bytes;
  const std::int64_t dataset = (data.train_count + data.test_count) * (data.shape.image_bytes() + 1);
  prediction.data_bytes = dataset + rows * batch_row + data.train_count * kLong;
  prediction.activations_bytes = Step(options, layers, rows, false).most();
  if (steps == 1) {
    const std::int64_t born = prediction.gradients_bytes + prediction.optimizer_state_bytes;
    prediction.activations_bytes = std::max<std::int64_t>(Step(options, layers, rows, true).most() - born, 0);
  }
  const std::int64_t eval_rows =
      std::min(options.eval_batch_size > 0 ? options.eval_batch_size : options.batch_size, data.test_count);
  if (eval_rows > rows) {  // a batch of its own, while no order of the images is held
    const std::int64_t evaluation =
        evaluation_bytes(layers, eval_rows) + eval_rows * batch_row - data.train_count * kLong;
    prediction.activations_bytes = std::max(prediction.activations_bytes, evaluation);
  }
  return prediction;
}

}  // namespace memtrack
