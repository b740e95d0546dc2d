#include "storage/trial_queue.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "storage/query.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

namespace {

constexpr std::optional<std::int64_t> kAll;
const ExpansionContext kContext{.environment = {}, .trainer = "/x/memtrack-trainer"};

struct Queue {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");

  // `trials` of them, listed; `settings` of the block memtrack.
  std::int64_t submit(int trials, const std::string& settings = "") {
    std::string yaml = "name: test\nmethod: list\ntrials:\n";
    for (int i = 1; i <= trials; ++i) {
      yaml += "  - {epochs: " + std::to_string(i) + "}\n";
    }
    return submit_text(yaml + "memtrack: {" + settings + "}\n");
  }
  std::int64_t submit_text(const std::string& yaml) {
    return insert_sweeps(database, parse_sweep_file(yaml, "f.yaml", {}), kContext, "/work", "{}").at(0).sweep_id;
  }
  Claim claim(std::optional<std::int64_t> sweep_id = kAll) { return claim_next_trial(database, sweep_id); }
  // The next one runs and ends so. Its id.
  std::int64_t run(TrialState state) {
    const Trial trial = claim().trial.value();
    CHECK(end_trial(database, trial.trial_id, state, ""));
    return trial.trial_id;
  }
  // As if so much time had passed.
  void age(std::chrono::seconds time) {
    sql("UPDATE trials SET not_before_ns = not_before_ns - " + std::to_string(std::chrono::nanoseconds(time).count()));
  }
  void sql(const std::string& text);
  std::string value(const std::string& text) {
    const Value found = query(database, text).rows.at(0).at(0);
    const auto* number = std::get_if<std::int64_t>(&found);
    const auto* words = std::get_if<std::string>(&found);
    return number != nullptr ? std::to_string(*number) : words != nullptr ? *words : "NULL";
  }
  std::string states() { return value("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)"); }
  std::string state_of_sweep(std::int64_t sweep_id) {
    return value("SELECT state FROM sweeps WHERE sweep_id = " + std::to_string(sweep_id));
  }
};

void Queue::sql(const std::string& text) {
  const std::string command = "sqlite3 '" + database.path().string() + "' \"" + text + "\"";
  REQUIRE(std::system(command.c_str()) == 0);
}

// Instructions that SQLite's machine carries out for it: whoever looks at all trials needs more where there are more.
template <typename Work>
std::int64_t steps_of(Queue& queue, Work&& work) {
  sqlite3* const handle = queue.database.handle().getHandle();
  std::int64_t steps = 0;
  const auto count = [](void* counted) {
    ++*static_cast<std::int64_t*>(counted);
    return 0;
  };
  sqlite3_progress_handler(handle, 1, count, &steps);
  work();
  sqlite3_progress_handler(handle, 0, nullptr, nullptr);
  return steps;
}

}  // namespace

TEST_CASE("trials are claimed in the order of the queue and each once and the sweep's state follows") {
  Queue queue;
  const std::int64_t sweep_id = queue.submit(3);
  CHECK(queue.state_of_sweep(sweep_id) == "queued");
  for (std::int64_t id = 1; id <= 3; ++id) {
    const Claim claim = queue.claim();
    REQUIRE(claim.trial);
    CHECK(claim.trial->trial_id == id);
    CHECK(claim.trial->state == TrialState::running);
    CHECK(claim.trial->command.front() == "/x/memtrack-trainer");
    CHECK(queue.state_of_sweep(sweep_id) == "running");
    CHECK_FALSE(queue.claim().trial);  // it has one job
    CHECK(end_trial(queue.database, id, TrialState::done, ""));
    CHECK_FALSE(end_trial(queue.database, id, TrialState::lost, "again"));
  }
  CHECK_FALSE(queue.claim().work_left);
  CHECK(queue.state_of_sweep(sweep_id) == "done");
  CHECK(queue.value("SELECT sum(system_shared) FROM trials") == "0");
}

TEST_CASE("a sweep with more jobs has as many trials running and they are marked as sharing the system") {
  Queue queue;
  queue.submit(3, "jobs: 2");
  queue.submit(1);
  CHECK(queue.claim().trial->trial_id == 1);
  CHECK(queue.value("SELECT sum(system_shared) FROM trials") == "0");
  CHECK(queue.claim().trial->trial_id == 2);
  CHECK_FALSE(queue.claim().trial);
  CHECK(queue.value("SELECT group_concat(trial_id) FROM trials WHERE system_shared") == "1,2");
  CHECK(end_trial(queue.database, 1, TrialState::done, ""));
  CHECK(end_trial(queue.database, 2, TrialState::done, ""));
  CHECK(queue.run(TrialState::done) == 3);
  CHECK(queue.run(TrialState::done) == 4);
  CHECK(queue.value("SELECT group_concat(trial_id) FROM trials WHERE system_shared") == "1,2");
}

