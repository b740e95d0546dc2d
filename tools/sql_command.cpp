// memtrack sql: one reading statement, rows as they come.

#include <CLI/CLI.hpp>
#include <memory>

#include "storage/query.h"
#include "tools/commands.h"
#include "tools/row_writer.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

struct SqlOptions {
  std::string database;
  std::string sql;
  std::string format = "table";
};

int run_sql(const SqlOptions& options) {
  const std::unique_ptr<RowWriter> writer = make_row_writer(parse_row_format(options.format), print);
  Database database = open_for_reading(options.database);
  query_rows(
      database, options.sql, {}, [&](const std::vector<std::string>& names) { writer->columns(names); },
      [&](const std::vector<Value>& values) { writer->row(values); });
  writer->finish();
  if (const std::string note = writer->note(); !note.empty()) {
    say(note);
  }
  return 0;
}

}  // namespace

void add_sql_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<SqlOptions>();
  CLI::App* command = app.add_subcommand("sql", "Ask the database with SQL, read-only; rows come as they are found");
  command->add_option("SELECT", options->sql, "One statement that reads")->required()->type_name("");
  command->add_option("--format", options->format, "table, markdown, csv or json")->capture_default_str();
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack sql \"SELECT trial_id, avg_used_bytes / 1048576 AS mib FROM trial_memory\"\n"
               "memtrack sql --format csv \"SELECT * FROM samples WHERE trial_id = 1\" > samples.csv");
  command->callback([options, &action] { action = [options] { return run_sql(*options); }; });
}

}  // namespace memtrack
