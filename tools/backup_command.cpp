// memtrack backup: a copy of the database while all runs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>

#include "storage/backup.h"
#include "storage/paths.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/interruption.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct BackupOptions {
  std::string database;
  std::string file;
  bool force = false;
};

int run_backup(const BackupOptions& options) {
  const std::filesystem::path to = std::filesystem::absolute(options.file);
  Database database = Database::open_older_for_reading(database_path(options.database));
  return until_interrupted([&](const Interruption& interruption) {
    StatusLine status;
    back_up(database, to, options.force, progress_watch(interruption, status, "pages"));
    status.clear();
    print(fmt::format("{}: {} MiB, {} as it is now\n", options.file,
                      format_mib(static_cast<double>(std::filesystem::file_size(to))), database.path().string()));
    return kRight;
  });
}

}  // namespace

void add_backup_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<BackupOptions>();
  CLI::App* command = app.add_subcommand("backup", "A copy of the database, of one moment, while all runs");
  command->add_option("FILE", options->file, "Where the copy is to stand")->required()->type_name("");
  command->add_flag("--force", options->force, "Replace FILE where it is there already");
  add_database_option(*command, options->database);
  add_examples(*command, "memtrack backup /backup/memtrack.db\nmemtrack backup --force /backup/memtrack.db");
  command->callback([options, &action] { action = [options] { return run_backup(*options); }; });
}

}  // namespace memtrack
