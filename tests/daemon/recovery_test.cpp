#include "daemon/recovery.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

#include "daemon/database_guard.h"
#include "daemon/processes.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "storage/trial_queue.h"
#include "storage/trial_recorder.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::sweep_of_commands;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;
using namespace std::chrono_literals;

namespace {

// A claimed trial of a sweep of one.
Trial claimed_trial(Database& database) {
  insert_sweeps(database, parse_sweep_file(sweep_of_commands({"true"}), "test.yaml", {}), {}, "/", "{}");
  return claim_next_trial(database, std::nullopt).trial.value();
}

void mark_started(const Workplace& place, const Trial& trial, pid_t collector) {
  TrialRecorder(Database::open_for_writing(place.database()), trial.trial_id)
      .begin({.started_ns = now_ns(), .host = {}, .collector_pid = collector});
}

std::string state_of(const Workplace& place, const Trial& trial) {
  return place.sql(fmt::format("SELECT state FROM trials WHERE trial_id = {}", trial.trial_id));
}

// A process that belongs to the trial by its environment alone: another session, its parent gone.
void leave_behind(const Workplace& place, const std::string& uid) {
  const std::string command =
      fmt::format("cd {}; MEMTRACK_TRIAL={} setsid -f sh -c ': > left; exec sleep 1000'", place.path().string(), uid);
  REQUIRE(std::system(command.c_str()) == 0);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "left"); }));
}

}  // namespace

TEST_CASE("what is to be done with a running trial follows from what is seen of it") {
  struct Row {
    Evidence evidence;
    Verdict verdict;
  };
  const Row rows[] = {
      {{.collector_lives = true, .lock_held = true}, Verdict::adopt},
      {{.collector_lives = true, .lock_held = true, .started = true}, Verdict::adopt},
      // under another runtime directory, whose lock we do not see
      {{.collector_lives = true, .lock_held = false, .started = true}, Verdict::adopt},
      {{.lock_held = true}, Verdict::wait},
      {{.lock_held = true, .started = true}, Verdict::wait},
      {{.started = false}, Verdict::put_back},
      {{.started = true}, Verdict::lost},
      {{.started = true, .foreground = true}, Verdict::lost},
      {{.foreground = true, .age = 59s}, Verdict::wait},
      {{.foreground = true, .age = 61s}, Verdict::lost},
      {{.foreground = true, .age = -1s}, Verdict::wait},
      {{.foreground = true, .age = -24h}, Verdict::lost},  // the clock was set back
  };
  for (const Row& row : rows) {
    CHECK(judge(row.evidence) == row.verdict);
  }
}

TEST_CASE("what cannot be started is tried again ever more rarely and once a minute at last") {
  CHECK(pause_after_failed_starts(1) == 200ms);
  CHECK(pause_after_failed_starts(2) == 400ms);
  CHECK(pause_after_failed_starts(9) == 51200ms);
  CHECK(pause_after_failed_starts(10) == 60s);
  CHECK(pause_after_failed_starts(1000) == 60s);
}

TEST_CASE("an entry of an environment is found whole, or not at all") {
  using namespace std::string_view_literals;
  CHECK(has_entry("A=1\0B=2\0"sv, "B=2"));
  CHECK(has_entry("A=1\0B=2"sv, "B=2"));
  CHECK(has_entry("B=2"sv, "B=2"));
  for (const std::string_view block : {""sv, "\0"sv, "B=22\0"sv, "AB=2\0"sv, "B=\0002\0"sv, "b=2\0"sv}) {
    CHECK_FALSE(has_entry(block, "B=2"));
  }
}

TEST_CASE("the size of an environment tells whether what was read is all of it") {
  const std::string head =
      "12 (a) b) S 1 12 12 0 -1 4194560 101 0 0 0 0 0 0 0 20 0 1 0 100 2719744 389 18446744073709551615 94 95 140 0 0 "
      "0 0 0 0 0 0 0 17 1 0 0 0 0 0 96 97 98 141 142";
  CHECK(environment_size(head + " 140722546322062 140722546323435 0\n") == 1373);
  CHECK(environment_size(head + " 143 143 0\n") == 0);
  CHECK_FALSE(environment_size(head + " 0 0 0\n"));
  CHECK_FALSE(environment_size(""));
  CHECK_FALSE(environment_size("12 (a) S 1"));
}

