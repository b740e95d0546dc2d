#include "collector/end_plan.h"

#include <doctest/doctest.h>

using namespace memtrack;
using namespace std::chrono_literals;

namespace {

const EndPlan::Time kStart{1000h};

}  // namespace

TEST_CASE("without a timeout nothing is planned until the command ends") {
  EndPlan plan(kStart, std::nullopt);
  CHECK_FALSE(plan.next());
  CHECK(plan.take_due(kStart + 1000h) == EndAction::none);
  plan.command_ended(kStart + 1h);
  CHECK(plan.next() == kStart + 1h + 5s);
}

TEST_CASE("what outlives the command gets 5 s, SIGTERM, 2 s, SIGKILL until nothing is left") {
  EndPlan plan(kStart, std::nullopt);
  plan.command_ended(kStart);
  CHECK(plan.take_due(kStart + 4999ms) == EndAction::none);
  CHECK(plan.take_due(kStart + 5s) == EndAction::terminate_tree);
  CHECK(plan.take_due(kStart + 6999ms) == EndAction::none);
  CHECK(plan.take_due(kStart + 7s) == EndAction::kill_tree);
  CHECK(plan.take_due(kStart + 7s) == EndAction::none);
  CHECK(plan.take_due(kStart + 7s + EndPlan::kKillAgain) == EndAction::kill_tree);
  CHECK(plan.cause() == EndCause::command);
  CHECK_FALSE(plan.had_to_kill_command());
  CHECK_FALSE(plan.is_hopeless(kStart + 8s));
  CHECK(plan.is_hopeless(kStart + 13s));
}

TEST_CASE("a timeout ends the command with SIGTERM and after 5 s the whole tree with SIGKILL") {
  EndPlan plan(kStart, 10s);
  CHECK(plan.take_due(kStart + 9s) == EndAction::none);
  CHECK(plan.take_due(kStart + 10s) == EndAction::terminate_command);
  CHECK(plan.cause() == EndCause::timed_out);
  CHECK(plan.take_due(kStart + 14s) == EndAction::none);
  CHECK(plan.take_due(kStart + 15s) == EndAction::kill_tree);
  CHECK(plan.had_to_kill_command());
  CHECK_FALSE(plan.is_hopeless(kStart + 100s));  // without the command's end there is no outcome
  plan.command_ended(kStart + 16s);
  CHECK(plan.take_due(kStart + 16s) == EndAction::kill_tree);
}

TEST_CASE("a command that ends in its timeout's last moment has ended by itself") {
  EndPlan plan(kStart, 10s);
  plan.command_ended(kStart + 10s);
  CHECK(plan.take_due(kStart + 10s) == EndAction::none);
  CHECK(plan.cause() == EndCause::command);
}

TEST_CASE("told to end, a command that leaves its children behind has them told at once") {
  EndPlan plan(kStart, std::nullopt);
  plan.cancel(kStart + 1s);
  CHECK(plan.take_due(kStart + 1s) == EndAction::terminate_command);
  plan.command_ended(kStart + 1500ms);
  CHECK(plan.take_due(kStart + 1500ms) == EndAction::terminate_tree);
  CHECK(plan.take_due(kStart + 3500ms) == EndAction::kill_tree);
  CHECK(plan.cause() == EndCause::cancelled);
  CHECK_FALSE(plan.had_to_kill_command());
}

TEST_CASE("the first cause holds, and telling twice does not give more time") {
  EndPlan plan(kStart, 10s);
  plan.cancel(kStart + 9s);
  CHECK(plan.take_due(kStart + 9s) == EndAction::terminate_command);
  plan.cancel(kStart + 12s);
  CHECK(plan.take_due(kStart + 14s) == EndAction::kill_tree);
  CHECK(plan.cause() == EndCause::cancelled);
}

TEST_CASE("told to end when the command has ended already, what is left gets no more patience") {
  EndPlan plan(kStart, std::nullopt);
  plan.command_ended(kStart);
  plan.cancel(kStart + 1s);
  CHECK(plan.take_due(kStart + 1s) == EndAction::terminate_tree);
  plan.cancel(kStart + 1500ms);
  CHECK(plan.take_due(kStart + 1500ms) == EndAction::none);
  CHECK(plan.cause() == EndCause::command);
}

TEST_CASE("a timeout beyond all time is none") {
  EndPlan plan(kStart, std::chrono::nanoseconds::max());
  CHECK(plan.take_due(kStart + 1000h) == EndAction::none);
}
