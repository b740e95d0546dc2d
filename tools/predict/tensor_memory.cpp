#include "tools/predict/tensor_memory.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "tools/predict/heap.h"

namespace memtrack {
namespace {

using Block = Heap::Block;

constexpr std::int64_t kFloat = 4;
constexpr std::int64_t kLong = 8;  // labels, indices
constexpr std::int64_t kClasses = 10;

// Weights with their biases: a convolution's or a fully connected layer's.
struct Layer {
  std::int64_t inputs = 0;   // values an image, or channels
  std::int64_t outputs = 0;  // likewise
  std::int64_t kernel = 1;   // of a convolution
  std::int64_t height = 0, width = 0;
  std::int64_t weight_bytes() const { return kFloat * inputs * outputs * kernel * kernel; }
  std::int64_t bias_bytes() const { return kFloat * outputs; }
  std::int64_t plane() const { return height * width; }
  std::int64_t pooled_plane() const { return (height / 2) * (width / 2); }
};

struct Layers {
  std::vector<Layer> convs;
  std::vector<Layer> dense;  // the last is the output
  std::vector<Layer> all() const {
    std::vector<Layer> both = convs;
    both.insert(both.end(), dense.begin(), dense.end());
    return both;
  }
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
    layers.dense.push_back({.inputs = inputs, .outputs = outputs});
    inputs = outputs;
  }
  layers.dense.push_back({.inputs = inputs, .outputs = kClasses});
  return layers;
}

// oneDNN's copies have channels in blocks of 16.
std::int64_t padded(std::int64_t channels) {
  return (channels + 15) / 16 * 16;
}

std::int64_t blocked_image_bytes(const Layer& conv, std::int64_t rows) {
  return kFloat * rows * padded(conv.outputs) * conv.plane();
}

// A training, allocation by allocation, as LibTorch 1.13 makes them.
class Training {
 public:
  Training(const TrainerOptions& options, const Layers& layers, std::int64_t rows)
      : options_(options), layers_(layers), rows_(rows) {}

  // Weights, then one batch.
  void build(std::int64_t batch_row_floats) {
    for (const Layer& layer : layers_.all()) {
      heap_.take(layer.weight_bytes());
      heap_.take(layer.bias_bytes());
    }
    heap_.take(kFloat * rows_ * batch_row_floats);
    heap_.take(kLong * rows_);
  }

  // Gradients and optimizer state come to life in the first step.
  void step() {
    forward();
    backward();
    optimizer_step();
    heap_.give(loss_);
    is_first_ = false;
  }

  // The forward pass alone, in batches of a size of their own; a larger batch than training's is held beside it.
  void evaluate(std::int64_t rows, std::int64_t batch_row_floats) {
    std::vector<Block> own;
    if (rows > rows_) own = {heap_.take(kFloat * rows * batch_row_floats), heap_.take(kLong * rows)};
    std::optional<Block> before;
    for (const Layer& conv : layers_.convs) {
      const Block image = forward_convolution(conv, rows);
      const Block pooled = heap_.take(kFloat * rows * conv.outputs * conv.pooled_plane());
      heap_.touch(kLong * rows * conv.outputs * conv.pooled_plane());
      heap_.give(image);
      if (before) heap_.give(*before);
      before = pooled;
    }
    for (const Layer& dense : layers_.dense) {
      Block result = heap_.take(kFloat * rows * dense.outputs);
      if (before) heap_.give(*before);
      if (&dense != &layers_.dense.back()) {
        const Block activated = heap_.take(kFloat * rows * dense.outputs);
        heap_.give(result);
        result = activated;
      }
      before = result;
    }
    heap_.touch(kLong * rows);
    heap_.give(*before);
    for (const Block block : own) heap_.give(block);
  }

  Heap& heap() { return heap_; }

 private:
  // What a hidden layer leaves for the backward pass.
  struct Kept {
    Block activation;              // its result; with gelu its input
    std::optional<Block> output;   // where that is another tensor
    std::optional<Block> dropped;  // dropout's mask
    std::optional<Block> pooled, places;
  };

  bool keeps_inputs() const { return options_.activation == "gelu"; }  // the others' backward needs their result
  std::int64_t batch_of(std::int64_t values) const { return kFloat * rows_ * values; }

  // oneDNN works on blocks of 16 channels.

  // A number of C++ as a tensor: in double, then in float.
  void touch_scalar() {
    const Block wide = heap_.take(8);
    heap_.touch(4);
    heap_.give(wide);
  }