TEST_CASE("a memtrack run beside a trial of the queue marks both as sharing the system and keeps no job") {
  Queue queue;
  queue.submit(2);
  CHECK(queue.claim().trial->trial_id == 1);
  const Trial run = insert_run(queue.database, "mine", {"true"}, "/tmp", std::chrono::seconds(1));
  CHECK(queue.value("SELECT group_concat(trial_id) FROM trials WHERE system_shared") == "1,3");
  CHECK(end_trial(queue.database, 1, TrialState::done, ""));
  CHECK(queue.claim().trial->trial_id == 2);
  CHECK(requeue_trial(queue.database, 2));
  CHECK(end_trial(queue.database, run.trial_id, TrialState::done, ""));
  CHECK(queue.claim().trial->trial_id == 2);
  CHECK(queue.value("SELECT group_concat(trial_id) FROM trials WHERE system_shared") == "1,3");
}

TEST_CASE("a claim can be kept to one sweep") {
  Queue queue;
  const std::int64_t first = queue.submit(1);
  const std::int64_t second = queue.submit(1);
  const Claim claim = queue.claim(second);
  CHECK(claim.trial->sweep_id == second);
  CHECK(end_trial(queue.database, claim.trial->trial_id, TrialState::done, ""));
  CHECK_FALSE(queue.claim(second).work_left);
  CHECK(queue.claim().trial->sweep_id == first);
}

TEST_CASE("a sweep of higher priority goes first") {
  Queue queue;
  queue.submit(1);
  queue.submit(1, "priority: -1");
  queue.submit(2, "priority: 7");
  CHECK(queue.run(TrialState::done) == 3);
  CHECK(queue.run(TrialState::done) == 4);
  CHECK(queue.run(TrialState::done) == 1);
  CHECK(queue.run(TrialState::done) == 2);
}

TEST_CASE("nothing of a paused sweep begins until it is resumed") {
  Queue queue;
  const std::int64_t first = queue.submit(1);
  queue.submit(1);
  CHECK(pause_sweep(queue.database, first, true));
  CHECK(queue.run(TrialState::done) == 2);
  CHECK_FALSE(queue.claim().trial);
  CHECK_FALSE(queue.claim().work_left);
  CHECK(pause_sweep(queue.database, first, false));
  CHECK(queue.run(TrialState::done) == 1);
  CHECK_FALSE(pause_sweep(queue.database, 99, true));
}

TEST_CASE("a claimed trial goes back to the queue only while its command was never started") {
  Queue queue;
  queue.submit(4);
  const Trial trial = queue.claim().trial.value();
  CHECK(requeue_trial(queue.database, trial.trial_id));
  CHECK_FALSE(requeue_trial(queue.database, trial.trial_id));
  CHECK(queue.claim().trial->trial_id == trial.trial_id);
  TrialRecorder(Database::open_for_writing(queue.database.path()), trial.trial_id)
      .begin({.started_ns = 1, .host = {.name = "h", .boot_id = "b"}});
  CHECK_FALSE(requeue_trial(queue.database, trial.trial_id));
}

TEST_CASE("cancelling takes what is queued and leaves what runs") {
  Queue queue;
  const std::int64_t sweep_id = queue.submit(4);
  const Trial running = queue.claim().trial.value();
  CHECK_FALSE(cancel_queued_trial(queue.database, running.trial_id));
  CHECK(cancel_queued_trial(queue.database, running.trial_id + 1));
  CHECK(cancel_queued_trials(queue.database, sweep_id) == 2);
  CHECK(find_trial(queue.database, running.trial_id).state == TrialState::running);
  CHECK(end_trial(queue.database, running.trial_id, TrialState::done, ""));
  CHECK(queue.state_of_sweep(sweep_id) == "cancelled");
}

