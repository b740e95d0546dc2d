// memtrack report: the paper's tables.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "sweeps/nearest_name.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/output_file.h"
#include "tools/report/html_report.h"
#include "tools/report/latex_table.h"
#include "tools/report/phase.h"
#include "tools/report/report.h"
#include "tools/report/selection.h"
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
  std::string statistic = "mean";
  std::string phase;
  bool whole_trial = false;
  bool minus_baseline = false;
  bool each = false;
  std::string form = "full";
  std::string output;
  bool force = false;
  std::vector<std::string> group_by;
  std::vector<std::string> sort;
  std::vector<std::string> filters;
};

RowFormat parse_report_format(const std::string& text) {
  try {
    return parse_row_format(text);
  } catch (const UsageError&) {
    throw UsageError(fmt::format("--format is {}, and would have to be table, markdown, latex, html, csv or json",
                                 memtrack::quoted(text)));
  }
}

// A comparison of groups is of the training, where trials tell it; what else is asked for stands.
std::optional<std::string> asked_phase(const ReportOptions& options, Database& database, std::int64_t sweep_id) {
  const bool is_comparison = !options.group_by.empty();
  if (options.whole_trial || (options.phase.empty() && !is_comparison)) return std::nullopt;
  return choose_phase(options.phase, {report_phases(database, sweep_id)});
}

Report read_report(const ReportOptions& options) {
  Report report{.sweep = {},
                .figure = {.metric = find_report_metric(options.metric),
                           .statistic = parse_statistic(options.statistic),
                           .minus_baseline = options.minus_baseline},
                .rows = {},
                .form = parse_report_form(options.form),
                .fold = !options.each,
                .group_by = options.group_by};
  check_figure(report.figure);
  std::vector<Filter> filters;
  for (const std::string& text : options.filters) filters.push_back(parse_filter(text));
  Database database = open_for_reading(options.database);
  report.sweep = find_report_sweep(database, options.sweep);
  report.figure.phase = asked_phase(options, database, report.sweep.sweep_id);
  for_each_report_row(database, report.sweep.sweep_id, report.figure,
                      [&](const ReportRow& row) { report.rows.push_back(row); });
  for (const Filter& filter : filters) {
    check_field(report.rows, filter.name, "--filter");
    std::erase_if(report.rows, [&](const ReportRow& row) { return !passes(row, filter); });
  }
  for (const std::string& name : options.group_by) check_field(report.rows, name, "--group-by");
  for (const std::string& name : options.sort) {
    check_field(report.rows, std::string_view(name).substr(name.starts_with('-') ? 1 : 0), "--sort");
  }
  sort_rows(report.rows, options.sort);
  return report;
}

void refuse_nothing(const Report& report, const ReportOptions& options) {
  if (!report.rows.empty()) return;
  throw UsageError(options.filters.empty()
                       ? fmt::format("sweep {} '{}' has no trials to report", report.sweep.sweep_id,
                                     escape_controls(report.sweep.name))
                       : fmt::format("no trial of sweep {} '{}' passes --filter {}", report.sweep.sweep_id,
                                     escape_controls(report.sweep.name), fmt::join(options.filters, " --filter ")));
}

// csv and json hold a row a trial, or a row a group.
void print_for_programs(const Report& report, RowFormat format) {
  if (!report.group_by.empty()) {
    const auto writer = make_row_writer(format, print);
    writer->columns(report_group_columns(report));
    for (const ReportLine& line : report_lines(report)) writer->row(report_group_row(report, line));
    writer->finish();
  } else if (format == RowFormat::csv) {
    const std::vector<std::string> names = report_csv_columns();
    print(csv_line({names.begin(), names.end()}));
    for (const ReportRow& row : report.rows) print(csv_line(report_csv_row(row, report.figure)));
  } else {
    std::string separator = "[\n";
    for (const ReportRow& row : report.rows) {
      print(separator + report_json_object(row, report.figure));
      separator = ",\n";
    }
    print("\n]\n");
  }
}

void print_lines(const std::string& text, const std::string& prefix, std::size_t width) {
  for (const std::string& line : wrap_words(text, width)) print(prefix + line + "\n");
}

void print_text(const Report& report) {
  print(report_head(report) + "\n");
  for (const TextTable& table : report_tables(report)) print(render_text(table, output_width()) + "\n");
  for (const std::string& note : report_notes(report)) print_lines(note, "", output_width());
}

