#pragma once

// A trial run by the real memtrack-collector, in folders of its own.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/query.h"
#include "storage/trial_lock.h"
#include "storage/trial_store.h"
#include "tests/temporary_directory.h"
#include "tests/wait_until.h"

namespace memtrack::testing {

struct TrialSettings {
  std::chrono::nanoseconds interval = std::chrono::milliseconds(20);
  std::optional<std::chrono::nanoseconds> timeout = {};
  std::optional<std::int64_t> memory_limit_bytes = {};
  std::optional<std::chrono::nanoseconds> settle = {};
  std::optional<std::chrono::nanoseconds> baseline = {};
  std::string parameters = "{}";
  std::map<std::string, std::string> environment = {};  // beside the test's own; given in a file
  std::vector<std::string> options = {};                // of the collector
  std::function<void()> before_exec = {};               // in the collector's process
  bool in_foreground = false;
  int standard_input = -1;
  int standard_output = -1;
};

class CollectedTrial {
 public:
  explicit CollectedTrial(std::vector<std::string> command, TrialSettings settings = {});
  ~CollectedTrial();  // kills the collector where it still runs
  CollectedTrial(const CollectedTrial&) = delete;
  CollectedTrial& operator=(const CollectedTrial&) = delete;

  // Starts the collector, once more where it has ended; returns its pid.
  pid_t start();
  // Waits for its end. Returns the exit code, or 128 + signal.
  int wait();
  int run() {
    start();
    return wait();
  }

  // The first value of the first row, as text; "NULL" where it is one.
  std::string sql(const std::string& statement);
  double number(const std::string& statement) { return std::stod(sql(statement)); }
  std::string state() { return sql("SELECT state FROM trials"); }
  std::string reason() { return sql("SELECT coalesce(reason, '') FROM trials"); }
  std::string log() const;

  const Trial& trial() const { return trial_; }
  Database& database() { return database_; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::filesystem::path lock_path() const;
  std::filesystem::path event_socket() const;
  // True where a process has this trial's uid in its environment, zombies left out.
  bool has_processes() const;

 private:
  void remove_cgroup();

  TemporaryDirectory folder_;
  TrialSettings settings_;
  Database database_;
  Trial trial_;
  std::optional<TrialLock> lock_;
  pid_t collector_ = 0;
};

// Of the newest sample; while a grandchild is made, an older one may have seen its parent too. "NULL": none as yet.
std::string last_process_count(CollectedTrial& trial);

std::string read_file(const std::filesystem::path& path);

// The path of the footprint program.
std::string footprint();

}  // namespace memtrack::testing
