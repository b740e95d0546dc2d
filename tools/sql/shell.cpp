#include "tools/sql/shell.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <sstream>
#include <utility>

#include "storage/query.h"
#include "storage/query_stop.h"
#include "storage/sql_functions.h"
#include "storage/sql_history.h"
#include "tools/exit_codes.h"
#include "tools/signal_watch.h"
#include "tools/sql/prompt.h"
#include "tools/sql/schema_help.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::array kKeywords = {
    "SELECT", "FROM",     "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "JOIN", "LEFT JOIN", "USING",   "WITH",
    "HAVING", "DISTINCT", "COUNT", "AVG",      "MIN",      "MAX",   "SUM",  "ROUND",     "BETWEEN", "NOT",
    "NULL",   "DESC",     "UNION", "EXISTS",   "CASE",     "WHEN",  "THEN", "ELSE",      "END",     "json_extract"};

constexpr const char* kHelp =
    "A statement ends with ';' and may take several lines. Tab completes keywords, relations, columns and functions;\n"
    "the arrow keys and Ctrl-R find earlier statements. Ctrl-C gives a line up, or stops a query that runs.\n"
    "  .schema [RELATION]   the relations, or one's columns with unit and meaning\n"
    "  .format NAME         table, markdown, csv or json\n"
    "  .help, .quit         this text; the end, as Ctrl-D\n";

std::vector<std::string> words_of(Database& database) {
  std::vector<std::string> words(kKeywords.begin(), kKeywords.end());
  for (const auto& row :
       query(database,
             "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') UNION SELECT c.name FROM sqlite_schema s, "
             "pragma_table_xinfo(s.name) c WHERE s.type IN ('table', 'view') ORDER BY 1")
           .rows) {
    words.push_back(text_of(row[0]).value());
  }
  for (const SqlFunction& function : sql_functions()) words.emplace_back(function.name);
  for (const char* command : {"schema", "format", "help", "quit"}) words.emplace_back(command);
  return words;
}

void print_table(const TextTable& table) {
  print(render_text(table, output_width()));
}

// What begins with a dot. False: the end was asked for.
bool obey(Database& database, const std::string& line, RowFormat& format) {
  std::istringstream words(line);
  std::string word, argument;
  words >> word >> argument;
  if (word == ".quit" || word == ".exit") return false;
  if (word == ".help") {
    print(kHelp);
  } else if (word == ".format") {
    format = parse_row_format(argument);
  } else if (word == ".schema" && argument.empty()) {
    print_table(relations_help(database));
  } else if (word == ".schema") {
    const RelationHelp help = relation_help(database, argument);
    print_wrapped(help.head);
    print_table(help.columns);
  } else {
    throw UsageError(fmt::format("there is no {}; .help tells what there is", escape_controls(word)));
  }
  return true;
}

// A Ctrl-C that came too late must not stop the next query.
void answer(Database& database, const std::string& sql, RowFormat format, const SignalWatch& signals) {
  const auto is_interrupted = [&] { return signals.wait_for(std::chrono::milliseconds(0)) != 0; };
  const QueryStop stop(database, is_interrupted);
  print_answer(database, sql, format);
  is_interrupted();
}

}  // namespace

void print_answer(Database& database, const std::string& sql, RowFormat format) {
  const std::unique_ptr<RowWriter> writer = make_row_writer(format, print);
  query_rows(
      database, sql, {}, [&](const std::vector<std::string>& names) { writer->columns(names); },
      [&](const std::vector<Value>& values) { writer->row(values); });
  writer->finish();
  if (const std::string note = writer->note(); !note.empty()) say(note);
}

int run_shell(Database& database, RowFormat format) {
  Prompt prompt(sql_history_path(), words_of(database));
  print(fmt::format("{}, read-only. A statement ends with ';'; .help tells more, Ctrl-D ends.\n",
                    database.path().string()));
  const SignalWatch signals({SIGINT});  // a line that is edited takes Ctrl-C as a key
  std::string statement;
  while (const std::optional<std::string> line = prompt.read_line(statement.empty() ? "memtrack> " : "     ...> ")) {
    if (prompt.is_cancelled()) {
      statement.clear();
      continue;
    }
    try {
      if (statement.empty() && line->starts_with('.')) {
        prompt.remember(*line);
        if (!obey(database, *line, format)) return kRight;
        continue;
      }
      statement += statement.empty() ? *line : "\n" + *line;
      if (statement.find_first_not_of(" \t\n") == std::string::npos) statement.clear();
      if (!is_complete_statement(statement)) continue;
      prompt.remember(statement);
      answer(database, std::exchange(statement, ""), format, signals);
    } catch (const OutputClosed&) {
      throw;
    } catch (const std::runtime_error& error) {  // said, and the next statement is waited for
      say(error.what());
    }
  }
  print("\n");
  return kRight;
}

}  // namespace memtrack
