#include "sweeps/trainer_parameters.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using memtrack::ConvLayer;
using memtrack::count_parameters;
using memtrack::set_trainer_option;
using memtrack::trainer_parameters;
using memtrack::TrainerOptions;

TEST_CASE("every parameter of the table can be set to its own default, which is the default of the options") {
  const TrainerOptions defaults;
  TrainerOptions options{.dataset = "cifar-10",
                         .learning_rate = 9,
                         .epochs = 9,
                         .batch_size = 9,
                         .conv_layers = {{9, 9}},
                         .hidden_layers = {9},
                         .activation = "gelu",
                         .dropout = 0.9,
                         .optimizer = "sgd",
                         .momentum = 0.1,
                         .weight_decay = 9,
                         .init = "xavier",
                         .standardise = false,
                         .shuffle = false,
                         .eval_batch_size = 9,
                         .max_steps = 9,
                         .seed = 9,
                         .threads = 9};
  for (const auto& parameter : trainer_parameters()) {
    CAPTURE(parameter.name);
    set_trainer_option(options, parameter.name, parameter.default_value);
  }
  CHECK(options.dataset == defaults.dataset);
  CHECK(options.learning_rate == defaults.learning_rate);
  CHECK(options.epochs == defaults.epochs);
  CHECK(options.batch_size == defaults.batch_size);
  CHECK(options.conv_layers == defaults.conv_layers);
  CHECK(options.hidden_layers == defaults.hidden_layers);
  CHECK(options.activation == defaults.activation);
  CHECK(options.dropout == defaults.dropout);
  CHECK(options.optimizer == defaults.optimizer);
  CHECK(options.momentum == defaults.momentum);
  CHECK(options.weight_decay == defaults.weight_decay);
  CHECK(options.init == defaults.init);
  CHECK(options.standardise == defaults.standardise);
  CHECK(options.shuffle == defaults.shuffle);
  CHECK(options.eval_batch_size == defaults.eval_batch_size);
  CHECK(options.max_steps == defaults.max_steps);
  CHECK(options.seed == defaults.seed);
  CHECK(options.threads == defaults.threads);
}

TEST_CASE("true and false are read as YAML and as Python write them") {
  for (const auto& [text, expected] : {std::pair{"true", true}, {"True", true}, {"false", false}, {"False", false}}) {
    CAPTURE(text);
    TrainerOptions options;
    options.shuffle = !expected;
    set_trainer_option(options, "shuffle", text);
    CHECK(options.shuffle == expected);
  }
}

TEST_CASE("hidden layers are read as Python prints a list and as a plain list") {
  for (const char* text : {"[128, 64]", "128,64", "[128,64]", "128, 64", " [ 128 , 64 ] "}) {
    CAPTURE(text);
    TrainerOptions options;
    options.hidden_layers.clear();
    set_trainer_option(options, "hidden_layers", text);
    CHECK(options.hidden_layers == std::vector<std::int64_t>{128, 64});
  }
}

TEST_CASE("convolutions are read as Python prints a list of pairs") {
  for (const char* text : {"[[16, 3], [32, 5]]", "[[16,3],[32,5]]", " [ [ 16 , 3 ] , [32, 5] ] "}) {
    CAPTURE(text);
    TrainerOptions options;
    set_trainer_option(options, "conv_layers", text);
    CHECK(options.conv_layers == std::vector<ConvLayer>{{16, 3}, {32, 5}});
    set_trainer_option(options, "conv_layers", "[ ]");
    CHECK(options.conv_layers.empty());
  }
}

