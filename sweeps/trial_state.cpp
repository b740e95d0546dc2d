#include "sweeps/trial_state.h"

#include <array>
#include <stdexcept>
#include <string>

namespace memtrack {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 8> kNames = {"queued",     "running",   "done",      "failed",
                                                    "oom_killed", "timed_out", "cancelled", "lost"};

}  // namespace

std::string_view to_string(TrialState state) {
  return kNames.at(static_cast<std::size_t>(state));
}

TrialState parse_trial_state(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) {
      return static_cast<TrialState>(i);
    }
  }
  throw std::invalid_argument("'" + std::string(text) + "' is no trial state");
}

bool is_final(TrialState state) {
  return state != TrialState::queued && state != TrialState::running;
}

}  // namespace memtrack
