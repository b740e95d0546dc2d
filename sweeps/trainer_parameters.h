#pragma once

// The hyperparameters of the built-in memtrack-trainer: one table, from which sweep files are checked and the trainer's
// own command line and --help are made.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// One convolution, padded so that it keeps the image's size, followed by the activation and by 2x2 max-pooling.
struct ConvLayer {
  std::int64_t channels = 0;
  std::int64_t kernel = 0;  // odd
  bool operator==(const ConvLayer&) const = default;
};

// A trial of the built-in trainer, checked. Defaults are those of the table.
struct TrainerOptions {
  std::string dataset = "mnist";
  double learning_rate = 0.001;
  std::int64_t epochs = 1;
  std::int64_t batch_size = 64;
  std::vector<ConvLayer> conv_layers = {};  // before the hidden layers
  std::vector<std::int64_t> hidden_layers = {128, 64};
  std::string activation = "relu";  // relu, tanh, sigmoid, gelu
  double dropout = 0;               // after each hidden layer, 0 to below 1
  std::string optimizer = "adam";   // sgd, momentum, adam, adamw, rmsprop
  double momentum = 0.9;            // of the optimizer momentum
  double weight_decay = 0;
  std::string init = "libtorch";     // libtorch, kaiming, xavier
  bool standardise = true;           // false: inputs are the bytes scaled to 0 to 1
  bool shuffle = true;               // false: the images in the dataset's order, in every epoch
  std::int64_t eval_batch_size = 0;  // 0: as batch_size, so that evaluation lifts no peak
  std::int64_t max_steps = 0;        // of an epoch; 0: all images. Memory needs only a few
  std::int64_t seed = 0;
  std::int64_t threads = 0;  // 0: by the size of the network
};

struct TrainerParameter {
  std::string_view name;           // "learning_rate"
  std::string_view value_name;     // "NUMBER", "N", "WIDTHS", "NAME"
  std::string_view default_value;  // "0.001"
  std::string_view help;           // one line, with the reason for the default
  // Reads the value, checks its range and sets it; `name` is for the sentence of what it throws, see below.
  void (*set)(TrainerOptions& options, std::string_view name, std::string_view value);
};

// In the order in which --help shows them.
std::span<const TrainerParameter> trainer_parameters();

// Sets one hyperparameter from its text ("0.001", "[128, 64]", "128,64"). Throws std::invalid_argument with a sentence
// that says what is wrong and what would be right; a name that is not known is answered with the nearest known one.
void set_trainer_option(TrainerOptions& options, std::string_view name, std::string_view value);

// The datasets that the trainer knows: mnist, fashion-mnist, cifar-10, generated-mnist, generated-cifar-10.
std::span<const std::string_view> dataset_names();

// Weights and biases of the network that these options build: inputs -> convolutions -> hidden layers -> 10 classes.
std::int64_t count_parameters(const TrainerOptions& options);

// Numbers that an optimizer keeps for each weight; nullopt: the trainer has none of that name.
std::optional<std::int64_t> optimizer_state_numbers(std::string_view optimizer);

}  // namespace memtrack