TEST_CASE("a value out of range or of the wrong type is refused with what would be right") {
  struct Case {
    const char* name;
    const char* value;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"epochs", "two", "epochs is 'two', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"epochs", "0", "epochs is '0', and"},
      {"epochs", "2.0", "epochs is '2.0', and"},
      {"epochs", "", "epochs is '', and"},
      {"epochs", " 2", "epochs is ' 2', and"},
      {"epochs", "99999999999999999999", "epochs is '99999999999999999999', and"},
      {"batch_size", "-1", "batch_size is '-1', and"},
      {"batch_size", "True", "batch_size is 'True', and"},
      {"learning_rate", "0", "a number greater than 0 such as 0.001"},
      {"learning_rate", "-0.1", "a number greater than 0"},
      {"learning_rate", "nan", "a number greater than 0"},
      {"learning_rate", "inf", "a number greater than 0"},
      {"learning_rate", "1e999", "a number greater than 0"},
      {"learning_rate", "0.1x", "a number greater than 0"},
      {"hidden_layers", "", "such as [128, 64]"},
      {"hidden_layers", "[]", "such as [128, 64]"},
      {"hidden_layers", "[", "such as [128, 64]"},
      {"hidden_layers", "[128, 64", "such as [128, 64]"},
      {"hidden_layers", "128,,64", "such as [128, 64]"},
      {"hidden_layers", "128,0", "such as [128, 64]"},
      {"hidden_layers", "128,-4", "such as [128, 64]"},
      {"hidden_layers", "1000001", "widths from 1 to 1000000"},
      {"hidden_layers", "[[1]]", "such as [128, 64]"},
      {"hidden_layers", "1000000000", "widths from 1 to 1000000"},
      {"learning_rate", "1e31", "at most 1e30"},
      {"conv_layers", "", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[16, 3]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16]]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16, 3, 1]]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16, 3],]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16, 3] [32, 3]]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16, 3]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[[16, 3]]]", "such as [[16, 3], [32, 3]]"},
      {"conv_layers", "[[16, 4]]", "an odd kernel (1 to 31)"},
      {"conv_layers", "[[0, 3]]", "channels (1 to 4096)"},
      {"conv_layers", "[[16, 33]]", "an odd kernel (1 to 31)"},
      {"conv_layers", "[[1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]", "at most 4 pairs"},
      {"activation", "Relu", "one of relu, tanh, sigmoid, gelu; did you mean 'relu'?"},
      {"dropout", "1.5", "dropout is '1.5', and would have to be a number from 0 to below 1 such as 0.5"},
      {"dropout", "1", "a number from 0 to below 1"},
      {"dropout", "-0.1", "a number from 0 to below 1"},
      {"dropout", "nan", "a number from 0 to below 1"},
      {"momentum", "1", "a number from 0 to below 1"},
      {"weight_decay", "-0.01", "weight_decay is '-0.01', and would have to be a number from 0 to 1e30 such as 0.01"},
      {"weight_decay", "1e31", "a number from 0 to 1e30"},
      {"weight_decay", "inf", "a number from 0 to 1e30"},
      {"init", "he", "one of libtorch, kaiming, xavier"},
      {"shuffle", "1", "shuffle is '1', and would have to be true or false"},
      {"standardise", "", "true or false"},
      {"optimizer", "adamv", "one of sgd, momentum, adam, adamw, rmsprop; did you mean 'adam"},
      {"dataset", "MNIST", "generated-cifar-10; did you mean 'mnist'?"},
      {"dataset", "cifar10", "did you mean 'cifar-10'?"},
      {"seed", "-1", "seed is '-1'"},
      {"threads", "-1", "a whole number from 0 to 1024"},
      {"eval_batch_size", "-1", "a whole number from 0"},
  };
  for (const Case& bad : cases) {
    CAPTURE(bad.name);
    CAPTURE(bad.value);
    TrainerOptions options;
    CHECK_THROWS_WITH_AS(set_trainer_option(options, bad.name, bad.value), doctest::Contains(bad.message),
                         std::invalid_argument);
  }
}

TEST_CASE("an unknown parameter is answered with the nearest one, by spelling or by meaning") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"epoch", "did you mean 'epochs'?"},
      {"lr", "did you mean 'learning_rate'?"},
      {"batch-size", "did you mean 'batch_size'?"},
      {"num_epochs", "did you mean 'epochs'?"},
      {"hidden_layer", "did you mean 'hidden_layers'?"},
      {"drop_out", "did you mean 'dropout'?"},
      {"wd", "did you mean 'weight_decay'?"},
      {"standardize", "did you mean 'standardise'?"},
      {"nesterov", "it has dataset, learning_rate, epochs"},
  };
  for (const auto& [name, message] : cases) {
    TrainerOptions options;
    CHECK_THROWS_WITH_AS(set_trainer_option(options, name, "1"), doctest::Contains(message.c_str()),
                         std::invalid_argument);
  }
}

TEST_CASE("weights and biases are counted for the inputs of each dataset and its ten classes") {
  const auto count = [](std::string dataset, std::vector<std::int64_t> hidden_layers,
                        std::vector<ConvLayer> conv_layers = {}) {
    return count_parameters({.dataset = std::move(dataset),
                             .conv_layers = std::move(conv_layers),
                             .hidden_layers = std::move(hidden_layers)});
  };
  CHECK(count("mnist", {128, 64}) == 785 * 128 + 129 * 64 + 65 * 10);
  CHECK(count("generated-mnist", {128, 64}) == count("mnist", {128, 64}));
  CHECK(count("cifar-10", {512, 256}) == 3073 * 512 + 513 * 256 + 257 * 10);
  CHECK(count("generated-cifar-10", {1}) == 3073 + 20);
  CHECK(count("mnist", std::vector<std::int64_t>(1000, 1'000'000)) > 0);
  CHECK(count("mnist", {64}, {{16, 5}}) == (1 * 25 + 1) * 16 + (16 * 14 * 14 + 1) * 64 + 65 * 10);
  CHECK(count("cifar-10", {64}, {{16, 3}, {32, 3}}) ==
        (3 * 9 + 1) * 16 + (16 * 9 + 1) * 32 + (32 * 8 * 8 + 1) * 64 + 65 * 10);
}