void print_markdown(const Report& report) {
  print(report_head(report) + "\n");
  for (const TextTable& table : report_tables(report)) print(render_markdown(table) + "\n");
  for (const std::string& note : report_notes(report)) print(note + "\n\n");
}

// What stands around the tables is for whoever writes: comments.
void print_latex(const Report& report) {
  constexpr std::size_t kWidth = 100;
  const std::string head = report_head(report);
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = head.find('\n', at);
    print("% " + head.substr(at, end - at) + "\n");
    at = end + 1;
  }
  for (const TextTable& table : report_tables(report)) print(render_latex(table));
  for (const std::string& note : report_notes(report)) print_lines(note, "% ", kWidth);
}

void put_html(const Report& report, const ReportOptions& options) {
  Database database = open_for_reading(options.database);
  const std::string page = html_page(report, report_charts(database, report));
  options.output.empty() ? print(page) : write_output_file(options.output, page, options.force);
}

int run_report(const ReportOptions& options) {
  const bool is_latex = options.format == "latex", is_html = options.format == "html";
  const RowFormat format = is_latex || is_html ? RowFormat::table : parse_report_format(options.format);
  if (!is_html && !options.output.empty()) {
    throw UsageError(
        "--output goes with --format html; other formats go to standard output, and '> FILE' catches them");
  }
  if (!options.output.empty()) check_output_file(options.output, options.force);
  const Report report = read_report(options);
  refuse_nothing(report, options);
  if (is_html) {
    put_html(report, options);
  } else if (is_latex) {
    print_latex(report);
  } else if (format == RowFormat::table) {
    print_text(report);
  } else if (format == RowFormat::markdown) {
    print_markdown(report);
  } else {
    print_for_programs(report, format);
  }
  return kRight;
}

std::string metric_names() {
  std::vector<std::string_view> names;
  for (const ReportMetric& metric : report_metrics()) names.push_back(metric.name);
  return join_names(names);
}

void add_figure_options(CLI::App& command, ReportOptions& options) {
  command.add_option("--metric", options.metric, "The memory to show: " + metric_names())->capture_default_str();
  command.add_option("--statistic", options.statistic, "Of a trial's readings: mean, median, p95 or peak")
      ->capture_default_str();
  command
      .add_option("--phase", options.phase, "Of this phase alone (default: the whole trial; with --group-by: train)")
      ->type_name("NAME");
  command.add_flag("--whole-trial", options.whole_trial, "Of the whole trial, also with --group-by")
      ->excludes("--phase");
  command.add_flag("--minus-baseline", options.minus_baseline,
                   "Also without what the idle system used ('baseline' in the sweep file)");
}

void add_shape_options(CLI::App& command, ReportOptions& options) {
  command
      .add_option("--form", options.form,
                  "full; columns: a column a hidden layer, as the paper's Table 1; apart: layers in a table of their "
                  "own, as its Tables 2 to 5")
      ->capture_default_str();
  command.add_flag("--each", options.each, "A line for each trial; without it, repeats are one line: mean ± 95%");
  command
      .add_option("--group-by", options.group_by,
                  "One line for all trials that agree in these hyperparameters: batch_size, optimizer.lr, ...")
      ->delimiter(',')
      ->type_name("NAME,...");
  command.add_option("--sort", options.sort, "By number, memory, peak, a hyperparameter, ...; -NAME: largest first")
      ->delimiter(',')
      ->type_name("NAME,...");
  command.add_option("--filter", options.filters, "Only trials with: batch_size=32, depth>=5, state=done (repeatable)")
      ->type_name("NAME=VALUE");
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "A sweep's trials: hyperparameters, memory used, peak, accuracy");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
  command->add_option("--format", options->format, "table, markdown, latex, html (one page to be mailed), csv or json")
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Of html: into this file (default: standard output)")
      ->type_name("FILE");
  command->add_flag("--force", options->force, "Replace the file where it is there already");
  add_figure_options(*command, *options);
  add_shape_options(*command, *options);
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack report\n"
               "memtrack report paper-mnist --form columns --metric used_psutil\n"
               "memtrack report --metric tree_rss_anon --group-by batch_size\n"
               "memtrack report --statistic peak --metric tree_rss --sort=-memory --filter depth>=5\n"
               "memtrack report 3 --format csv > report.csv\n"
               "memtrack report 3 --format html -o report.html");
  command->callback([options, &action] { action = [options] { return run_report(*options); }; });
}

}  // namespace memtrack
