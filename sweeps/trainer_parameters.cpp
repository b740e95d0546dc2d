#include "sweeps/trainer_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

constexpr std::array<std::string_view, 5> kDatasets = {"mnist", "fashion-mnist", "cifar-10", "generated-mnist",
                                                       "generated-cifar-10"};
constexpr std::array<std::string_view, 4> kActivations = {"relu", "tanh", "sigmoid", "gelu"};
constexpr std::array<std::string_view, 5> kOptimizers = {"sgd", "momentum", "adam", "adamw", "rmsprop"};
constexpr std::array<std::string_view, 3> kInits = {"libtorch", "kaiming", "xavier"};

// What other programs call the parameters of the trainer.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"lr", "learning_rate"},
    {"data", "dataset"},
    {"bs", "batch_size"},
    {"batch", "batch_size"},
    {"test_batch_size", "eval_batch_size"},
    {"num_epochs", "epochs"},
    {"n_epochs", "epochs"},
    {"layers", "hidden_layers"},
    {"convolutions", "conv_layers"},
    {"hidden_sizes", "hidden_layers"},
    {"act", "activation"},
    {"nonlinearity", "activation"},
    {"drop", "dropout"},
    {"dropout_rate", "dropout"},
    {"opt", "optimizer"},
    {"wd", "weight_decay"},
    {"l2", "weight_decay"},
    {"initialization", "init"},
    {"weight_init", "init"},
    {"normalize", "standardise"},
    {"random_seed", "seed"},
    {"num_threads", "threads"},
};

constexpr std::int64_t kLargestCount = 1'000'000'000;
constexpr std::int64_t kLargestSeed = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLargestWidth = 1'000'000;
constexpr std::size_t kMostLayers = 1000;
constexpr std::int64_t kMostChannels = 4096;
constexpr std::int64_t kLargestKernel = 31;
constexpr std::size_t kMostConvLayers = 4;  // pooled four times, 28 x 28 pixels are one
// Far beyond what diverges at once, and far enough below the largest float (3e38) that no optimizer's step overflows.
constexpr double kLargestFactor = 1e30;
constexpr std::int64_t kClasses = 10;

[[noreturn]] void refuse(std::string_view name, std::string_view value, const std::string& right) {
  throw std::invalid_argument(std::string(name) + " is " + quoted(value) + ", and would have to be " + right);
}

