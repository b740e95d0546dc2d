#pragma once

// Which hyperparameters move memory, by how much, and how surely: a linear model of what trials used. docs/effects.md
// explains it; in short:
//
//   Trials with the same hyperparameters are repeats of one network. What repeats differ in is noise, block and run
//   order; what networks differ in beyond the terms is the model's own error. Run order is told from the repeats,
//   hyperparameters from the networks' means, each with the spread of its own kind, as in a split-plot design:
//   a network measured ten times is still one network.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/effects/term.h"
#include "tools/statistics.h"

namespace memtrack {

struct Experiment {
  std::vector<double> response;       // MiB, one a trial
  std::vector<std::int64_t> network;  // what repeats share
  std::vector<std::int64_t> block;    // repeat
  std::vector<double> order;          // place in the order in which they ran, from 1
  std::vector<Term> terms;
};

// A number's effect from its smallest to its largest value, or that of one level of a factor against the first.
struct Contrast {
  std::string level = {};             // of a factor
  double slope = 0;                   // MiB a unit
  Interval slope_interval = {};       // 95%
  double over_range = 0;              // MiB
  Interval over_range_interval = {};  // 95%
  double smallest_visible = 0;        // MiB over the range: what this sweep sees in four of five cases
};

struct Effect {
  std::string name;
  std::string unit;
  std::vector<Contrast> contrasts;
  double share = 0;       // of the variation among trials that is explained with it and not without it, 0 to 1
  double p_value = 1;     // by permutation
  double adjusted_p = 1;  // Holm's, over the controls or over all others
  bool is_control = false;
  std::optional<Interval> arithmetic = {};
};

struct Effects {
  std::size_t trials = 0, networks = 0, blocks = 0;
  double mean = 0, smallest = 0, largest = 0;  // MiB
  double explained = 0;                        // share of the variation by all terms, blocks and order together
  double degrees = 0;                          // of freedom behind the hyperparameters' intervals
  bool is_saturated = false;                   // as many networks as coefficients: intervals are of these networks only
  std::vector<Effect> effects;                 // by share, the largest first
  std::vector<std::string> untold;             // sentences: which terms cannot be told from others, or badly, and why
};

// A sentence that says why there is no answer, and what would give one.
class NoEffects : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr std::string_view kRunOrder = "run order";

// Terms that do not vary are left out. The same arguments give the same answer. Throws NoEffects.
Effects estimate_effects(const Experiment& experiment, int permutations, std::uint64_t seed);

}  // namespace memtrack
