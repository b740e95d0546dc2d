// memtrack report: the paper's tables.

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands.h"
#include "tools/report.h"
#include "tools/row_writer.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct ReportOptions {
  std::string database;
  std::string sweep;
  std::string format = "table";
  std::string metric = "used";
};

void stream_csv(Database& database, const ReportSweep& sweep, const ReportMetric& metric) {
  const std::vector<std::string> names = report_csv_columns();
  print(csv_line({names.begin(), names.end()}));
  for_each_report_row(database, sweep.sweep_id, metric,
                      [&](const ReportRow& row) { print(csv_line(report_csv_row(row, metric))); });
}

void stream_json(Database& database, const ReportSweep& sweep, const ReportMetric& metric) {
  std::string separator = "[\n";
  for_each_report_row(database, sweep.sweep_id, metric, [&](const ReportRow& row) {
    print(separator + report_json_object(row, metric));
    separator = ",\n";
  });
  print(separator == "[\n" ? "[]\n" : "\n]\n");
}

void print_for_people(const Report& report, RowFormat format) {
  print(report_head(report) + "\n");
  const TextTable table = report_table(report);
  print(format == RowFormat::markdown ? render_markdown(table) : render_text(table, output_width()));
  print("\n");
  for (const std::string& note : report_notes(report)) {
    for (const std::string& line : fold_to_width(note, format == RowFormat::markdown ? 1000 : output_width())) {
      print(line + "\n");
    }
    print(format == RowFormat::markdown ? "\n" : "");
  }
}

int run_report(const ReportOptions& options) {
  const RowFormat format = parse_row_format(options.format);
  const ReportMetric& metric = find_report_metric(options.metric);
  Database database = open_for_reading(options.database);
  const ReportSweep sweep = find_report_sweep(database, options.sweep);
  if (format == RowFormat::csv) {
    stream_csv(database, sweep, metric);
  } else if (format == RowFormat::json) {
    stream_json(database, sweep, metric);
  } else {
    Report report{.sweep = sweep, .metric = metric, .rows = {}};
    for_each_report_row(database, sweep.sweep_id, metric, [&](const ReportRow& row) { report.rows.push_back(row); });
    print_for_people(report, format);
  }
  return 0;
}

std::string metric_names() {
  std::string names;
  for (const ReportMetric& metric : report_metrics()) {
    names += (names.empty() ? "" : ", ") + std::string(metric.name);
  }
  return names;
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "A sweep's trials: hyperparameters, memory used, peak, accuracy");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
  command->add_option("--format", options->format, "table, markdown, csv or json")->capture_default_str();
  command->add_option("--metric", options->metric, "The average to show: " + metric_names())->capture_default_str();
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack report\n"
               "memtrack report paper-mnist --metric used_psutil\n"
               "memtrack report 3 --format csv > report.csv");
  command->callback([options, &action] { action = [options] { return run_report(*options); }; });
}

}  // namespace memtrack
