// memtrack merge: the trials of other databases, into this one.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "storage/merge.h"
#include "storage/paths.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/interruption.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct MergeOptions {
  std::string database;
  std::vector<std::string> others;
};

std::string merge_line(const std::string& name, const MergeCount& count) {
  std::string line = count.trials == 0 ? fmt::format("{}: nothing new", name)
                                       : fmt::format("{}: {} merged, with {}", name, count_of(count.trials, "trial"),
                                                     count_of(count.samples, "sample"));
  if (count.known_trials > 0) line += fmt::format("; {} there already", count.known_trials);
  if (count.unfinished_trials > 0) {
    line += fmt::format("; {} left out that {} not ended: merge again later", count.unfinished_trials,
                        count.unfinished_trials == 1 ? "has" : "have");
  }
  return line + "\n";
}

int run_merge(const MergeOptions& options) {
  const std::filesystem::path target = database_path(options.database);
  for (const std::string& other : options.others) check_merge_source(target, other);
  return until_interrupted([&](const Interruption& interruption) {
    Database database = Database::open_for_writing(target);
    for (const std::string& other : options.others) {
      StatusLine status;
      const MergeCount count =
          merge_database(database, other, progress_watch(interruption, status, "trials of " + other));
      status.clear();
      print(merge_line(escape_controls(other), count));
    }
    return kRight;
  });
}

}  // namespace

void add_merge_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand("merge", "Take the trials of other databases into this one");
  command->add_option("OTHER", options->others, "Databases, of this version or older; they are only read")
      ->required()
      ->type_name("");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack merge /mnt/node1/memtrack.db /mnt/node2/memtrack.db\n"
               "memtrack merge --db all.db *.db");
  command->callback([options, &action] { action = [options] { return run_merge(*options); }; });
}

}  // namespace memtrack
