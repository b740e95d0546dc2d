#include "trainer/options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "datasets/catalog.h"
#include "tests/text.h"

namespace memtrack {
namespace {

using testing::contains;

std::string error_of(const std::vector<std::string>& arguments) {
  try {
    parse_trainer_arguments(arguments);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("without arguments the defaults of the table are in force") {
  const TrainerOptions options = parse_trainer_arguments({}).options;
  CHECK(options.dataset == "mnist");
  CHECK(options.optimizer == "adam");
  CHECK(options.learning_rate == 0.001);
  CHECK(options.batch_size == 64);
  CHECK(options.hidden_layers == std::vector<std::int64_t>{128, 64});
}

TEST_CASE("options are read as --name=value and as --name value, and the last one counts") {
  const std::vector<std::string> arguments = {
      "--dataset=cifar-10",      "--learning_rate", "3e-4", "--epochs=2", "--epochs", "7",
      "--hidden_layers=[12, 6]", "--seed",          "9"};
  const TrainerOptions options = parse_trainer_arguments(arguments).options;
  CHECK(options.dataset == "cifar-10");
  CHECK(options.learning_rate == 3e-4);
  CHECK(options.epochs == 7);
  CHECK(options.hidden_layers == std::vector<std::int64_t>{12, 6});
  CHECK(options.seed == 9);
}

TEST_CASE("wrong arguments are answered with what would be right") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Case> cases = {
      {{"--learing_rate=1"}, "learning_rate"},
      {{"--learing_rate"}, "learning_rate"},
      {{"--epochs"}, "--epochs needs a value"},
      {{"--epochs", "--seed=1"}, "--epochs needs a value"},
      {{"--epochs=0"}, "epochs"},
      {{"epochs=1"}, "--name=value"},
      {{"-e", "1"}, "--name=value"},
      {{"--hidden_layers=[128,", "64]"}, "hidden_layers"},
      {{"--dataset=mnits"}, "mnist"},
  };
  for (const Case& wrong : cases) {
    CAPTURE(wrong.arguments.front());
    CHECK(contains(error_of(wrong.arguments), wrong.says));
  }
}

TEST_CASE("help shows every option with its default and can be asked for anywhere") {
  CHECK(parse_trainer_arguments(std::vector<std::string>{"--epochs=1", "--help"}).wants_help);
  CHECK(parse_trainer_arguments(std::vector<std::string>{"--version"}).wants_version);
  const std::string help = trainer_help();
  for (const TrainerParameter& parameter : trainer_parameters()) {
    CAPTURE(std::string(parameter.name));
    CHECK(contains(help, std::string("--").append(parameter.name).append("=")));
    CHECK(contains(help, std::string("default: ").append(parameter.default_value)));
  }
}

TEST_CASE("the datasets of the sweep files are those of the catalogue") {
  const auto names = dataset_names();
  const auto catalog = dataset_catalog();
  REQUIRE(names.size() == catalog.size());
  for (const std::string_view name : names) {
    const DatasetDescription& description = describe_dataset(name);
    // What count_parameters assumes of its inputs: one layer of one unit has inputs + 1 parameters, the next 2 a class.
    CHECK(count_parameters({.dataset = std::string(name), .hidden_layers = {1}}) ==
          description.shape.image_bytes() + 1 + 2 * 10);
  }
}

}  // namespace memtrack
