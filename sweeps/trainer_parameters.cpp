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

// "[128, 64]" or "128,64"
std::vector<std::int64_t> widths(std::string_view name, std::string_view value) {
  const std::string right = "widths from 1 to " + std::to_string(kLargestWidth) + ", at least one, such as [128, 64]";
  std::string_view rest = trimmed(value);
  if (rest.starts_with('[') != rest.ends_with(']') || rest == "[" || rest == "]") {
    refuse(name, value, right);
  }
  if (rest.starts_with('[')) {
    rest = rest.substr(1, rest.size() - 2);
  }
  std::vector<std::int64_t> result;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    std::int64_t width = 0;
    if (!parse_whole(trimmed(rest.substr(0, comma)), width) || width < 1 || width > kLargestWidth) {
      refuse(name, value, right);
    }
    result.push_back(width);
    more = comma != std::string_view::npos;
    rest = more ? rest.substr(comma + 1) : std::string_view();
  }
  if (result.size() > kMostLayers) {
    refuse(name, value, "at most " + std::to_string(kMostLayers) + " widths");
  }
  return result;
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
    {"seed", "N", "0",
     "of the weights, of dropout and of the order of the images; 0, so that a run can be repeated to the bit",
     [](Options& options, Text name, Text value) { options.seed = whole_number(name, value, 0, kLargestSeed, "0"); }},
    {"threads", "N", "1", "LibTorch threads; one is the best or near it for networks of this size",
     [](Options& options, Text name, Text value) { options.threads = whole_number(name, value, 1, 1024, "1"); }},
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

std::int64_t count_parameters(std::string_view dataset, const std::vector<std::int64_t>& hidden_layers) {
  const bool colour = dataset == "cifar-10" || dataset == "generated-cifar-10";
  std::int64_t inputs = colour ? std::int64_t{3} * 32 * 32 : std::int64_t{28} * 28;
  std::int64_t count = 0;
  for (const std::int64_t width : hidden_layers) {
    count += (inputs + 1) * width;
    inputs = width;
  }
  return count + (inputs + 1) * kClasses;
}

}  // namespace memtrack