TEST_CASE("a trial that failed is queued again at once with its end and waits before it begins") {
  Queue queue;
  const std::int64_t sweep_id =
      queue.submit(1, "retries: 2, timeout: 2h, memory_limit: 2GiB, settle: 1s, baseline: 2s");
  CHECK(queue.run(TrialState::failed) == 1);
  CHECK(queue.state_of_sweep(sweep_id) == "running");
  CHECK(queue.states() == "failed,queued");
  CHECK(query(queue.database,
              "SELECT a.uid <> b.uid, b.retry_of, b.attempt, b.not_before_ns - b.queued_ns BETWEEN 900000000 AND "
              "1000000000 FROM trials a JOIN trials b ON b.trial_id = 2 WHERE a.trial_id = 1")
            .rows.at(0) == std::vector<Value>{std::int64_t{1}, std::int64_t{1}, std::int64_t{2}, std::int64_t{1}});
  // All else is the same.
  const char* same =
      "SELECT count(*) FROM (SELECT DISTINCT sweep_id, number, repeat, warmup, epochs, dataset, learning_rate, "
      "batch_size, hidden_layers, depth, hidden_nodes, parameter_count, parameters, settings, command, cwd, "
      "interval_ns, timeout_ns, memory_limit_bytes, settle_ns, baseline_ns FROM trials)";
  CHECK(queue.value(same) == "1");
  const Claim waiting = queue.claim();
  CHECK_FALSE(waiting.trial);
  CHECK(waiting.work_left);
  CHECK(std::to_string(waiting.due_ns.value()) == queue.value("SELECT not_before_ns FROM trials WHERE trial_id = 2"));
  queue.age(std::chrono::seconds(2));
  CHECK(queue.run(TrialState::lost) == 2);
  queue.age(std::chrono::seconds(3));
  CHECK(queue.run(TrialState::failed) == 3);
  CHECK_FALSE(queue.claim().work_left);
  CHECK(queue.states() == "failed,lost,failed");
  CHECK(queue.state_of_sweep(sweep_id) == "failed");
}

TEST_CASE("a sweep whose last attempts are done is done") {
  Queue queue;
  const std::int64_t sweep_id = queue.submit(1, "retries: 1");
  queue.run(TrialState::failed);
  queue.age(std::chrono::seconds(2));
  queue.run(TrialState::done);
  CHECK(queue.state_of_sweep(sweep_id) == "done");
}

TEST_CASE("what was ended by its limits or by a user is not tried again and nothing is where the sweep allows none") {
  Queue queue;
  queue.submit(3, "retries: 1");
  queue.run(TrialState::timed_out);
  queue.run(TrialState::oom_killed);
  queue.run(TrialState::cancelled);
  queue.submit(1);
  queue.run(TrialState::failed);
  CHECK(queue.states() == "timed_out,oom_killed,cancelled,failed");
}

TEST_CASE("a retry that a clock set back would keep waiting for hours begins at once") {
  Queue queue;
  queue.submit(1, "retries: 1");
  queue.run(TrialState::failed);
  queue.age(-std::chrono::hours(3));
  CHECK(queue.run(TrialState::done) == 2);
}

TEST_CASE("nothing of a cancelled sweep is tried again") {
  Queue queue;
  const std::int64_t sweep_id = queue.submit(2, "retries: 5");
  const Trial running = queue.claim().trial.value();
  CHECK(cancel_queued_trials(queue.database, sweep_id) == 1);
  CHECK(end_trial(queue.database, running.trial_id, TrialState::failed, ""));
  CHECK(queue.states() == "failed,cancelled");
}

TEST_CASE("a retry of a sweep queues what failed and only once") {
  Queue queue;
  const std::int64_t sweep_id = queue.submit(6);
  for (const TrialState state : {TrialState::done, TrialState::failed, TrialState::oom_killed, TrialState::timed_out,
                                 TrialState::lost, TrialState::cancelled}) {
    queue.run(state);
  }
  CHECK(queue.state_of_sweep(sweep_id) == "cancelled");
  CHECK(retry_failed_trials(queue.database, sweep_id) == std::vector<std::int64_t>{7, 8, 9, 10});
  CHECK(retry_failed_trials(queue.database, sweep_id).empty());
  CHECK(queue.state_of_sweep(sweep_id) == "running");
  CHECK(
      queue.value("SELECT group_concat(retry_of || ':' || attempt || ':' || number) FROM trials WHERE trial_id > 6") ==
      "2:2:2,3:2:3,4:2:4,5:2:5");
  CHECK(queue.run(TrialState::done) == 7);
  CHECK(queue.run(TrialState::failed) == 8);
  CHECK(retry_failed_trials(queue.database, sweep_id) == std::vector<std::int64_t>{11});
  CHECK(queue.value("SELECT retry_of || ':' || attempt || ':' || number FROM trials WHERE trial_id = 11") == "8:3:3");
}

