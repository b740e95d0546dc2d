#pragma once

// The command line of memtrack-trainer: --name=value or --name value for each hyperparameter of
// sweeps/trainer_parameters.h, and --help, --version.

#include <span>
#include <string>

#include "sweeps/trainer_parameters.h"

namespace memtrack {

struct TrainerArguments {
  TrainerOptions options;
  bool wants_help = false;
  bool wants_version = false;
};

// `arguments`: without the program's name. Throws std::invalid_argument with a sentence that says what is wrong and
// what would be right. Where an option is given twice, the later one counts.
TrainerArguments parse_trainer_arguments(std::span<const std::string> arguments);

// What --help prints.
std::string trainer_help();

}  // namespace memtrack
