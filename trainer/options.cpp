#include "trainer/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace memtrack {
namespace {

constexpr std::string_view kIntroduction =
    R"(memtrack-trainer trains one network, fully connected or with convolutions before, on one dataset and reports its accuracy.

  memtrack-trainer --dataset=mnist --learning_rate=0.001 --epochs=2 --batch_size=64 --hidden_layers=128,64

Options, as --name=value or --name value:
)";

constexpr std::string_view kAfterword = R"(  --help, --version
      show this text; show the version

Datasets are read from $MEMTRACK_DATA_DIR, else from ~/.local/share/memtrack/datasets; `memtrack datasets list` shows
what is there. generated-mnist and generated-cifar-10 need no files: try one of them first.

While it trains, one line an epoch goes to stderr; at the end one JSON object with all figures and the settings in
force goes to stdout. Where MEMTRACK_EVENTS names a socket, phases and epochs are reported there too.
What the tensors hold is counted, by phase and kind; MEMTRACK_TENSOR_ACCOUNTING=off leaves that out.
A loss that becomes infinite or not a number is reported as such ("loss_state"), and training goes on to its end.

Exit codes: 0 trained to the end; 1 failed; 2 wrong usage, or a dataset that is missing or damaged; 12 memory ran out;
143 ended by SIGTERM, 130 by SIGINT, both after the step in hand and with the figures so far.
)";

std::string flag_of(const TrainerParameter& parameter) {
  return fmt::format("--{}={}", parameter.name, parameter.value_name);
}

}  // namespace

TrainerArguments parse_trainer_arguments(std::span<const std::string> arguments) {
  TrainerArguments parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      parsed.wants_help = true;
      continue;
    }
    if (argument == "--version") {
      parsed.wants_version = true;
      continue;
    }
    if (!argument.starts_with("--")) {
      throw std::invalid_argument(fmt::format(
          "'{}' is not an option: options are written --name=value, as in --hidden_layers=128,64", argument));
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    if (equals != std::string_view::npos) {
      set_trainer_option(parsed.options, name, argument.substr(equals + 1));
    } else if (i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) {
      set_trainer_option(parsed.options, name, arguments[++i]);
    } else if (std::ranges::find(trainer_parameters(), name, &TrainerParameter::name) != trainer_parameters().end()) {
      throw std::invalid_argument(fmt::format("--{} needs a value, as in --{}=VALUE", name, name));
    } else {
      set_trainer_option(parsed.options, name, "");  // an unknown name: throws, with the nearest known one
    }
  }
  return parsed;
}

std::string trainer_help() {
  std::string text(kIntroduction);
  for (const TrainerParameter& parameter : trainer_parameters()) {
    text += fmt::format("  {} (default: {})\n      {}\n", flag_of(parameter), parameter.default_value, parameter.help);
  }
  return text.append(kAfterword);
}

}  // namespace memtrack
