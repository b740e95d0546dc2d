#pragma once

// The subcommands of memtrack, one file each. add_NAME_command() declares a subcommand; where the user asked for it,
// parsing puts what to do into `action`, which returns the exit code (tools/exit_codes.h).

#include <functional>
#include <string>
#include <vector>

#include "storage/database.h"

namespace CLI {
class App;
}  // namespace CLI

namespace memtrack {

using Action = std::function<int()>;

void add_sweep_command(CLI::App& app, Action& action);
// `words`: the first "--" of the command line and all behind it, which nobody else has looked at.
void add_run_command(CLI::App& app, Action& action, const std::vector<std::string>& words);
void add_status_command(CLI::App& app, Action& action);
// cancel, retry, pause, resume
void add_queue_commands(CLI::App& app, Action& action);
void add_logs_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_plot_command(CLI::App& app, Action& action);
void add_effects_command(CLI::App& app, Action& action);
void add_predict_command(CLI::App& app, Action& action);
void add_sql_command(CLI::App& app, Action& action);
void add_export_command(CLI::App& app, Action& action);
void add_merge_command(CLI::App& app, Action& action);
void add_prune_command(CLI::App& app, Action& action);
void add_backup_command(CLI::App& app, Action& action);
void add_datasets_command(CLI::App& app, Action& action);
void add_daemon_command(CLI::App& app, Action& action);
void add_log_command(CLI::App& app, Action& action);
void add_attach_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);
void add_completion_command(CLI::App& app, Action& action);

// --db and --socket, the same wherever they are taken.
void add_database_option(CLI::App& command, std::string& flag);
void add_socket_option(CLI::App& command, std::string& flag);

// Help ends with this, one command a line.
void add_examples(CLI::App& command, const std::string& lines);

// The database that --db, MEMTRACK_DB or the default names, for reading.
Database open_for_reading(const std::string& database_flag);

}  // namespace memtrack