bool parse_whole(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::int64_t whole_number(std::string_view name, std::string_view value, std::int64_t lowest, std::int64_t highest,
                          std::string_view example) {
  std::int64_t number = 0;
  if (!parse_whole(value, number) || number < lowest || number > highest) {
    refuse(name, value,
           "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest) + " such as " +
               std::string(example));
  }
  return number;
}

std::int64_t count(std::string_view name, std::string_view value, std::int64_t lowest, std::string_view example) {
  return whole_number(name, value, lowest, kLargestCount, example);
}

std::optional<double> parse_finite(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole_text = error == std::errc() && end == text.data() + text.size();
  return is_whole_text && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

double positive_number(std::string_view name, std::string_view value) {
  const std::optional<double> number = parse_finite(value);
  if (!number || *number <= 0 || *number > kLargestFactor) {
    refuse(name, value, "a number greater than 0 such as 0.001, at most 1e30");
  }
  return *number;
}

double number_from_zero(std::string_view name, std::string_view value) {
  const std::optional<double> number = parse_finite(value);
  if (!number || *number < 0 || *number > kLargestFactor) {
    refuse(name, value, "a number from 0 to 1e30 such as 0.01");
  }
  return *number;
}

double share(std::string_view name, std::string_view value) {
  const std::optional<double> number = parse_finite(value);
  if (!number || *number < 0 || *number >= 1) {
    refuse(name, value, "a number from 0 to below 1 such as 0.5");
  }
  return *number;
}

// As YAML and as Python write it.
bool truth(std::string_view name, std::string_view value) {
  if (value == "true" || value == "True") {
    return true;
  }
  if (value != "false" && value != "False") {
    refuse(name, value, "true or false");
  }
  return false;
}

std::string one_of(std::string_view name, std::string_view value, std::span<const std::string_view> known) {
  for (const std::string_view word : known) {
    if (word == value) {
      return std::string(value);
    }
  }
  refuse(name, value, "one of " + join_names(known) + did_you_mean(value, known));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// "128, 64"
std::optional<std::vector<std::int64_t>> parse_whole_numbers(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    if (!parse_whole(trimmed(text.substr(0, comma)), numbers.emplace_back())) {
      return std::nullopt;
    }
    more = comma != std::string_view::npos;
    text = more ? text.substr(comma + 1) : std::string_view();
  }
  return numbers;
}

// "[128, 64]" or "128,64"
std::vector<std::int64_t> widths(std::string_view name, std::string_view value) {
  std::string_view rest = trimmed(value);
  if (rest.size() > 1 && rest.starts_with('[') && rest.ends_with(']')) {
    rest = rest.substr(1, rest.size() - 2);
  }
  const auto numbers = parse_whole_numbers(rest);
  const auto is_width = [](std::int64_t number) { return number >= 1 && number <= kLargestWidth; };
  if (!numbers || !std::ranges::all_of(*numbers, is_width)) {
    refuse(name, value, "widths from 1 to " + std::to_string(kLargestWidth) + ", at least one, such as [128, 64]");
  }
  if (numbers->size() > kMostLayers) {
    refuse(name, value, "at most " + std::to_string(kMostLayers) + " widths");
  }
  return *numbers;
}

// "16, 3"
std::optional<ConvLayer> parse_conv_layer(std::string_view text) {
  const auto numbers = parse_whole_numbers(text);
  if (!numbers || numbers->size() != 2) {
    return std::nullopt;
  }
  const ConvLayer layer = {numbers->front(), numbers->back()};
  const bool is_right = layer.channels >= 1 && layer.channels <= kMostChannels && layer.kernel >= 1 &&
                        layer.kernel <= kLargestKernel && layer.kernel % 2 == 1;
  return is_right ? std::optional(layer) : std::nullopt;
}

// "[[16, 3], [32, 3]]" or "[]"
std::optional<std::vector<ConvLayer>> parse_conv_layers(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || !text.starts_with('[') || !text.ends_with(']')) {
    return std::nullopt;
  }
  std::string_view rest = trimmed(text.substr(1, text.size() - 2));
  std::vector<ConvLayer> layers;
  while (!rest.empty()) {
    const std::size_t end = rest.find(']');
    const auto layer = rest.starts_with('[') && end != std::string_view::npos
                           ? parse_conv_layer(rest.substr(1, end - 1))
                           : std::nullopt;
    if (!layer) {
      return std::nullopt;
    }
    layers.push_back(*layer);
    rest = trimmed(rest.substr(end + 1));
    if (!rest.empty()) {
      const std::string_view next = trimmed(rest.substr(1));
      if (rest.front() != ',' || next.empty()) {
        return std::nullopt;
      }
      rest = next;
    }
  }
  return layers;
}

std::vector<ConvLayer> conv_layers(std::string_view name, std::string_view value) {
  auto layers = parse_conv_layers(value);
  if (!layers || layers->size() > kMostConvLayers) {
    refuse(name, value,
           "at most " + std::to_string(kMostConvLayers) + " pairs of channels (1 to " + std::to_string(kMostChannels) +
               ") and an odd kernel (1 to " + std::to_string(kLargestKernel) + ") such as [[16, 3], [32, 3]]");
  }
  return *std::move(layers);
}

using Options = TrainerOptions;
using Text = std::string_view;

constexpr TrainerParameter kParameters[] = {
    {"dataset", "NAME", "mnist",
     "mnist, fashion-mnist, cifar-10, generated-mnist or generated-cifar-10; mnist trains in seconds",
     [](Options& options, Text name, Text value) { options.dataset = one_of(name, value, kDatasets); }},
    {"learning_rate", "NUMBER", "0.001", "step size; 0.001 is adam's usual one, and suits these networks",
     [](Options& options, Text name, Text value) { options.learning_rate = positive_number(name, value); }},
    {"epochs", "N", "1", "passes over the training images; one is enough to see a network's memory",
     [](Options& options, Text name, Text value) { options.epochs = count(name, value, 1, "2"); }},
    {"batch_size", "N", "64", "images a step; 64 is fast on one core and small beside the network",
     [](Options& options, Text name, Text value) { options.batch_size = count(name, value, 1, "64"); }},
    {"conv_layers", "PAIRS", "[]",
     "convolutions before the hidden layers, [[channels, kernel], ...], each pooled 2x2; none, since the MLP is "
     "smaller",
     [](Options& options, Text name, Text value) { options.conv_layers = conv_layers(name, value); }},
    {"hidden_layers", "WIDTHS", "128,64", "widths from input to output; 128,64 reaches 97.5% on mnist",
     [](Options& options, Text name, Text value) { options.hidden_layers = widths(name, value); }},
    {"activation", "NAME", "relu",
     "relu, tanh, sigmoid or gelu, after each hidden layer; relu is the usual one and the cheapest",
     [](Options& options, Text name, Text value) { options.activation = one_of(name, value, kActivations); }},
    {"dropout", "SHARE", "0",
     "of each hidden layer's outputs, left out at each step; 0, since few epochs hardly overfit",
     [](Options& options, Text name, Text value) { options.dropout = share(name, value); }},
    {"optimizer", "NAME", "adam",
     "sgd, momentum, adam, adamw or rmsprop; adam, since deep networks stay at chance with plain sgd",
     [](Options& options, Text name, Text value) { options.optimizer = one_of(name, value, kOptimizers); }},
    {"momentum", "SHARE", "0.9",
     "of the last step that the next one keeps, with optimizer=momentum alone; 0.9 is the usual one",
     [](Options& options, Text name, Text value) { options.momentum = share(name, value); }},
    {"weight_decay", "NUMBER", "0",
     "pull of the weights towards 0; 0, so that optimizers compare alike; adamw's usual one is 0.01",
     [](Options& options, Text name, Text value) { options.weight_decay = number_from_zero(name, value); }},
    {"init", "NAME", "libtorch",
     "first weights: libtorch, kaiming or xavier; libtorch, as programs have them that do not ask",
     [](Options& options, Text name, Text value) { options.init = one_of(name, value, kInits); }},
    {"standardise", "BOOL", "true",
     "true: inputs by mean and deviation of the training images' channels; true, since cifar-10 is learned sooner",
     [](Options& options, Text name, Text value) { options.standardise = truth(name, value); }},
    {"shuffle", "BOOL", "true",
     "true: the training images in a new order each epoch; true, since images sorted by class unlearn each other",
     [](Options& options, Text name, Text value) { options.shuffle = truth(name, value); }},
    {"eval_batch_size", "N", "0", "images a step of the evaluation; 0: batch_size, so that evaluation lifts no peak",
     [](Options& options, Text name, Text value) { options.eval_batch_size = count(name, value, 0, "64"); }},
    {"max_steps", "N", "0", "steps of an epoch at most; 0: all images. A few show what a training takes in memory",
     [](Options& options, Text name, Text value) { options.max_steps = count(name, value, 0, "20"); }},
    {"seed", "N", "0",
     "of the weights, of dropout and of the order of the images; 0, so that a run can be repeated to the bit",
     [](Options& options, Text name, Text value) { options.seed = whole_number(name, value, 0, kLargestSeed, "0"); }},
    {"threads", "N", "0",
     "LibTorch's and BLAS's threads; 0: by the work of a step, since small steps take longer on more than one",
     [](Options& options, Text name, Text value) { options.threads = whole_number(name, value, 0, 1024, "1"); }},
};

[[noreturn]] void refuse_name(std::string_view name) {
  std::vector<std::string_view> known;
  known.reserve(std::size(kParameters));
  for (const TrainerParameter& parameter : kParameters) {
    known.push_back(parameter.name);
  }
  std::string hint = did_you_mean(name, known);
  for (const auto& [other, ours] : kOtherNames) {
    if (other == name) {
      hint = "; did you mean '" + std::string(ours) + "'?";
    }
  }
  throw std::invalid_argument("the built-in trainer has no parameter " + quoted(name) +
                              (hint.empty() ? "; it has " + join_names(known) : hint));
}

}  // namespace

