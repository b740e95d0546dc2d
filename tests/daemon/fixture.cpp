#include "tests/daemon/fixture.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "daemon/processes.h"
#include "storage/paths.h"
#include "storage/query.h"

namespace memtrack::testing {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> memtrackd_with(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {sibling_program("memtrackd").string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

pid_t spawn_logged(std::vector<std::string> words, const fs::path& log) {
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  REQUIRE(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string read_file(const fs::path& path) {
  // By iterators, reading the /proc file of a process that ends meanwhile would throw.
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Workplace::Workplace() {
  fs::create_directory(folder_ / "run");
  fs::permissions(folder_ / "run", fs::perms::owner_all);
  setenv("XDG_RUNTIME_DIR", (folder_ / "run").c_str(), 1);
  setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
  unsetenv("MEMTRACK_DB");
  unsetenv("MEMTRACK_SOCKET");
  setenv("MEMTRACK_CONFIG", "/dev/null", 1);
  setenv("MEMTRACK_DRAIN", "0s", 1);  // a daemon that is to end while a trial runs shall not wait for it
  unsetenv("NOTIFY_SOCKET");
}

Workplace::~Workplace() {
  if (!fs::exists(database())) {
    return;
  }
  Database reader = Database::open_for_reading(database());
  for (const Trial& trial : running_trials(reader)) {
    if (const FileDescriptor collector = open_collector(reader, trial)) {
      send_signal(collector, SIGKILL);
    }
    TreeEnd end(trial.uid, trial.cgroup);
    wait_until([&] { return end.look({}); });
  }
}

std::string Workplace::sql(const std::string& text) const {
  if (!fs::exists(database())) {
    return "";
  }
  Database reader = Database::open_for_reading(database());
  const ResultTable found = query(reader, text);
  if (found.rows.empty()) {
    return "";
  }
  const Value& value = found.rows[0][0];
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*number);
  }
  const auto* held = std::get_if<std::string>(&value);
  return held == nullptr ? "" : *held;
}

std::size_t Workplace::processes_of_trial(std::int64_t trial_id) const {
  const std::string entry =
      "MEMTRACK_TRIAL=" + sql(fmt::format("SELECT uid FROM trials WHERE trial_id = {}", trial_id));
  std::size_t count = 0;
  for (const auto& folder : fs::directory_iterator("/proc")) {
    count += has_entry(read_file(folder.path() / "environ"), entry) ? 1 : 0;
  }
  return count;
}

pid_t Workplace::collector_pid(std::int64_t trial_id) const {
  const std::string pid = sql(fmt::format("SELECT collector_pid FROM trials WHERE trial_id = {}", trial_id));
  return pid.empty() ? -1 : std::stoi(pid);
}

void Workplace::make_file(const std::string& name) const {
  std::ofstream(folder_ / name) << "\n";
}

Daemon::Daemon(const Workplace& place, const std::string& before) : place_(place), log_(place / "memtrackd.log") {
  std::vector<std::string> words = memtrackd_with({"--db", place.database().string()});
  if (!before.empty()) {
    const std::string script = fmt::format("cd {}\n{}\nexec \"$0\" \"$@\"", place.path().string(), before);
    words.insert(words.begin(), {"/bin/sh", "-c", script});
  }
  pid_ = spawn_logged(words, log_);
  const bool ready = wait_until([this] {
    try {
      return client().get("/v1/health").body.at("pid") == pid_;
    } catch (const NoDaemon&) {
      return false;
    }
  });
  INFO(log());
  REQUIRE(ready);
}

Daemon::~Daemon() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
}

ApiClient Daemon::client() const {
  return ApiClient(daemon_socket_path(""));
}

ApiReply Daemon::submit(const std::vector<std::string>& commands,
                        const std::map<std::string, std::string>& environment) {
  std::map<std::string, std::string> variables = environment;
  variables.emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  return client().post("/v1/sweeps", {{"config", sweep_of_commands(commands)},
                                      {"file", "test.yaml"},
                                      {"cwd", place_.path().string()},
                                      {"environment", variables}});
}

int Daemon::end(int signal) {
  kill(pid_, signal);
  return wait_for(std::exchange(pid_, -1));
}

EndedDaemon run_memtrackd(const Workplace& place, const std::vector<std::string>& arguments) {
  const fs::path log = place / "ended.log";
  fs::remove(log);
  const int exit_code = wait_for(spawn_logged(memtrackd_with(arguments), log));
  return {.exit_code = exit_code, .output = read_file(log)};
}

std::string sweep_of_commands(const std::vector<std::string>& commands) {
  // JSON is YAML.
  std::string text =
      "name: test\nmethod: list\ncommand: [sh, -c, 'eval \"${1#*=}\"', sh, '${args_no_hyphens}']\ntrials:\n";
  for (const std::string& command : commands) {
    text += fmt::format("  - {{do: {}}}\n", nlohmann::json(command).dump());
  }
  return text + "memtrack: {interval: 20ms}\n";
}

}  // namespace memtrack::testing