TEST_CASE("an empty environment is waited for only where the process may be within an exec") {
  const auto stat = [](const std::string& state, const std::string& flags, const std::string& environment) {
    return "12 (a) b) " + state + " 1 12 12 0 -1 " + flags +
           " 101 0 0 0 0 0 0 0 20 0 1 0 100 2719744 389 18446744073709551615 94 95 140 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 "
           "0 96 "
           "97 98 141 142 " +
           environment + " 0\n";
  };
  CHECK(may_be_within_exec(stat("R", "4194560", "0 0")));       // no memory of its own yet
  CHECK(may_be_within_exec(stat("S", "4194560", "143 1000")));  // another one than was read
  CHECK(may_be_within_exec(stat("R", "4194560", "143 143")));   // about to be filled
  CHECK(may_be_within_exec(stat("D", "4194560", "143 143")));
  CHECK_FALSE(may_be_within_exec(stat("S", "4194560", "143 143")));  // started with none, as by env -i
  CHECK_FALSE(may_be_within_exec(stat("I", "69238880", "0 0")));     // a kernel thread
  CHECK_FALSE(may_be_within_exec(stat("Z", "4194560", "0 0")));
  CHECK_FALSE(may_be_within_exec(""));
}

TEST_CASE("a claimed trial whose collector never came is put back, and runs when it is claimed again") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  const RecoverySummary summary = recover(database);
  CHECK(summary.put_back == 1);
  CHECK(state_of(place, trial) == "queued");
  CHECK(claim_next_trial(database, std::nullopt).trial->trial_id == trial.trial_id);
}

TEST_CASE("a started trial without a collector is lost, and what is left of its tree is killed") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  mark_started(place, trial, 0);
  leave_behind(place, trial.uid);
  CHECK(recover(database).lost == 1);
  CHECK(state_of(place, trial) == "lost");
  CHECK(place.processes_of_trial(trial.trial_id) == 0);
  CHECK(place.sql("SELECT reason FROM trials") ==
        "its collector ended without recording the outcome; 1 process of it was killed");
  CHECK_FALSE(std::filesystem::exists(trial_lock_path(trial.uid)));
}

TEST_CASE("a process is found also where it is looked for in the middle of an exec, when it shows no environment") {
  Workplace place;
  for (int i = 0; i < 20; ++i) {
    const std::string uid = make_uid();
    // Execs again and again, so that it is within one much of the time; not for ever, lest it outlive a failed test.
    const std::string loop = "n=$1; [ $n -gt 0 ] && exec sh -c \"$0\" \"$0\" $((n - 1)); exec sleep 60";
    std::ofstream(place / "loop.sh") << ": > left\nloop='" << loop << "'\nexec sh -c \"$loop\" \"$loop\" 3000\n";
    const std::string command =
        fmt::format("cd {}; MEMTRACK_TRIAL={} setsid -f sh loop.sh", place.path().string(), uid);
    REQUIRE(std::system(command.c_str()) == 0);
    REQUIRE(wait_until([&] { return std::filesystem::exists(place / "left"); }));
    std::filesystem::remove(place / "left");
    TreeEnd end(uid);
    REQUIRE(wait_until([&] { return end.look({}); }));
    CHECK(end.killed() == 1);
  }
}

TEST_CASE("a cgroup that does not bear the trial's name is left alone") {
  Workplace place;
  std::filesystem::create_directories(place / "memtrack-other");
  for (const std::filesystem::path& cgroup : {place / "memtrack-other", place.path(), std::filesystem::path("/")}) {
    TreeEnd end("0123", cgroup);
    REQUIRE(wait_until([&] { return end.look({}); }));
    CHECK(end.killed() == 0);
  }
  CHECK(std::filesystem::exists(place / "memtrack-other"));
}

TEST_CASE("a trial without a cgroup ends no process that a file of the folder we are in lists") {
  Workplace place;
  const pid_t neighbour = fork();
  if (neighbour == 0) {
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  std::ofstream(place / "cgroup.procs") << neighbour << "\n";
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(place.path());
  TreeEnd end("no-trial-has-this-uid");
  const bool is_over = wait_until([&] { return end.look({}); });
  std::filesystem::current_path(before);
  CHECK(is_over);
  CHECK(end.killed() == 0);
  CHECK(waitpid(neighbour, nullptr, WNOHANG) == 0);
  kill(neighbour, SIGKILL);
  waitpid(neighbour, nullptr, 0);
}

TEST_CASE("a trial that is being started, lock held and nobody written, is left alone") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  const auto lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  CHECK(recover(database).living == 1);
  CHECK(state_of(place, trial) == "running");
}

TEST_CASE("a trial whose collector holds its lock is left alone") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  mark_started(place, trial, getpid());
  const auto lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  lock->write_owner();
  CHECK(recover(database).living == 1);
  CHECK(state_of(place, trial) == "running");
}

TEST_CASE("a recorded pid that now is another program's is no collector") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  mark_started(place, trial, getpid());
  CHECK(recover(database).lost == 1);
}

TEST_CASE("a fresh memtrack run is not put into the queue, where it could only run without its terminal") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = insert_run(database, "true", {"true"}, "/", 1s);
  const RecoverySummary summary = recover(database);
  CHECK(summary.living == 1);
  CHECK(state_of(place, trial) == "running");
}

