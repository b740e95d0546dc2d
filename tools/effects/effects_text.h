#pragma once

// The answer of `memtrack effects`, for people and for programs. Pure functions.

#include <string>
#include <vector>

#include "tools/effects/model.h"
#include "tools/text_table.h"

namespace memtrack {

struct EffectsAnswer {
  std::string sweep;
  std::string metric;   // "anonymous memory"
  std::string meaning;  // of the metric
  std::string phase;    // empty: whole trials
  Effects effects;
  std::vector<std::string> left_out;
};

// What must not be so and is: a control that moves memory, a slope that arithmetic denies. Empty: the controls hold.
std::vector<std::string> violated_controls(const Effects& effects);

// Lines above the table; violated controls come first.
std::vector<std::string> effects_head(const EffectsAnswer& answer);
TextTable effects_table(const Effects& effects);
std::vector<std::string> effects_notes(const EffectsAnswer& answer);

std::string effects_json(const EffectsAnswer& answer);

}  // namespace memtrack
