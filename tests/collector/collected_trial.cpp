#include "tests/collector/collected_trial.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "collector/cgroup.h"
#include "storage/paths.h"

namespace memtrack::testing {
namespace fs = std::filesystem;
namespace {

Trial insert_trial(Database& database, const fs::path& folder, const std::vector<std::string>& command,
                   const TrialSettings& settings) {
  const Trial trial = insert_run(database, "test", command, folder, settings.interval, settings.memory_limit_bytes);
  SQLite::Statement change(database.handle(),
                           "UPDATE trials SET timeout_ns = ?, settle_ns = ?, baseline_ns = ?, parameters = ?");
  int index = 0;
  for (const auto& time : {settings.timeout, settings.settle, settings.baseline}) {
    ++index;
    if (time) {
      change.bind(index, time->count());
    }
  }
  change.bind(++index, settings.parameters);
  change.exec();
  return find_trial(database, trial.trial_id);
}

std::string as_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*integer);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return std::to_string(*real);
  }
  return "NULL";
}

// Its locks and sockets are in the test's own folder.
fs::path with_runtime_folder(const fs::path& folder) {
  setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
  return folder / "memtrack.db";
}

}  // namespace

CollectedTrial::CollectedTrial(std::vector<std::string> command, TrialSettings settings)
    : settings_(std::move(settings)),
      database_(Database::open_for_writing(with_runtime_folder(folder_.path()))),
      trial_(insert_trial(database_, folder_.path(), command, settings_)),
      lock_(TrialLock::try_acquire(lock_path())) {
  REQUIRE(lock_);
}

CollectedTrial::~CollectedTrial() {
  if (collector_ > 0) {
    kill(collector_, SIGKILL);
    waitpid(collector_, nullptr, 0);
  }
  remove_cgroup();
}

// What a killed collector leaves is for whoever recovers, and here nobody does.
void CollectedTrial::remove_cgroup() {
  const fs::path cgroup = sql("SELECT coalesce(cgroup, '') FROM trials");
  if (!cgroup.empty() && fs::exists(cgroup)) {
    make_trial_cgroup(trial_cgroup_name(trial_.uid));  // empties and removes what is there
  }
}

fs::path CollectedTrial::lock_path() const {
  return trial_lock_path(trial_.uid);
}
fs::path CollectedTrial::event_socket() const {
  return event_socket_path(trial_.uid);
}

pid_t CollectedTrial::start() {
  if (!lock_) {
    lock_ = TrialLock::try_acquire(lock_path());
    REQUIRE(lock_);
  }
  const std::string program = sibling_program("memtrack-collector");
  std::vector<std::string> arguments = {program,
                                        "--db",
                                        database_.path(),
                                        "--trial",
                                        std::to_string(trial_.trial_id),
                                        "--lock-fd",
                                        std::to_string(lock_->descriptor())};
  if (settings_.in_foreground) {
    arguments.push_back("--foreground");
  } else {
    arguments.insert(arguments.end(), {"--log", path("trial.log")});
  }
  if (!settings_.environment.empty()) {
    std::ofstream file(path("environment"), std::ios::binary);
    for (char** entry = environ; *entry != nullptr; ++entry) {
      file << *entry << '\0';
    }
    for (const auto& [name, value] : settings_.environment) {
      file << name << '=' << value << '\0';
    }
    arguments.insert(arguments.end(), {"--environment", path("environment")});
  }
  arguments.insert(arguments.end(), settings_.options.begin(), settings_.options.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  const int errors = open(path("collector.errors").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  collector_ = fork();
  if (collector_ == 0) {
    fcntl(lock_->descriptor(), F_SETFD, 0);
    dup2(errors, STDERR_FILENO);
    if (settings_.standard_input >= 0) {
      dup2(settings_.standard_input, STDIN_FILENO);
    }
    if (settings_.standard_output >= 0) {
      dup2(settings_.standard_output, STDOUT_FILENO);
    }
    if (settings_.before_exec) {
      settings_.before_exec();
    }
    execv(program.c_str(), pointers.data());
    _exit(99);
  }
  close(errors);
  lock_.reset();
  return collector_;
}

int CollectedTrial::wait() {
  int status = 0;
  const bool ended = wait_until([&] { return waitpid(collector_, &status, WNOHANG) == collector_; });
  REQUIRE(ended);
  collector_ = 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string CollectedTrial::sql(const std::string& statement) {
  const ResultTable table = query(database_, statement);
  REQUIRE_FALSE(table.rows.empty());
  return as_text(table.rows[0][0]);
}

std::string CollectedTrial::log() const {
  return read_file(path("trial.log"));
}

bool CollectedTrial::has_processes() const {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (read_file(entry.path() / "environ").find("MEMTRACK_TRIAL=" + trial_.uid) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::string last_process_count(CollectedTrial& trial) {
  return trial.sql("SELECT (SELECT process_count FROM samples ORDER BY time_ns DESC LIMIT 1)");
}

// Not through a stream: one throws where a process ends between open and read.
std::string read_file(const fs::path& path) {
  std::string text;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 16384> buffer{};
  for (ssize_t count = 0; (count = read(file, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (file >= 0) {
    close(file);
  }
  return text;
}

std::string footprint() {
  return std::string(MEMTRACK_BUILD_DIR) + "/tests/collector/footprint";
}

}  // namespace memtrack::testing