TEST_CASE("a lost trial of an attached process harms nobody, and is never put into the queue") {
  const Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial fresh = insert_attached(database, "mine", {"sleep"}, "/", 1s);
  CHECK(fresh.is_attached);
  CHECK(recover(database).living == 1);  // it may just be starting
  const Trial trial = insert_attached(database, "mine", {"sleep"}, "/", 1s);
  mark_started(place, trial, 0);
  leave_behind(place, trial.uid);  // somebody told it the trial's name
  CHECK(recover(database).lost == 1);
  CHECK(state_of(place, trial) == "lost");
  CHECK(state_of(place, fresh) == "running");
  CHECK(place.processes_of_trial(trial.trial_id) == 1);
  end_tree(trial);
}

TEST_CASE("what a collector left that was killed behind its trial's end is removed and that of others is not") {
  const Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial ended = claimed_trial(database);
  mark_started(place, ended, 0);
  end_trial(database, ended.trial_id, TrialState::done, "");
  const Trial running = claimed_trial(database);
  const std::string foreign = "00000000000000000000000000000000";  // of another database
  for (const std::string& uid : {ended.uid, running.uid, foreign}) {
    std::ofstream(trial_lock_path(uid)) << "";
    std::ofstream(event_socket_path(uid)) << "";
  }
  const std::filesystem::path given = trial_private_path(place.database(), ended.trial_id, "params.yaml");
  std::ofstream(given) << "";
  const std::optional<TrialLock> starting = TrialLock::try_acquire(trial_lock_path(running.uid));
  CHECK(recover(database).living == 1);
  CHECK_FALSE(std::filesystem::exists(trial_lock_path(ended.uid)));
  CHECK_FALSE(std::filesystem::exists(event_socket_path(ended.uid)));
  CHECK_FALSE(std::filesystem::exists(given));
  for (const std::string& uid : {running.uid, foreign}) {
    CHECK(std::filesystem::exists(trial_lock_path(uid)));
    CHECK(std::filesystem::exists(event_socket_path(uid)));
  }
  {
    std::ofstream(trial_lock_path(ended.uid)) << "";
    const Daemon daemon(place);
    CHECK(wait_until([&] { return !std::filesystem::exists(trial_lock_path(ended.uid)); }));
  }
}

TEST_CASE("a trial that is lost ends no earlier than its last sample whatever was done to the clock") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  const std::int64_t ahead = now_ns() + 3'600'000'000'000;
  TrialRecorder recorder(Database::open_for_writing(place.database()), trial.trial_id);
  recorder.begin({.started_ns = ahead});
  Sample last;
  last.time_ns = ahead + 5;
  recorder.write({.samples = {last}});
  CHECK(recover(database).lost == 1);
  CHECK(place.sql("SELECT ended_ns - started_ns FROM trials") == "5");
}

TEST_CASE("no verdict is passed on a trial whose lock cannot be looked at for want of descriptors") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  mark_started(place, trial, getpid());
  const auto lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  lock->write_owner();
  rlimit enough{};
  getrlimit(RLIMIT_NOFILE, &enough);
  const rlimit none{.rlim_cur = 0, .rlim_max = enough.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  CHECK_THROWS_AS(recover(database), std::system_error);
  setrlimit(RLIMIT_NOFILE, &enough);
  CHECK(recover(database).living == 1);
  CHECK(state_of(place, trial) == "running");
}

TEST_CASE("recovery is left to whoever supervises the database") {
  Workplace place;
  Database database = Database::open_for_writing(place.database());
  const Trial trial = claimed_trial(database);
  {
    const TrialLock guard = guard_database(place.database());
    CHECK(supervising_process(place.database()) == getpid());
    CHECK(recover(database).put_back == 0);
  }
  CHECK_FALSE(supervising_process(place.database()));
  CHECK(recover(database).put_back == 1);
}

TEST_CASE("a database is guarded once, and the refusal names the process") {
  Workplace place;
  const TrialLock guard = guard_database(place.database());
  try {
    guard_database(place.database());
    FAIL("guarded twice");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).find(fmt::format("by process {}", getpid())) != std::string::npos);
  }
}

TEST_CASE("a trial that runs for another copy of the database is left alone though its lock is not seen") {
  const Workplace place;
  memtrack::testing::Daemon daemon(place);
  REQUIRE(daemon.submit({"exec sleep 1000"}).status == 201);
  REQUIRE(wait_until([&] { return place.processes_of_trial(1) == 1; }));
  const auto copy = place / "copy.db";
  const std::string command = fmt::format("sqlite3 {} '.backup {}'", place.database().string(), copy.string());
  REQUIRE(std::system(command.c_str()) == 0);
  {
    const memtrack::testing::TemporaryDirectory elsewhere;
    const memtrack::testing::Variable runtime("XDG_RUNTIME_DIR", elsewhere.path().string());
    Database database = Database::open_for_writing(copy);
    CHECK(recover(database).living == 1);
  }
  CHECK(place.processes_of_trial(1) == 1);
  CHECK(place.sql("SELECT state FROM trials") == "running");
}
