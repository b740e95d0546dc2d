#pragma once

// How a trial is ended, decided without processes and clocks.
//
//   the command exits            what is left of its tree gets 5 s, SIGTERM, 2 s, SIGKILL until nothing is left
//   timeout, or we are told to   SIGTERM to the command, 5 s, SIGKILL to the whole tree

#include <chrono>
#include <optional>

namespace memtrack {

enum class EndCause { command, timed_out, cancelled };
enum class EndAction { none, terminate_command, terminate_tree, kill_tree };

class EndPlan {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPatience{5};
  static constexpr std::chrono::seconds kLastGrace{2};
  static constexpr std::chrono::milliseconds kKillAgain{50};

  EndPlan(Time start, std::optional<std::chrono::nanoseconds> timeout);

  void cancel(Time now);
  void command_ended(Time now);

  // What is to be done by `now`; each call gives one thing, and once only.
  EndAction take_due(Time now);
  // When there is something to do next. nullopt: nothing is planned.
  std::optional<Time> next() const { return next_time_; }

  // Who ended the command.
  EndCause cause() const { return cause_; }
  bool had_to_kill_command() const { return had_to_kill_command_; }
  // True where killing has not helped for kPatience: processes that the kernel does not let go.
  bool is_hopeless(Time now) const;

 private:
  void plan(EndAction action, Time time);

  EndCause cause_ = EndCause::command;
  EndAction next_action_ = EndAction::none;
  std::optional<Time> next_time_;
  std::optional<Time> first_kill_;
  bool command_ended_ = false;
  bool had_to_kill_command_ = false;
};

}  // namespace memtrack
