#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/statistics.h"

namespace memtrack {

// A hyperparameter, a number or a word for each trial, the same in all trials of a network.
struct Term {
  std::string name;                         // "parameters"
  std::string unit;                         // what a slope is per: "million"; of a factor: empty
  std::vector<double> numbers = {};         // one a trial, or
  std::vector<std::string> levels = {};     // one a trial: a factor
  bool is_control = false;                  // expected to do nothing
  std::optional<Interval> arithmetic = {};  // the slope that arithmetic expects, MiB a unit
};

}  // namespace memtrack
