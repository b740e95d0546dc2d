// memtrack prune: old samples go, what was made of them stays.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "storage/paths.h"
#include "storage/prune.h"
#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"
#include "sweeps/unit_number.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/interruption.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct PruneOptions {
  std::string database;
  std::string older_than;
  bool keep_summaries = false;
  bool dry_run = false;
};

// "90d", "12w", and what sweep files call a duration.
std::int64_t parse_age_ns(const std::string& text) {
  constexpr std::int64_t kDayNs = 86'400'000'000'000;
  const auto number = split_unit_number(text);
  const bool in_days = number && number->decimals.empty() && (number->unit == "d" || number->unit == "w");
  const auto age = in_days ? scaled(number->whole, number->unit == "d" ? kDayNs : 7 * kDayNs) : std::nullopt;
  if (age) return *age;
  try {
    return parse_duration(text).count();
  } catch (const std::invalid_argument&) {
    throw UsageError(
        fmt::format("--older-than is {}, and would have to be an age such as 90d, 12w or 36h", memtrack::quoted(text)));
  }
}

std::string what(const PruneCount& count) {
  return fmt::format("{} of {}, and {} of their processes", count_of(count.samples, "sample"),
                     count_of(count.trials, "trial"), count_of(count.process_rows, "row"));
}

int run_prune(const PruneOptions& options) {
  if (!options.keep_summaries) {
    throw UsageError(
        "say --keep-summaries: samples are deleted, and trials, averages, peaks, events and metrics stay; whole trials "
        "are never deleted");
  }
  const std::int64_t ended_before_ns = now_ns() - parse_age_ns(options.older_than);
  if (options.dry_run) {
    Database database = open_for_reading(options.database);
    print(fmt::format("would delete {}\n", what(count_prunable(database, ended_before_ns))));
    return kRight;
  }
  return until_interrupted([&](const Interruption& interruption) {
    const std::filesystem::path path = database_path(options.database);
    { open_for_reading(options.database); }  // none is made here
    Database database = Database::open_for_writing(path);
    StatusLine status;
    const PruneCount count = prune_samples(database, ended_before_ns, progress_watch(interruption, status, "trials"));
    status.clear();
    print(fmt::format("deleted {}\n", what(count)));
    return kRight;
  });
}

}  // namespace

void add_prune_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<PruneOptions>();
  CLI::App* command =
      app.add_subcommand("prune", "Delete the samples of trials that ended long ago; their summaries stay");
  command->add_option("--older-than", options->older_than, "Of trials that ended that long ago: 90d, 12w, 36h")
      ->required()
      ->type_name("AGE");
  command->add_flag("--keep-summaries", options->keep_summaries,
                    "Trials, averages, peaks, events and metrics stay (to be said: there is no other way)");
  command->add_flag("--dry-run", options->dry_run, "Say what would be deleted, and delete nothing");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack prune --older-than 90d --keep-summaries --dry-run\n"
               "memtrack prune --older-than 90d --keep-summaries");
  command->callback([options, &action] { action = [options] { return run_prune(*options); }; });
}

}  // namespace memtrack