std::span<const TrainerParameter> trainer_parameters() {
  return kParameters;
}

std::span<const std::string_view> dataset_names() {
  return kDatasets;
}

void set_trainer_option(TrainerOptions& options, std::string_view name, std::string_view value) {
  const auto* parameter = std::ranges::find(kParameters, name, &TrainerParameter::name);
  if (parameter == std::end(kParameters)) {
    refuse_name(name);
  }
  parameter->set(options, name, value);
}

std::int64_t count_parameters(const TrainerOptions& options) {
  const bool colour = options.dataset == "cifar-10" || options.dataset == "generated-cifar-10";
  std::int64_t channels = colour ? 3 : 1;
  std::int64_t side = colour ? 32 : 28;
  std::int64_t count = 0;
  for (const ConvLayer& layer : options.conv_layers) {
    count += (channels * layer.kernel * layer.kernel + 1) * layer.channels;
    channels = layer.channels;
    side /= 2;
  }
  std::int64_t inputs = channels * side * side;
  for (const std::int64_t width : options.hidden_layers) {
    count += (inputs + 1) * width;
    inputs = width;
  }
  return count + (inputs + 1) * kClasses;
}

std::optional<std::int64_t> optimizer_state_numbers(std::string_view optimizer) {
  if (optimizer == "sgd") return 0;
  if (optimizer == "momentum" || optimizer == "rmsprop") return 1;
  if (optimizer == "adam" || optimizer == "adamw") return 2;
  return std::nullopt;
}

}  // namespace memtrack
