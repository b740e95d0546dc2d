#include "collector/end_plan.h"

#include <algorithm>

namespace memtrack {

EndPlan::EndPlan(Time start, std::optional<std::chrono::nanoseconds> timeout) {
  if (timeout && *timeout < Time::max() - start) {
    plan(EndAction::terminate_command, start + *timeout);
  }
}

void EndPlan::plan(EndAction action, Time time) {
  next_action_ = action;
  next_time_ = time;
}

void EndPlan::cancel(Time now) {
  if (command_ended_) {
    if (next_action_ == EndAction::terminate_tree) {
      next_time_ = std::min(*next_time_, now);
    }
  } else if (cause_ == EndCause::command) {
    cause_ = EndCause::cancelled;
    plan(EndAction::terminate_command, now);
  }
}

void EndPlan::command_ended(Time now) {
  command_ended_ = true;
  if (first_kill_) {
    return;  // what is left is being killed already
  }
  // Told to end, a shell leaves its children behind: they are told at once.
  plan(EndAction::terminate_tree, cause_ == EndCause::command ? now + kPatience : now);
}

EndAction EndPlan::take_due(Time now) {
  if (!next_time_ || now < *next_time_) {
    return EndAction::none;
  }
  const EndAction action = next_action_;
  switch (action) {
    case EndAction::terminate_command:
      if (cause_ == EndCause::command) {
        cause_ = EndCause::timed_out;
      }
      plan(EndAction::kill_tree, now + kPatience);
      break;
    case EndAction::terminate_tree:
      plan(EndAction::kill_tree, now + kLastGrace);
      break;
    case EndAction::kill_tree:
      had_to_kill_command_ = had_to_kill_command_ || !command_ended_;
      first_kill_ = first_kill_.value_or(now);
      plan(EndAction::kill_tree, now + kKillAgain);  // a process may have forked meanwhile
      break;
    case EndAction::none:
      break;
  }
  return action;
}

bool EndPlan::is_hopeless(Time now) const {
  return command_ended_ && first_kill_ && now > *first_kill_ + kPatience;
}

}  // namespace memtrack
