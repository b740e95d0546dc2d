#include "sweeps/trainer_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

constexpr std::array<std::string_view, 5> kDatasets = {"mnist", "fashion-mnist", "cifar-10", "generated-mnist",
                                                       "generated-cifar-10"};
constexpr std::array<std::string_view, 3> kOptimizers = {"sgd", "momentum", "adam"};

// What other programs call the parameters of the trainer.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kOtherNames = {{
    {"lr", "learning_rate"},
    {"data", "dataset"},
    {"bs", "batch_size"},
    {"batch", "batch_size"},
    {"num_epochs", "epochs"},
    {"n_epochs", "epochs"},
    {"layers", "hidden_layers"},
    {"hidden_sizes", "hidden_layers"},
    {"opt", "optimizer"},
    {"random_seed", "seed"},
    {"num_threads", "threads"},
}};

constexpr std::int64_t kLargestCount = 1'000'000'000;
constexpr std::int64_t kLargestSeed = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLargestWidth = 1'000'000;
constexpr std::size_t kMostLayers = 1000;
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

double positive_number(std::string_view name, std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number) || number <= 0) {
    refuse(name, value, "a number greater than 0 such as 0.001");
  }
  return number;
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
    {"dataset", "NAME", "mnist", "mnist, fashion-mnist, cifar-10, generated-mnist or generated-cifar-10",
     [](Options& options, Text name, Text value) { options.dataset = one_of(name, value, kDatasets); }},
    {"learning_rate", "NUMBER", "0.001", "step size; 0.001 is adam's usual one, and suits these networks",
     [](Options& options, Text name, Text value) { options.learning_rate = positive_number(name, value); }},
    {"epochs", "N", "1", "passes over the training images; one is enough to see a network's memory",
     [](Options& options, Text name, Text value) { options.epochs = count(name, value, 1, "2"); }},
    {"batch_size", "N", "64", "images a step; 64 is fast on one core and small beside the network",
     [](Options& options, Text name, Text value) { options.batch_size = count(name, value, 1, "64"); }},
    {"hidden_layers", "WIDTHS", "128,64", "widths from input to output; 128,64 reaches 97.5% on mnist",
     [](Options& options, Text name, Text value) { options.hidden_layers = widths(name, value); }},
    {"optimizer", "NAME", "adam", "sgd, momentum or adam; adam, since deep networks stay at chance with plain sgd",
     [](Options& options, Text name, Text value) { options.optimizer = one_of(name, value, kOptimizers); }},
    {"seed", "N", "0", "of the weights and of the order of the images",
     [](Options& options, Text name, Text value) { options.seed = whole_number(name, value, 0, kLargestSeed, "0"); }},
    {"threads", "N", "1", "LibTorch threads; one is the best or near it for networks of this size",
     [](Options& options, Text name, Text value) { options.threads = whole_number(name, value, 1, 1024, "1"); }},
    {"eval_batch_size", "N", "0", "images a step of the evaluation; 0: batch_size, so that evaluation lifts no peak",
     [](Options& options, Text name, Text value) { options.eval_batch_size = count(name, value, 0, "64"); }},
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
