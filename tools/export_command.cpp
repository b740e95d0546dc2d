// memtrack export: the rows of a relation, all of them, as they come.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>

#include "storage/new_file.h"
#include "storage/snapshot.h"
#include "storage/trial_store.h"
#include "sweeps/nearest_name.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/interruption.h"
#include "tools/output_file.h"
#include "tools/report/rows.h"
#include "tools/row_writer.h"
#include "tools/sql/schema_help.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

struct ExportOptions {
  std::string database;
  std::string sweep;
  std::vector<std::int64_t> trials;
  bool all = false;
  std::string relation = "samples";
  std::string format = "csv";
  std::string file;
  bool force = false;
};

RowFormat parse_export_format(const std::string& text) {
  if (text == "csv") return RowFormat::csv;
  if (text == "jsonl") return RowFormat::jsonl;
  throw UsageError(fmt::format("--format is {}, and would have to be csv or jsonl", memtrack::quoted(text)));
}

// What tells whose rows of the relation are, and how they are asked for: ?1 is one of those.
struct Relation {
  std::string key;
  std::string sql;
};

Relation find_relation(Database& database, const std::string& name) {
  relation_help(database, name);  // throws where there is none
  std::vector<std::string> columns;
  for (const auto& row : query(database, "SELECT name FROM pragma_table_xinfo(?1)", {name}).rows) {
    columns.push_back(text_of(row[0]).value());
  }
  const auto has = [&](std::string_view column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  for (const char* key : {"trial_id", "sweep_id", "host_id"}) {
    if (has(key)) {
      return {key, fmt::format("SELECT * FROM \"{}\" WHERE {} = ?1{}", name, key,
                               has("time_ns") ? " ORDER BY time_ns" : "")};
    }
  }
  throw UsageError(
      fmt::format("{} has no column trial_id, sweep_id or host_id that would say what to export; 'memtrack "
                  "sql --format csv \"SELECT * FROM {}\"' prints it",
                  name, name));
}

// The trials, sweeps or hosts whose rows are asked for, each once.
std::vector<std::int64_t> selected_keys(Database& database, const ExportOptions& options, const std::string& key) {
  std::string where = "1";
  std::vector<Value> parameters;
  if (!options.trials.empty()) {
    for (const std::int64_t trial_id : options.trials) find_trial(database, trial_id);  // throws where there is none
    where = fmt::format("trial_id IN ({})", fmt::join(options.trials, ", "));
  } else if (!options.all) {
    where = "sweep_id = ?1";
    parameters = {find_report_sweep(database, options.sweep).sweep_id};
  }
  std::vector<std::int64_t> keys;
  const std::string sql =
      fmt::format("SELECT DISTINCT {0} FROM trials WHERE {1} AND {0} IS NOT NULL ORDER BY {0}", key, where);
  for (const auto& row : query(database, sql, parameters).rows) keys.push_back(whole_of(row[0]).value());
  return keys;
}

// Returns how many rows there were.
std::int64_t write_rows(Database& database, const ExportOptions& options, RowWriter& writer,
                        const std::function<void(std::size_t done, std::size_t all)>& on_progress) {
  const Snapshot snapshot(database);
  const Relation relation = find_relation(database, options.relation);
  const std::vector<std::int64_t> keys = selected_keys(database, options, relation.key);
  if (keys.empty()) throw UsageError("there are no trials to export: none has begun, or none was submitted");
  std::int64_t count = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    on_progress(i, keys.size());
    query_rows(
        database, relation.sql, {keys[i]},
        [&](const std::vector<std::string>& names) {
          if (i == 0) writer.columns(names);
        },
        [&](const std::vector<Value>& row) {
          writer.row(row);
          ++count;
        });
  }
  writer.finish();
  return count;
}

int export_to_output(Database& database, const ExportOptions& options, RowFormat format) {
  const auto writer = make_row_writer(format, print);
  if (write_rows(database, options, *writer, [](std::size_t, std::size_t) {}) == 0) {
    say(fmt::format("memtrack: no {} were kept of what was asked for", options.relation));
  }
  return kRight;
}

int export_to_file(Database& database, const ExportOptions& options, RowFormat format) {
  return until_interrupted([&](const Interruption& interruption) {
    const QueryStop stop(database, [&] { return interruption.has_come(); });
    StatusLine status;
    NewFile file(std::filesystem::weakly_canonical(options.file), options.force);  // a link stays a link
    const auto writer = make_row_writer(format, [&](std::string_view text) { file.write(text); });
    const std::int64_t count = write_rows(database, options, *writer, progress_watch(interruption, status, "parts"));
    file.finish();
    status.clear();
    print(fmt::format("{}: {} of {}\n", options.file, count_of(count, "row"), options.relation));
    return kRight;
  });
}

int run_export(const ExportOptions& options) {
  const RowFormat format = parse_export_format(options.format);
  if ((options.sweep.empty() ? 0 : 1) + (options.trials.empty() ? 0 : 1) + (options.all ? 1 : 0) > 1) {
    throw UsageError("name a sweep, or trials with --trial, or --all: one of these");
  }
  if (options.force && options.file.empty()) throw UsageError("--force is for --output FILE");
  if (!options.file.empty()) check_output_file(options.file, options.force);
  Database database = open_for_reading(options.database);
  return options.file.empty() ? export_to_output(database, options, format) : export_to_file(database, options, format);
}

}  // namespace

void add_export_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Every sample of a sweep, or of trials, for other programs");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
  command->add_option("--trial", options->trials, "These trials instead (trial_id)")
      ->delimiter(',')
      ->type_name("ID,...");
  command->add_flag("--all", options->all, "All there is");
  command->add_option("--relation", options->relation, "Its rows: samples, process_samples, epochs, trial_memory, ...")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--format", options->format, "csv, or jsonl: an object a line")->capture_default_str();
  command->add_option("-o,--output", options->file, "To this file (default: standard output)")->type_name("FILE");
  command->add_flag("--force", options->force, "Replace that file where it is there already");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack export > samples.csv\n"
               "memtrack export quickstart --format jsonl -o samples.jsonl\n"
               "memtrack export --trial 12,13 --relation process_samples\n"
               "memtrack export --all --relation trial_memory -o summary.csv --force");
  command->callback([options, &action] { action = [options] { return run_export(*options); }; });
}

}  // namespace memtrack
