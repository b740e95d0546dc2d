#pragma once

// The states of a trial, as they stand in the database and in every answer:
//   queued -> running -> done | failed | oom_killed | timed_out | cancelled | lost      queued -> cancelled

#include <string_view>

namespace memtrack {

enum class TrialState { queued, running, done, failed, oom_killed, timed_out, cancelled, lost };

std::string_view to_string(TrialState state);

// Throws std::invalid_argument on a word that names no state.
TrialState parse_trial_state(std::string_view text);

// True where nothing can happen to the trial any more.
bool is_final(TrialState state);

}  // namespace memtrack
