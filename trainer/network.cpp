#include "trainer/network.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "trainer/counting_allocator.h"

namespace memtrack {
namespace {

// Weights by the named rule, biases 0; "libtorch" leaves what the layers drew when they were made.
void initialise(const std::vector<torch::Tensor>& parameters, const std::string& rule) {
  if (rule == "libtorch") return;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.dim() == 1) {
      torch::nn::init::zeros_(parameter);
    } else if (rule == "kaiming") {
      torch::nn::init::kaiming_normal_(parameter, 0, torch::kFanIn, torch::kReLU);
    } else if (rule == "xavier") {
      torch::nn::init::xavier_uniform_(parameter);
    } else {
      throw std::invalid_argument("unknown init '" + rule + "'");
    }
  }
}

template <typename Algorithm, typename AlgorithmOptions>
std::unique_ptr<torch::optim::Optimizer> optimizer_of(std::vector<torch::Tensor> parameters, AlgorithmOptions settings,
                                                      const TrainerOptions& options) {
  settings.weight_decay(options.weight_decay);
  return std::make_unique<Algorithm>(std::move(parameters), settings);
}

}  // namespace

Network::Network(const TrainerOptions& options, const ImageShape& shape, std::int64_t classes, TensorLedger& ledger)
    : ledger_(ledger) {
  std::int64_t width = add_convolutions(options, shape);
  for (std::size_t i = 0; i < options.hidden_layers.size(); ++i) {
    begin_layer("hidden" + std::to_string(i + 1));
    add<torch::nn::Linear>(width, options.hidden_layers[i]);
    add_activation(options.activation);
    if (options.dropout > 0) add<torch::nn::Dropout>(options.dropout);
    width = options.hidden_layers[i];
  }
  begin_layer("output");
  add<torch::nn::Linear>(width, classes);
  initialise(parameters(), options.init);
}

void Network::begin_layer(const std::string& name) {
  layer_in_hand_ = ledger_.add_layer(name);
}

template <typename Module, typename... Arguments>
void Network::add(const Arguments&... arguments) {
  const OwnerScope scope(ledger_, {TensorKind::parameters, layer_in_hand_});
  Module module(arguments...);
  for (std::size_t i = 0; i < module->parameters().size(); ++i) layer_of_parameter_.push_back(layer_in_hand_);
  layer_of_module_.push_back(layer_in_hand_);
  modules_->push_back(module);
}

void Network::add_activation(const std::string& name) {
  if (name == "relu") return add<torch::nn::ReLU>();
  if (name == "tanh") return add<torch::nn::Tanh>();
  if (name == "sigmoid") return add<torch::nn::Sigmoid>();
  if (name == "gelu") return add<torch::nn::GELU>();
  throw std::invalid_argument("unknown activation '" + name + "'");
}

// Returns the number of outputs an image.
std::int64_t Network::add_convolutions(const TrainerOptions& options, ImageShape shape) {
  for (std::size_t i = 0; i < options.conv_layers.size(); ++i) {
    const auto& [channels, kernel] = options.conv_layers[i];
    begin_layer("conv" + std::to_string(i + 1));
    if (i == 0) {
      const std::vector<std::int64_t> sizes = {shape.channels, shape.height, shape.width};
      add<torch::nn::Unflatten>(torch::nn::UnflattenOptions(1, sizes));
    }
    add<torch::nn::Conv2d>(torch::nn::Conv2dOptions(shape.channels, channels, kernel).padding(kernel / 2));
    add_activation(options.activation);
    add<torch::nn::MaxPool2d>(2);
    shape = {channels, shape.height / 2, shape.width / 2};
  }
  if (!options.conv_layers.empty()) add<torch::nn::Flatten>();
  return shape.image_bytes();
}

torch::Tensor Network::forward(torch::Tensor input) {
  auto layer = layer_of_module_.begin();
  for (torch::nn::AnyModule& module : *modules_) {
    layer_in_hand_ = *layer++;
    input = module.forward(std::move(input));
  }
  return input;
}

std::int64_t Network::parameter_count() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

void Network::assign_gradients() {
  const std::vector<torch::Tensor> weights = parameters();
  first_versions_.clear();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const torch::Tensor& gradient = weights[i].grad();
    first_versions_.push_back(gradient._version());
    if (TensorBlock* block = counted_block(gradient.storage().data_ptr())) {
      ledger_.assign(*block, {TensorKind::gradients, layer_of_parameter_[i]});
    }
  }
}

// The pass goes from the last layer to the first and writes each gradient once. Where it has written it already, the
// gradient is there, and a version ahead of the others if all have been there before.
const std::string& Network::layer_in_backward() const {
  const std::vector<torch::Tensor> weights = parameters();
  std::vector<std::int64_t> writes;  // -1: not even the first
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const torch::Tensor& gradient = weights[i].grad();
    const std::int64_t first = i < first_versions_.size() ? first_versions_[i]
                               : gradient.defined()       ? gradient._version()
                                                          : 0;
    writes.push_back(gradient.defined() ? gradient._version() - first : -1);
  }
  const std::int64_t most = *std::ranges::max_element(writes);
  std::size_t last = writes.size();
  while (last > 0 && writes[last - 1] == most) --last;
  return ledger_.layer_name(layer_of_parameter_[last > 0 ? last - 1 : writes.size() - 1]);
}

std::unique_ptr<torch::optim::Optimizer> build_optimizer(const TrainerOptions& options,
                                                         std::vector<torch::Tensor> weights) {
  using namespace torch::optim;
  const std::string& name = options.optimizer;
  const double rate = options.learning_rate;
  if (name == "sgd") return optimizer_of<SGD>(std::move(weights), SGDOptions(rate), options);
  if (name == "momentum") {
    return optimizer_of<SGD>(std::move(weights), SGDOptions(rate).momentum(options.momentum), options);
  }
  if (name == "adam") return optimizer_of<Adam>(std::move(weights), AdamOptions(rate), options);
  if (name == "adamw") return optimizer_of<AdamW>(std::move(weights), AdamWOptions(rate), options);
  if (name == "rmsprop") return optimizer_of<RMSprop>(std::move(weights), RMSpropOptions(rate), options);
  throw std::invalid_argument("unknown optimizer '" + name + "'");
}

}  // namespace memtrack
