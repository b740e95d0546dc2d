// The queue in a process that is no daemon, as `memtrack sweep --local` runs it.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/submission.h"
#include "daemon/supervisor.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::sweep_of_commands;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;

namespace {

void submit_commands(const Workplace& place, const std::vector<std::string>& commands) {
  submit(place.database(), {.config = sweep_of_commands(commands),
                            .file = "test.yaml",
                            .cwd = place.path().string(),
                            .environment = {{"PATH", "/usr/bin:/bin"}},
                            .overrides = {}});
}

const char* kStates = "SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)";

}  // namespace

TEST_CASE("the queue of one sweep runs to its end, and leaves other sweeps queued") {
  Workplace place;
  submit_commands(place, {"true"});
  submit_commands(place, {"true", "false"});
  std::vector<std::string> news;
  SupervisorOptions options;
  options.only_sweep = 2;
  options.on_news = [&](const TrialNews& one) {
    news.push_back(std::to_string(one.trial.trial_id) +
                   (one.step == TrialStep::started ? " started" : " " + std::string(to_string(one.state))));
  };
  CHECK(run_queue(place.database(), options) == 0);
  CHECK(place.sql(kStates) == "queued,done,failed");
  CHECK(news == std::vector<std::string>{"2 started", "2 done", "3 started", "3 failed"});
}

TEST_CASE("an empty queue ends at once") {
  Workplace place;
  CHECK(run_queue(place.database(), {}) == 0);
}

TEST_CASE("an interrupted queue cancels its sweep, waits for it, and tells the signal") {
  Workplace place;
  submit_commands(place, {"sleep 1000", "touch never"});
  submit_commands(place, {"true"});
  SupervisorOptions options;
  options.only_sweep = 1;
  options.on_news = [](const TrialNews& news) {
    if (news.step == TrialStep::started) {
      kill(getpid(), SIGINT);
    }
  };
  CHECK(run_queue(place.database(), options) == SIGINT);
  CHECK(place.sql(kStates) == "cancelled,cancelled,queued");
  CHECK_FALSE(std::filesystem::exists(place / "never"));
}

TEST_CASE("a queue that is interrupted while another program holds the database is cancelled when it is let go") {
  Workplace place;
  submit_commands(place, {"exec sleep 1000", "touch never"});
  Database other = Database::open_for_writing(place.database());
  SupervisorOptions options;
  options.only_sweep = 1;
  options.on_news = [&](const TrialNews& news) {
    if (news.step == TrialStep::started) {
      other.handle().exec("BEGIN IMMEDIATE");
      kill(getpid(), SIGINT);
    }
  };
  // First the next claim is in trouble, then the cancelling.
  int troubles = 0;
  options.on_trouble = [&](const std::string&) {
    if (++troubles == 2) {
      other.handle().exec("ROLLBACK");
    }
  };
  CHECK(run_queue(place.database(), options) == SIGINT);
  CHECK(place.sql(kStates) == "cancelled,cancelled");
  CHECK_FALSE(std::filesystem::exists(place / "never"));
}

TEST_CASE("a second signal leaves the queue at once also while another program holds the database") {
  Workplace place;
  submit_commands(place, {"touch begun; exec sleep 1000", "true"});
  Database other = Database::open_for_writing(place.database());
  SupervisorOptions options;
  options.on_news = [&](const TrialNews& news) {
    if (news.step == TrialStep::started) {
      REQUIRE(wait_until([&] { return std::filesystem::exists(place / "begun"); }));
      other.handle().exec("BEGIN IMMEDIATE");
      kill(getpid(), SIGTERM);
      kill(getpid(), SIGTERM);
    }
  };
  CHECK(run_queue(place.database(), options) == SIGTERM);
  other.handle().exec("ROLLBACK");
  CHECK(place.sql(kStates) == "running,queued");  // and goes on under its collector
  CHECK(place.processes_of_trial(1) == 1);
}

TEST_CASE("a queue is refused where a daemon runs it already") {
  Workplace place;
  Daemon daemon(place);
  CHECK_THROWS_WITH_AS(run_queue(place.database(), {}), doctest::Contains("are run already, by process"),
                       std::runtime_error);
}