TEST_CASE("one trial is retried unless it is done or not over or has been retried") {
  Queue queue;
  queue.submit(4);
  queue.run(TrialState::done);
  queue.run(TrialState::cancelled);
  CHECK(queue.claim().trial->trial_id == 3);
  CHECK(retry_trial(queue.database, 2) == 5);
  const auto refusal = [&](std::int64_t trial_id) {
    try {
      retry_trial(queue.database, trial_id);
    } catch (const RetryRefused& refused) {
      return std::string(refused.what());
    }
    return std::string("accepted");
  };
  CHECK(refusal(1) == "trial 1 is done, and would have to be over without being done, to be retried");
  CHECK(refusal(2) == "trial 2 has been retried already, as trial 5");
  CHECK(refusal(3).find("trial 3 is running, and") == 0);
  CHECK(refusal(4).find("trial 4 is queued, and") == 0);
  const Trial run = insert_run(queue.database, "mine", {"false"}, "/tmp", std::chrono::seconds(1));
  CHECK(end_trial(queue.database, run.trial_id, TrialState::failed, ""));
  CHECK(refusal(run.trial_id).find("is a 'memtrack run', which only its caller can start") != std::string::npos);
  CHECK_THROWS_AS(retry_failed_trials(queue.database, run.sweep_id), RetryRefused);
}

TEST_CASE("an open-ended sweep is drawn ahead until it is cancelled and each trial is what its number says") {
  const std::string yaml = "method: random\nparameters: {epochs: {min: 1, max: 1000000}}\nmemtrack: {order: listed}\n";
  Queue queue;
  const std::int64_t open = queue.submit_text(yaml);
  const std::int64_t capped = queue.submit_text(yaml + "run_cap: 40\n");
  const auto draw = [&] {
    const OpenSweep sweep = find_open_sweep(queue.database, open).value();
    return insert_drawn_trials(queue.database, sweep, parse_sweep_file(sweep.config, "f.yaml", {}).at(0), kContext);
  };
  CHECK(sweeps_to_draw(queue.database, kAll).empty());
  CHECK(draw() == 0);
  for (int i = 0; i < 40; ++i) {
    const Trial trial = queue.claim(open).trial.value();
    CHECK(end_trial(queue.database, trial.trial_id, TrialState::done, ""));
    for (const OpenSweep& sweep : sweeps_to_draw(queue.database, open)) {
      CHECK(sweep.sweep_id == open);
      CHECK(draw() > 0);
    }
    CHECK(queue.state_of_sweep(open) == "running");
  }
  CHECK(queue.value("SELECT count(*) FROM trials a JOIN trials b USING (number, epochs) WHERE a.sweep_id = 1 AND "
                    "b.sweep_id = " +
                    std::to_string(capped)) == "40");
  CHECK(queue.value("SELECT count(*) - max(number) FROM trials WHERE sweep_id = 1") == "0");
  CHECK(cancel_queued_trials(queue.database, open) > 0);
  CHECK(queue.state_of_sweep(open) == "cancelled");
  CHECK(sweeps_to_draw(queue.database, kAll).empty());
  CHECK_FALSE(find_open_sweep(queue.database, open));
}

TEST_CASE("an open-ended sweep is not over while nothing of it is drawn yet") {
  Queue queue;
  const std::int64_t open = queue.submit_text("method: random\nparameters: {epochs: {min: 1, max: 9}}\n");
  while (queue.claim().trial) {
    const Trial trial = running_trials(queue.database).at(0);
    CHECK(end_trial(queue.database, trial.trial_id, TrialState::failed, ""));
  }
  CHECK(queue.state_of_sweep(open) == "running");
  CHECK(queue.claim().work_left);
  CHECK(sweeps_to_draw(queue.database, kAll).size() == 1);
  CHECK(cancel_queued_trials(queue.database, open) == 0);
  CHECK(queue.state_of_sweep(open) == "failed");
  CHECK_FALSE(queue.claim().work_left);
}

TEST_CASE("what is done to one trial takes no longer where many are queued") {
  const auto steps_with = [](int queued) {
    Queue queue;
    queue.submit(queued, "retries: 1");
    queue.run(TrialState::done);  // from then on the sweep runs
    return std::vector<std::int64_t>{steps_of(queue, [&] { queue.claim(); }),
                                     steps_of(queue, [&] { queue.claim(); }),  // nothing may start
                                     steps_of(queue, [&] { end_trial(queue.database, 2, TrialState::timed_out, ""); }),
                                     steps_of(queue, [&] { queue.run(TrialState::lost); }),
                                     steps_of(queue, [&] { cancel_queued_trial(queue.database, 4); })};
  };
  const std::vector<std::int64_t> few = steps_with(10);
  const std::vector<std::int64_t> many = steps_with(2000);
  for (std::size_t i = 0; i < few.size(); ++i) {
    CAPTURE(i);
    CHECK(many[i] == few[i]);
  }
}

TEST_CASE("cancelling many queued trials takes as many times longer as there are more") {
  const auto steps_with = [](int queued) {
    Queue queue;
    const std::int64_t sweep_id = queue.submit(queued);
    return steps_of(queue, [&] { CHECK(cancel_queued_trials(queue.database, sweep_id) == queued); });
  };
  CHECK(steps_with(2000) < 200 * steps_with(10));
}
