// memtrack sql: statements that read, rows as they come; a prompt where none is given.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "storage/query.h"
#include "storage/query_stop.h"
#include "storage/sql_functions.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/row_writer.h"
#include "tools/signal_watch.h"
#include "tools/sql/schema_help.h"
#include "tools/sql/shell.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct SqlOptions {
  std::string database;
  std::string sql;
  std::string file;
  std::string format = "table";
  std::optional<std::string> schema;  // a relation; empty: all of them
};

std::string read_all(std::istream& stream, const std::string& what) {
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) throw std::runtime_error(fmt::format("cannot read {}", what));
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw UsageError(fmt::format("cannot read the query in {}: no such file, or it may not be read", path));
  return read_all(stream, path);
}

void print_schema(Database& database, const std::string& relation) {
  const std::size_t width = output_width();
  if (!relation.empty()) {
    const RelationHelp help = relation_help(database, relation);
    print_wrapped(help.head);
    print("\n" + render_text(help.columns, width));
    return;
  }
  print(render_text(relations_help(database), width));
  TextTable functions{.columns = {{.title = "function", .is_key = true}, {.title = "gives", .fold_to = 30}},
                      .rows = {}};
  for (const SqlFunction& function : sql_functions()) {
    functions.rows.push_back({std::string(function.signature), std::string(function.meaning)});
  }
  print("\n" + render_text(functions, width));
  print("\n'memtrack sql --schema RELATION' tells its columns.\n");
}

int answer_once(Database& database, const std::string& sql, RowFormat format) {
  const SignalWatch signals({SIGINT});
  const QueryStop stop(database, [&] { return signals.wait_for(std::chrono::milliseconds(0)) != 0; });
  try {
    print_answer(database, sql, format);
  } catch (const QueryEnded& ended) {
    say(fmt::format("memtrack: {}", ended.what()));
    return kInterrupted;
  }
  return kRight;
}

int run_sql(const SqlOptions& options) {
  const RowFormat format = parse_row_format(options.format);
  if (!options.sql.empty() && !options.file.empty()) {
    throw UsageError("a query stands on the command line and another in --file: one of them is enough");
  }
  Database database = open_for_reading(options.database);
  if (options.schema) {
    print_schema(database, *options.schema);
    return kRight;
  }
  const bool from_input = options.sql == "-" || options.file == "-" || (options.sql.empty() && options.file.empty());
  if (!from_input) return answer_once(database, options.sql.empty() ? read_file(options.file) : options.sql, format);
  if (isatty(STDIN_FILENO) == 0 || options.sql == "-" || options.file == "-") {
    return answer_once(database, read_all(std::cin, "standard input"), format);
  }
  return run_shell(database, format);
}

}  // namespace

void add_sql_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<SqlOptions>();
  CLI::App* command = app.add_subcommand("sql", "Ask the database with SQL, read-only; rows come as they are found");
  command
      ->add_option("SELECT", options->sql,
                   "One statement that reads; '-', or none: from standard input, at a terminal from a prompt")
      ->type_name("");
  command->add_option("--file", options->file, "The statement is in this file ('-': standard input)")
      ->type_name("FILE");
  command->add_option("--format", options->format, "table, markdown, csv or json")->capture_default_str();
  command
      ->add_option_function<std::vector<std::string>>(
          "--schema",
          [options](const std::vector<std::string>& named) { options->schema = named.empty() ? "" : named.front(); },
          "The relations and functions there are, or one relation's columns with unit and meaning")
      ->expected(0, 1)
      ->type_name("RELATION");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack sql \"SELECT trial_id, mib(avg_used_bytes) AS mib FROM trial_memory\"\n"
               "memtrack sql --schema samples\n"
               "memtrack sql --file question.sql --format markdown\n"
               "memtrack sql --format csv \"SELECT * FROM samples WHERE trial_id = 1\" > samples.csv\n"
               "memtrack sql                            a prompt: Tab completes, .help tells more");
  command->callback([options, &action] { action = [options] { return run_sql(*options); }; });
}

}  // namespace memtrack