  void forward() {
    for (const Layer& conv : layers_.convs) kept_.push_back(keep_convolution(conv));
    for (std::size_t i = 0; i + 1 < layers_.dense.size(); ++i) kept_.push_back(forward(layers_.dense[i]));
    const Block logits = heap_.take(batch_of(kClasses));
    log_softmax_ = heap_.take(batch_of(kClasses));
    loss_ = heap_.take(kFloat);
    loss_weight_ = heap_.take(kFloat);
    heap_.give(logits);
  }

  Block forward_convolution(const Layer& conv, std::int64_t rows) {
    const Block weights = heap_.take(kFloat * padded(conv.outputs) * conv.inputs * conv.kernel * conv.kernel);
    const Block blocked = heap_.take(blocked_image_bytes(conv, rows));
    heap_.give(weights);
    const Block image = heap_.take(kFloat * rows * conv.outputs * conv.plane());
    heap_.give(blocked);
    return image;
  }

  Kept keep_convolution(const Layer& conv) {
    Kept kept = activate(forward_convolution(conv, rows_), batch_of(conv.outputs * conv.plane()));
    kept.pooled = heap_.take(batch_of(conv.outputs * conv.pooled_plane()));
    kept.places = heap_.take(kLong * rows_ * conv.outputs * conv.pooled_plane());  // where each maximum was
    return kept;
  }

  Kept forward(const Layer& dense) {
    const std::int64_t bytes = batch_of(dense.outputs);
    Kept kept = activate(heap_.take(bytes), bytes);
    if (options_.dropout > 0) {
      kept.dropped = heap_.take(bytes);
      touch_scalar();
      const Block result = heap_.take(bytes);
      if (kept.output) heap_.give(*kept.output);  // nobody needs gelu's result any more
      kept.output = result;
    }
    return kept;
  }

  Kept activate(Block input, std::int64_t bytes) {
    const Block result = heap_.take(bytes);
    if (keeps_inputs()) return {.activation = input, .output = result, .dropped = {}, .pooled = {}, .places = {}};
    heap_.give(input);
    return {.activation = result, .output = {}, .dropped = {}, .pooled = {}, .places = {}};
  }

  void backward() {
    const Block one = heap_.take(kFloat);
    const Block of_softmax = heap_.take(batch_of(kClasses));
    heap_.give(one);
    Block gradient = heap_.take(batch_of(kClasses));
    heap_.give(of_softmax);
    heap_.give(log_softmax_);
    for (std::size_t i = layers_.dense.size(); i-- > 0;) {
      gradient = backward(layers_.dense[i], gradient, i == 0 && layers_.convs.empty());
      if (i > 0) gradient = backward_activation(gradient, batch_of(layers_.dense[i].inputs));
    }
    for (std::size_t i = layers_.convs.size(); i-- > 0;)
      gradient = backward_convolution(layers_.convs[i], gradient, i == 0);
    heap_.give(loss_weight_);
  }

  // From the gradient of its outputs to that of its inputs, which the first layer does not need: then `gradient` comes
  // back, freed.
  Block backward(const Layer& dense, Block gradient, bool is_first_layer) {
    const std::optional<Block> next = is_first_layer ? std::nullopt : std::optional(heap_.take(batch_of(dense.inputs)));
    const Block weights = heap_.take(dense.weight_bytes());
    const Block biases = heap_.take(dense.bias_bytes());
    heap_.give(gradient);
    give_inputs();
    keep_gradients(weights, biases);
    return next.value_or(gradient);
  }

  // What a layer took from the one below, where nothing else needs it.
  void give_inputs() {
    if (kept_.empty()) return;
    const Kept& below = kept_.back();
    if (below.pooled) {
      heap_.give(*below.pooled);
    } else if (below.output) {
      heap_.give(*below.output);
    }
  }

  // They become the weights' own the first time, later they are added to them.
  void keep_gradients(Block weights, Block biases) {
    if (is_first_) return;
    heap_.give(biases);
    heap_.give(weights);
  }

  // Of the hidden layer below.
  Block backward_activation(Block gradient, std::int64_t bytes) {
    const Kept kept = kept_.back();
    kept_.pop_back();
    for (const std::optional<Block>& saved : {kept.dropped, std::optional(kept.activation)}) {
      if (!saved) continue;
      const Block next = heap_.take(bytes);
      heap_.give(gradient);
      heap_.give(*saved);
      gradient = next;
    }
    return gradient;
  }

