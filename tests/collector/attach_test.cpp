// The real collector beside real processes of known footprint, which it did not start.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "collector/proc_reader.h"
#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

// A footprint program of the test's own. It does `before`, says so, waits for go(), does `after` and waits for its end.
class Watched {
 public:
  explicit Watched(std::vector<std::string> before, const std::vector<std::string>& after = {}) {
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    REQUIRE(pipe2(input.data(), O_CLOEXEC) == 0);
    REQUIRE(pipe2(output.data(), O_CLOEXEC) == 0);
    before.insert(before.begin(), footprint());
    before.insert(before.end(), {"ready", "wait"});
    before.insert(before.end(), after.begin(), after.end());
    before.insert(before.end(), {"ready", "forever"});
    std::vector<char*> argv;
    for (std::string& word : before) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_ = input[1];
    output_ = output[0];
    wait_until_ready();
  }
  ~Watched() {
    end();
    close(output_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // Lets it do the second part, and waits until that is done.
  void go() {
    close(std::exchange(input_, -1));
    wait_until_ready();
  }
  // With all that it started.
  void end() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
    if (input_ >= 0) {
      close(std::exchange(input_, -1));
    }
  }
  bool is_alive() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

  std::vector<std::string> option() const {
    ProcReader reader;
    return {"--attach", std::to_string(pid_) + ":" + std::to_string(reader.read_stat(pid_).value().start_ticks)};
  }

 private:
  void wait_until_ready() const {
    std::array<char, 6> ready{};
    REQUIRE(read(output_, ready.data(), ready.size()) == 6);
  }

  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
};

TrialSettings settings_of(const Watched& watched) {
  return {.options = watched.option(), .in_foreground = true};
}

bool has_ticks(CollectedTrial& trial, int count) {
  return wait_until([&] { return trial.number("SELECT tick_count FROM trial_memory") >= count; });
}

}  // namespace

TEST_CASE("an attached process's past peak is a bound, and no more") {
  Watched watched({"burst=200", "private=50"});
  CollectedTrial trial({"footprint"}, settings_of(watched));
  const pid_t collector = trial.start();
  REQUIRE(has_ticks(trial, 3));
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  CHECK(watched.is_alive());
  CHECK(trial.state() == "done");
  CHECK(trial.reason() == "stopped watching; the process runs on");
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "samples");
  CHECK(trial.number("SELECT peak_rss_bytes FROM trial_memory") / kMiB == doctest::Approx(51).epsilon(0.1));
  CHECK(trial.number("SELECT peak_rss_upper_bytes FROM trial_memory") / kMiB == doctest::Approx(201).epsilon(0.03));
}

TEST_CASE("a burst of an attached process between two ticks is seen exactly") {
  Watched watched({"private=50"}, {"burst=200"});
  TrialSettings settings = settings_of(watched);
  settings.interval = std::chrono::hours(1);
  CollectedTrial trial({"footprint"}, settings);
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT count(*) FROM samples") == "1"; }));
  watched.go();
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "kernel");
  CHECK(trial.number("SELECT peak_rss_bytes FROM trial_memory") / kMiB == doctest::Approx(252).epsilon(0.01));
  CHECK(trial.sql("SELECT group_concat(kind) FROM samples") == "start,final");
}

TEST_CASE("an attached process that ends leaves what was seen of it, and nothing that only its parent knows") {
  Watched watched({"private=100"});
  CollectedTrial trial({"footprint"}, settings_of(watched));
  trial.start();
  REQUIRE(has_ticks(trial, 3));
  watched.end();
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.reason() == "the process has ended");
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "samples");
  CHECK(trial.number("SELECT peak_rss_bytes FROM trial_memory") / kMiB == doctest::Approx(101).epsilon(0.05));
  CHECK(
      trial.sql("SELECT count(*) FROM trials WHERE exit_code IS NULL AND term_signal IS NULL AND max_rss_bytes IS NULL "
                "AND user_ns IS NULL AND system_ns IS NULL AND oom_kill_count IS NULL AND cgroup IS NULL") == "1");
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE cgroup_bytes IS NOT NULL") == "0");
}

TEST_CASE("the whole tree of an attached process is measured, with children of its threads") {
  Watched watched({"thread-child=100"});
  CollectedTrial trial({"footprint"}, settings_of(watched));
  const pid_t collector = trial.start();
  REQUIRE(wait_until(
      [&] { return trial.number("SELECT coalesce(max(tree_rss_anon_bytes), 0) FROM samples") / kMiB > 99; }));
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT max(process_count) FROM samples") == "2");
  CHECK(trial.number("SELECT max(tree_rss_anon_bytes) FROM samples") / kMiB == doctest::Approx(101).epsilon(0.03));
}

TEST_CASE("a pid that is another process's by now is not measured") {
  Watched watched({});
  TrialSettings settings = settings_of(watched);
  settings.options.at(1) += "0";  // started at another time
  CollectedTrial trial({"footprint"}, settings);
  CHECK(trial.run() == 1);
  CHECK(trial.state() == "failed");
  CHECK(trial.reason().find("ended before it could be measured") != std::string::npos);
  CHECK(watched.is_alive());
}

TEST_CASE("a collector that is killed leaves an attached process alone") {
  Watched watched({});
  CollectedTrial trial({"footprint"}, settings_of(watched));
  const pid_t collector = trial.start();
  REQUIRE(has_ticks(trial, 2));
  kill(collector, SIGKILL);
  CHECK(trial.wait() == 128 + SIGKILL);
  CHECK(watched.is_alive());
}
