// memtrack logs: what a trial printed.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "storage/paths.h"
#include "storage/query.h"
#include "storage/trial_store.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/follow.h"

namespace memtrack {
namespace {

struct LogsOptions {
  std::string database;
  std::int64_t trial_id = 0;
  bool follow = false;
};

bool is_measured_run(Database& database, std::int64_t trial_id) {
  return !query(database,
                "SELECT 1 FROM trials JOIN sweeps USING (sweep_id) WHERE trial_id = ?1 AND method IN ('run', 'attach')",
                {trial_id})
              .rows.empty();
}

int run_logs(const LogsOptions& options) {
  Database database = open_for_reading(options.database);
  const Trial trial = find_trial(database, options.trial_id);
  if (is_measured_run(database, trial.trial_id)) {
    throw UsageError(fmt::format(
        "trial {} has no log: 'memtrack run' and 'attach' leave a program its own standard output and error",
        trial.trial_id));
  }
  if (trial.state == TrialState::queued && !options.follow) {
    throw UsageError(fmt::format("trial {} has not begun yet; -f waits for it", trial.trial_id));
  }
  const std::filesystem::path log = trial_log_path(database.path(), trial.trial_id);
  print_file(older_log_path(log));
  if (options.follow) {
    follow_file(log, [&] { return !is_final(find_trial(database, trial.trial_id).state); });
  } else {
    print_file(log);
  }
  return kRight;
}

}  // namespace

void add_logs_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<LogsOptions>();
  CLI::App* command = app.add_subcommand("logs", "What a trial of a sweep printed, standard output and error together");
  command->add_option("TRIAL", options->trial_id, "Id of a trial (trial_id)")->required()->type_name("");
  command->add_flag("-f,--follow", options->follow, "Go on to the trial's end");
  add_database_option(*command, options->database);
  add_examples(*command, "memtrack logs 12\nmemtrack logs 12 -f");
  command->callback([options, &action] { action = [options] { return run_logs(*options); }; });
}

}  // namespace memtrack