  Block backward_convolution(const Layer& conv, Block gradient, bool is_first_layer) {
    const std::int64_t image = batch_of(conv.outputs * conv.plane());
    const Block unpooled = heap_.take(image);
    heap_.give(gradient);
    if (kept_.back().output) heap_.give(*kept_.back().output);
    heap_.give(*kept_.back().places);
    gradient = backward_activation(unpooled, image);
    const std::int64_t blocked_bytes = blocked_image_bytes(conv, rows_);
    std::optional<Block> next;
    if (!is_first_layer) {
      const Block blocked = heap_.take(blocked_bytes);
      const Block weights = heap_.take(kFloat * padded(conv.outputs) * padded(conv.inputs) * conv.kernel * conv.kernel);
      const Block blocked_inputs = heap_.take(batch_of(padded(conv.inputs) * conv.plane()));
      heap_.give(weights);
      heap_.give(blocked);
      next = heap_.take(batch_of(conv.inputs * conv.plane()));
      heap_.give(blocked_inputs);
    }
    heap_.touch(blocked_bytes);
    const Block weights = heap_.take(conv.weight_bytes());
    const Block biases = heap_.take(conv.bias_bytes());
    heap_.give(gradient);
    give_inputs();
    keep_gradients(weights, biases);
    return next.value_or(gradient);
  }

  void optimizer_step() {
    for (const Layer& layer : layers_.all()) {
      optimizer_step(layer.weight_bytes());
      optimizer_step(layer.bias_bytes());
    }
  }

  // What an optimizer holds while it steps one tensor, beside its state.
  void optimizer_step(std::int64_t tensor) {
    const std::string& name = options_.optimizer;
    for (std::int64_t i = 0; is_first_ && i < optimizer_state_numbers(name).value(); ++i) heap_.take(tensor);
    std::vector<Block> copies;
    const bool adds_decay = options_.weight_decay != 0 && name != "adamw";  // adamw's weights decay themselves
    if (adds_decay) copies.push_back(heap_.take(tensor));
    if (name == "rmsprop") copies.push_back(heap_.take(tensor));
    if (name == "adam" || name == "adamw") copies.insert(copies.end(), {heap_.take(tensor), heap_.take(tensor)});
    if (name != "sgd" && !(name == "momentum" && is_first_)) touch_scalar();
    for (const Block copy : copies) heap_.give(copy);
  }

  const TrainerOptions& options_;
  const Layers& layers_;
  std::int64_t rows_;
  bool is_first_ = true;
  Heap heap_;
  std::vector<Kept> kept_;
  Block log_softmax_ = 0, loss_ = 0, loss_weight_ = 0;
};

}  // namespace

TensorPrediction predict_tensors(const TrainerOptions& options, const DatasetDescription& data) {
  const Layers layers = layers_of(options, data.shape);
  const std::int64_t rows = std::min(options.batch_size, data.train_count);
  const std::int64_t eval_rows =
      std::min(options.eval_batch_size > 0 ? options.eval_batch_size : options.batch_size, data.test_count);
  const std::int64_t all_steps = (data.train_count + rows - 1) / rows;
  const std::int64_t steps = options.max_steps > 0 ? std::min(options.max_steps, all_steps) : all_steps;

  Training training(options, layers, rows);
  training.build(data.shape.image_bytes());
  for (std::int64_t epoch = 0; epoch < std::min<std::int64_t>(options.epochs, 2); ++epoch) {
    const Block order = training.heap().take(kLong * data.train_count);
    for (std::int64_t step = 0; step < std::min<std::int64_t>(steps, 3); ++step)
      training.step();  // then all are the same
    training.heap().give(order);
    training.evaluate(eval_rows, data.shape.image_bytes());
  }

  TensorPrediction prediction;
  prediction.is_exact = layers.convs.empty();
  for (const Layer& layer : layers.all()) prediction.parameters_bytes += layer.weight_bytes() + layer.bias_bytes();
  prediction.gradients_bytes = prediction.parameters_bytes;
  prediction.optimizer_state_bytes = optimizer_state_numbers(options.optimizer).value() * prediction.parameters_bytes;
  prediction.dataset_bytes = (data.train_count + data.test_count) * (data.shape.image_bytes() + 1);
  prediction.batch_bytes = rows * (kFloat * data.shape.image_bytes() + kLong) + data.train_count * kLong;
  prediction.resident_bytes = training.heap().most_resident_bytes();
  for (const Layer& conv : layers.convs) {
    const std::int64_t image = blocked_image_bytes(conv, rows);
    prediction.scattered_bytes += image < Heap::kMapFrom ? image : 0;
  }
  const std::int64_t others = prediction.parameters_bytes + prediction.gradients_bytes +
                              prediction.optimizer_state_bytes + prediction.batch_bytes;
  prediction.activations_bytes = std::max<std::int64_t>(training.heap().most_held_bytes() - others, 0);
  return prediction;
}

}  // namespace memtrack
