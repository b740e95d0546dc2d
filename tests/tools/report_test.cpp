#include "tools/report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"
#include "tools/report/latex_table.h"
#include "tools/report/selection.h"
#include "tools/row_writer.h"
#include "tools/text.h"
#include "tools/values.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

Report load(RecordedSweep& sweep, const Figure& figure) {
  Database reader = Database::open_for_reading(sweep.path());
  Report report{.sweep = find_report_sweep(reader, ""), .figure = figure, .rows = {}};
  for_each_report_row(reader, report.sweep.sweep_id, figure, [&](const ReportRow& row) { report.rows.push_back(row); });
  return report;
}

Report load(RecordedSweep& sweep, const std::string& metric = "used") {
  return load(sweep, Figure{.metric = find_report_metric(metric)});
}

std::string text_of(const Report& report, std::size_t width = 0) {
  return render_text(report_tables(report).front(), width);
}

std::string notes_of(const Report& report) {
  std::string text;
  for (const std::string& note : report_notes(report)) {
    text += note + "\n";
  }
  return text;
}

// The cells of a column, by the last line of its title.
std::vector<std::string> column(const Report& report, const std::string& title) {
  const TextTable table = report_tables(report).front();
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].title == title) {
      std::vector<std::string> cells;
      for (const auto& row : table.rows) {
        cells.push_back(row[i]);
      }
      return cells;
    }
  }
  return {};
}

using Cells = std::vector<std::string>;

const std::vector<std::int64_t> kTenTicks = {1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900};

}  // namespace

TEST_CASE("a report shows the average over ticks beside the published figure") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks, .test_accuracy = 0.9123});
  sweep.record({.used_mib = kTenTicks, .tree_rss_mib = 250});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB") == Cells{"1450.00", "1450.00", "-"});
  CHECK(column(report, "reported\nMiB") == Cells{"2516.31", "2519.75", "-"});
  CHECK(column(report, "hidden layers") == Cells{"285-389-423-173-61", "48-236", "80"});
  CHECK(column(report, "learning\nrate") == Cells{"0.7886", "0.0583", "0.00042"});
  CHECK(column(report, "ticks") == Cells{"10", "10", "0"});
  CHECK(column(report, "state") == Cells{"done", "done", "queued"});
  CHECK(column(report, "tree rss\nMiB") == Cells{"100.00", "250.00", "-"});
  CHECK(column(report, "test\naccuracy") == Cells{"0.9123", "-", "-"});
  CHECK(contains(report_head(report), "'small list' (list): 3 trials: 1 queued, 2 done"));
  CHECK(contains(report_head(report), "interval 100ms, dataset mnist"));
  CHECK(contains(notes_of(report), "used_bytes, the whole system's total - free - buffers - cached"));
}

TEST_CASE("the average of the report is the average that SQL gives") {
  RecordedSweep sweep(list_sweep());
  const std::int64_t trial = sweep.record({.used_mib = {1001, 1002, 1005}});
  const ResultTable sql =
      query(sweep.database(), "SELECT avg(used_bytes) FROM samples WHERE kind='tick' AND trial_id = ?1", {trial});
  CHECK(load(sweep).rows.at(0).memory_bytes == std::get<double>(sql.rows.at(0).at(0)));
}

TEST_CASE("an average over few ticks is marked, and the way to more is named") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 2000}});
  sweep.record({.used_mib = kTenTicks});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB") == Cells{"1500.00*", "1450.00 ", "- "});
  CHECK(contains(notes_of(report), "*: over fewer than 10 readings; choose an --interval shorter than 100ms."));
}

TEST_CASE("a trial shorter than its interval has no average, and the report says why") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {}});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB").at(0) == "-");
  CHECK(contains(notes_of(report),
                 "-: no average of 1, since no tick fell into the trial; choose an --interval shorter than 100ms."));
}

TEST_CASE("a phase into which no tick fell is told apart from a figure that could not be read") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks});
  const std::string notes = notes_of(load(sweep, Figure{.metric = find_report_metric("used"), .phase = "load"}));
  CHECK(contains(notes,
                 "-: no average of 1, since no tick fell into phase load; choose an --interval shorter than 100ms."));
  CHECK_FALSE(contains(notes, "could read"));
}

TEST_CASE("notes name a number once and a failure with its repeat") {
  RecordedSweep sweep("method: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 3}\n");
  for (int i = 0; i < 6; ++i) {
    sweep.record({.used_mib = kTenTicks, .state = TrialState::failed, .reason = "exit code 1", .pss_skipped = 1});
  }
  const std::string notes = notes_of(load(sweep, "tree_pss"));
  CHECK(contains(notes, "Of number 1 and 2, pss was not read at times"));
  CHECK(contains(notes, "no average of 1 and 2, since no tick could read this figure"));
  CHECK(contains(notes, "2, repeat 3 failed: exit code 1;"));
}

TEST_CASE("a trial that has not begun needs no excuse") {
  RecordedSweep sweep(list_sweep());
  CHECK_FALSE(contains(notes_of(load(sweep)), "no average"));
}

TEST_CASE("a figure that no tick could read is told apart from a short trial") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks});
  const Report report = load(sweep, "used_corrected");
  CHECK(column(report, "used\n(corrected)\nMiB").at(0) == "-");
  CHECK(contains(notes_of(report), "-: no average of 1, since no tick could read this figure."));
}

TEST_CASE("another metric changes the figure and what is said of it") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks, .tree_rss_mib = 250});
  CHECK(column(load(sweep, "used_psutil"), "used\n(psutil)\nMiB").at(0) == "1400.00");
  CHECK(column(load(sweep, "used_available"), "used\n(available)\nMiB").at(0) == "4000.00");
  CHECK(column(load(sweep, "tree_rss"), "tree rss\nMiB").at(0) == "250.00");
  CHECK(column(load(sweep, "tree_rss_anon"), "tree rss\nanon MiB").at(0) == "245.00");
  CHECK(contains(notes_of(load(sweep, "tree_rss")), "tree_rss_bytes"));
  CHECK_THROWS_AS(find_report_metric("rss"), UsageError);
}

TEST_CASE("a report of pss says of which trials it was not read at times") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks});
  sweep.record({.used_mib = kTenTicks, .pss_skipped = 7});
  CHECK(contains(notes_of(load(sweep, "tree_pss")), "Of number 2, pss was not read at times"));
  CHECK_FALSE(contains(notes_of(load(sweep)), "was not read at times"));
}

TEST_CASE("the kernel's peaks and largest samples are told apart") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks, .peak_source = "kernel"});
  CHECK(column(load(sweep), "peak\nMiB").at(0) == "120.00");
  CHECK(contains(notes_of(load(sweep)), "Peak: resident memory, the kernel's high-water mark."));
  CHECK_FALSE(contains(notes_of(load(sweep)), "is a sum"));
  sweep.record({.used_mib = kTenTicks});
  CHECK(column(load(sweep), "peak\nMiB") == Cells{"120.00", ">=100.00", "-"});
  CHECK(contains(notes_of(load(sweep)), "lower bound"));
  CHECK(contains(notes_of(load(sweep)), "is a sum: pages that they share count once for each"));
}

TEST_CASE("what failed says why, and where its output is") {
  RecordedSweep sweep(list_sweep());
  const std::int64_t trial =
      sweep.record({.used_mib = kTenTicks, .state = TrialState::failed, .reason = "exit code 1\n\x1b[31mred"});
  CHECK(contains(notes_of(load(sweep)),
                 "1 failed: exit code 1\\n\\x1b[31mred; its output: memtrack logs " + std::to_string(trial)));
}

TEST_CASE("repeats are rows of their own where each is asked for") {
  RecordedSweep sweep(
      "method: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 2, order: listed}\n");
  Report report = load(sweep);
  report.fold = false;
  CHECK(column(report, "#") == Cells{"1", "1", "2", "2"});
  CHECK(column(report, "repeat") == Cells{"1", "2", "1", "2"});
}

TEST_CASE("of programs that are not ours, the parameters that vary are shown") {
  RecordedSweep sweep(
      "method: list\nprogram: train.py\nparameters: {seed: {value: 1}}\ntrials:\n"
      "  - {optimizer: {parameters: {momentum: {value: 0.5}}}, mode: fast, kernel: [1, 2]}\n"
      "  - {mode: slow, kernel: [3, 4]}\n");
  const Report report = load(sweep);
  CHECK(column(report, "mode") == Cells{"fast", "slow"});
  CHECK(column(report, "kernel") == Cells{"1-2", "3-4"});
  CHECK(column(report, "seed").empty());
  CHECK(column(report, "learning\nrate").empty());
}

TEST_CASE("a parameter that has a column of its own is not shown twice") {
  const std::vector<ReportRow> rows = {
      {.learning_rate = 0.1, .parameters = R"({"optimizer":{"lr":0.1,"name":"sgd"},"seed":1})"},
      {.learning_rate = 1, .parameters = R"({"optimizer":{"lr":1,"name":"adam"},"seed":1})"}};
  const auto varying = varying_parameters(rows);
  REQUIRE(varying.size() == 1);
  CHECK(varying[0].name == "optimizer.name");
  CHECK(varying[0].values == Cells{"sgd", "adam"});
}

TEST_CASE("a report of the paper's tables fits 80 columns and loses nothing") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks, .test_accuracy = 0.9});
  const Report report = load(sweep);
  const std::string text = text_of(report, 80);
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    CAPTURE(line);
    CHECK(display_width(line) <= 80);
  }
  for (const char* cell : {"0.7886", "1450.00", "2516.31", "done", "0.9000", "100.00"}) {
    CHECK(contains(text, cell));
  }
}

TEST_CASE("csv and json of a report hold raw bytes with full precision") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1000, 1001}, .test_accuracy = 0.9123});
  const Report report = load(sweep);
  const auto parsed = nlohmann::json::parse(report_json_object(report.rows[0], report.figure));
  CHECK(parsed["memory_bytes"].get<double>() == 3001.0 * kMiB / 3);
  CHECK(parsed["memory_mib"].get<double>() == doctest::Approx(3001.0 / 3));
  CHECK(parsed["metric"] == "used");
  CHECK(parsed["tick_count"] == 3);
  CHECK(parsed["hidden_layers"] == nlohmann::json({285, 389, 423, 173, 61}));
  CHECK(parsed["parameters"]["optimizer"] == "adam");
  CHECK(parsed["reported_memory_mib"] == 2516.309735);
  CHECK(parsed["reason"].is_null());
  const std::vector<Value> row = report_csv_row(report.rows[0], report.figure);
  CHECK(row.size() == report_csv_columns().size());
  CHECK(contains(csv_line(row), format_real(3001.0 * kMiB / 3)));
}

TEST_CASE("a sweep is found by id and by name, the latest by default") {
  RecordedSweep sweep(list_sweep() + "---\nname: second\nmethod: grid\nparameters: {epochs: {value: 1}}\n");
  CHECK(find_report_sweep(sweep.database(), "").name == "second");
  CHECK(find_report_sweep(sweep.database(), "1").name == "small list");
  CHECK(find_report_sweep(sweep.database(), "small list").sweep_id == 1);
  CHECK_THROWS_AS(find_report_sweep(sweep.database(), "third"), UsageError);
}

TEST_CASE("repeats are folded to their mean and its t interval over trials") {
  RecordedSweep sweep(
      "method: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 3, order: listed}\n");
  // Blocks of both trials; unequal counts of ticks must not weigh.
  for (const std::int64_t mib : {1000, 2000, 1010}) {
    sweep.record({.used_mib = std::vector<std::int64_t>(mib == 1010 ? 40 : 10, mib)});
    sweep.record({.used_mib = kTenTicks});
  }
  const Report report = load(sweep);
  CHECK(column(report, "#") == Cells{"1", "2"});
  // mean 1336.67, sd 574.49, t(0.975, 2) = 4.302653: 574.485567 * 4.302653 / sqrt(3) = 1427.10
  CHECK(column(report, "memory\nused\nMiB") == Cells{"1336.67 ± 1427.10", "1450.00 ± 0.00"});
  CHECK(column(report, "sd") == Cells{"574.49", "0.00"});
  CHECK(column(report, "state") == Cells{"3 done", "3 done"});
  CHECK(contains(notes_of(report), "The unit is the trial."));
  CHECK_FALSE(contains(notes_of(report), "One repeat of each"));
}

TEST_CASE("of repeats only those that are done are averaged") {
  RecordedSweep sweep("method: grid\nparameters: {batch_size: {values: [8]}}\nmemtrack: {repeats: 2}\n");
  sweep.record({.used_mib = kTenTicks});
  sweep.record({.used_mib = {10, 10}, .state = TrialState::failed});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB") == Cells{"1450.00"});
  CHECK(column(report, "state") == Cells{"1 of 2 done"});
  CHECK(contains(notes_of(report), "Without ±: one trial alone"));
}

TEST_CASE("groups hold all trials that agree in a hyperparameter") {
  RecordedSweep sweep(
      "method: grid\nparameters: {batch_size: {values: [8, 16]}, epochs: {values: [1, 2]}}\n"
      "memtrack: {order: listed}\n");
  for (const std::int64_t mib : {100, 120, 200, 240}) {
    sweep.record({.used_mib = std::vector<std::int64_t>(10, mib)});
  }
  Report report = load(sweep);
  report.group_by = {"batch_size"};
  CHECK(column(report, "batch size") == Cells{"8", "16"});
  CHECK(column(report, "trials") == Cells{"2", "2"});
  CHECK(column(report, "sd") == Cells{"14.14", "28.28"});
  CHECK(column(report, "lowest\nto highest") == Cells{"100.00 to 120.00", "200.00 to 240.00"});
  const std::vector<ReportLine> lines = report_lines(report);
  REQUIRE(lines.size() == 2);
  const std::vector<Value> row = report_group_row(report, lines[1]);
  CHECK(row.size() == report_group_columns(report).size());
  CHECK(row.at(0) == Value(std::int64_t{16}));
  CHECK(std::get<double>(row.at(5)) == doctest::Approx(220));
}

TEST_CASE("median, 95th percentile and peak are those of the trial's readings") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100, 5000}});
  const auto figure = [&](Statistic statistic, std::optional<std::string> phase = {}) {
    return load(sweep, Figure{.metric = find_report_metric("used"), .statistic = statistic, .phase = phase})
        .rows.at(0)
        .memory_bytes;
  };
  CHECK(figure(Statistic::median) == 1100.0 * kMiB);
  CHECK(figure(Statistic::p95) == doctest::Approx(4610.0 * kMiB));
  CHECK(figure(Statistic::peak) == 5000.0 * kMiB);
  CHECK(figure(Statistic::median, "train") == 1100.0 * kMiB);
  CHECK(figure(Statistic::mean, "train") == doctest::Approx(7100.0 / 3 * kMiB));
  CHECK(figure(Statistic::mean, "load") == std::nullopt);
}

TEST_CASE("a peak says whether it is exact, and exact ones are not averaged with lower bounds") {
  RecordedSweep sweep("method: grid\nparameters: {batch_size: {values: [8]}}\nmemtrack: {repeats: 2}\n");
  sweep.record({.used_mib = kTenTicks, .peak_source = "kernel"});
  sweep.record({.used_mib = kTenTicks});
  Report report = load(sweep, Figure{.metric = find_report_metric("tree_rss"), .statistic = Statistic::peak});
  CHECK(column(report, "peak\ntree rss\nMiB") == Cells{"mixed"});
  CHECK(contains(notes_of(report), "not averaged together"));
  report.fold = false;
  CHECK(column(report, "peak\ntree rss\nMiB") == Cells{"120.00", ">=100.00"});
}

TEST_CASE("every metric has every statistic of the whole trial and of a phase as its samples have it") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100, 1200, 1900}, .tree_rss_mib = 250});
  Database reader = Database::open_for_reading(sweep.path());  // with functions of ours
  const auto asked = [&](const std::string& aggregate, const std::string& rows) {
    return real_of(
        query(reader, "SELECT " + aggregate + " FROM samples WHERE trial_id = 1 AND kind " + rows).rows.at(0).at(0));
  };
  for (const ReportMetric& metric : report_metrics()) {
    const auto of_samples = [&](Statistic statistic, const std::string& phase) {
      const std::string column(metric.column);
      const std::string ticks = "= 'tick'" + phase;
      switch (statistic) {
        case Statistic::median:
          return asked("median(" + column + ")", ticks);
        case Statistic::p95:
          return asked("percentile(" + column + ", 95)", ticks);
        case Statistic::peak:
          return asked("max(" + column + ")", (metric.baseline.empty() ? "<> 'baseline'" : "= 'tick'") + phase);
        case Statistic::mean:
          break;
      }
      return asked("avg(" + column + ")", ticks);
    };
    for (const Statistic statistic : {Statistic::mean, Statistic::median, Statistic::p95, Statistic::peak}) {
      for (const auto& phase : {std::optional<std::string>(), std::optional<std::string>("train")}) {
        CAPTURE(metric.name);
        CAPTURE(to_string(statistic));
        const Figure figure{.metric = metric, .statistic = statistic, .phase = phase};
        const std::vector<ReportRow> rows = load(sweep, figure).rows;
        REQUIRE(rows.size() == 3);
        CHECK(rows[0].memory_bytes == of_samples(statistic, phase ? " AND phase = 'train'" : ""));
      }
    }
  }
}

TEST_CASE("the whole trial's mean is called the paper's form, and a phase is named") {
  const ReportMetric& used = find_report_metric("used");
  CHECK(
      contains(figure_sentence({.metric = used}), "mean over the ticks of the whole trial, which is the paper's form"));
  CHECK(contains(figure_sentence({.metric = used, .statistic = Statistic::p95, .phase = "train"}),
                 "95th percentile of the ticks of phase train"));
}

TEST_CASE("the nearest metric is named where one is misspelt") {
  CHECK_THROWS_WITH_AS(find_report_metric("tree_anon_rss"), doctest::Contains("the metrics are used, used_psutil"),
                       UsageError);
  CHECK_THROWS_WITH_AS(find_report_metric("tree_ps"), doctest::Contains("did you mean 'tree_pss'?"), UsageError);
  CHECK(find_report_metric("tree_pss_bytes").name == "tree_pss");
}

TEST_CASE("layers are columns as in the paper's Table 1, or a table of their own as in its Tables 2 and 3") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks});
  Report report = load(sweep);
  report.form = ReportForm::columns;
  const TextTable table = report_tables(report).at(0);
  CHECK(table.columns.at(4).title == "HL 1");
  CHECK(table.columns.at(9).title == "memory\nused\nMiB");
  CHECK(table.rows.at(0) == Cells{"1", "0.7886", "18", "8", "285", "389", "423", "173", "61", "1450.00", "2516.31"});
  CHECK(table.rows.at(1) == Cells{"2", "0.0583", "25", "40", "48", "236", "-", "-", "-", "-", "2519.75"});
  report.form = ReportForm::apart;
  const std::vector<TextTable> tables = report_tables(report);
  REQUIRE(tables.size() == 2);
  CHECK(tables[0].columns.size() == 6);
  CHECK(tables[1].columns.size() == 6);
  CHECK(tables[1].columns[5].title == "Layer 5");
  CHECK(tables[1].rows[1] == Cells{"2", "48", "236", "-", "-", "-"});
}

TEST_CASE("rows are filtered and sorted by columns and parameters") {
  const std::vector<ReportRow> rows = {
      {.number = 1, .batch_size = 8, .parameters = R"({"optimizer":{"name":"sgd","lr":0.5}})", .memory_bytes = 3.0},
      {.number = 2, .batch_size = 32, .parameters = R"({"optimizer":{"name":"adam","lr":0.1}})"},
      {.number = 3, .batch_size = 8, .parameters = R"({"optimizer":{"name":"adam"}})", .memory_bytes = 5.0}};
  const struct {
    const char* filter;
    std::vector<std::int64_t> numbers;
  } cases[] = {{"batch_size=8", {1, 3}},  {"batch_size!=8", {2}},          {"batch_size>=8", {1, 2, 3}},
               {"batch_size<32", {1, 3}}, {"optimizer.name=adam", {2, 3}}, {"optimizer.lr>0.2", {1}},
               {"memory<=3", {1}},        {"dataset=mnist", {}},           {"optimizer.name>5", {1, 2, 3}},
               {"batch_size=eight", {}}};
  for (const auto& c : cases) {
    CAPTURE(c.filter);
    std::vector<std::int64_t> numbers;
    for (const ReportRow& row : rows) {
      if (passes(row, parse_filter(c.filter))) numbers.push_back(row.number);
    }
    CHECK(numbers == c.numbers);
  }
  const auto sorted = [&](const std::vector<std::string>& names) {
    std::vector<ReportRow> copy = rows;
    sort_rows(copy, names);
    std::vector<std::int64_t> numbers;
    for (const ReportRow& row : copy) numbers.push_back(row.number);
    return numbers;
  };
  CHECK(sorted({"-memory"}) == std::vector<std::int64_t>{3, 1, 2});
  CHECK(sorted({"memory"}) == std::vector<std::int64_t>{1, 3, 2});
  CHECK(sorted({"batch_size", "-number"}) == std::vector<std::int64_t>{3, 1, 2});
  CHECK(sorted({"optimizer.lr"}) == std::vector<std::int64_t>{2, 1, 3});
  CHECK_THROWS_WITH_AS(check_field(rows, "batchsize", "--sort"), doctest::Contains("did you mean 'batch_size'?"),
                       UsageError);
  CHECK_THROWS_AS(parse_filter("batch_size"), UsageError);
  CHECK_THROWS_AS(parse_filter("=8"), UsageError);
}

TEST_CASE("an order that was listed and a single repeat are warned of") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = kTenTicks});
  CHECK(contains(notes_of(load(sweep)), "One repeat of each"));
  CHECK(contains(notes_of(load(sweep)), "The trials ran in the order listed"));
  RecordedSweep shuffled("method: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 2}\n");
  CHECK_FALSE(contains(notes_of(load(shuffled)), "in the order listed"));
  CHECK_FALSE(contains(notes_of(load(shuffled)), "One repeat"));
}

TEST_CASE("LaTeX takes the table as it is") {
  const TextTable table = {.columns = {{.title = "a_b"}, {.title = "memory\nMiB", .is_number = true}},
                           .rows = {{"50% & #1", ">=1.00 ± 0.20"}}};
  CHECK(render_latex(table) ==
        "\\begin{tabular}{lr}\n\\hline\n"
        "a\\_b & \\begin{tabular}[b]{@{}r@{}}memory \\\\ MiB\\end{tabular} \\\\\n\\hline\n"
        "50\\% \\& \\#1 & $\\geq$1.00 $\\pm$ 0.20 \\\\\n\\hline\n\\end{tabular}\n");
}

TEST_CASE("LaTeX takes a row that begins with a bracket or a star") {
  const TextTable table = {.columns = {{.title = "betas"}}, .rows = {{"[0.9,0.999]"}, {"*"}, {"a [b] *"}}};
  CHECK(contains(render_latex(table), "\n{}[0.9,0.999] \\\\\n{}* \\\\\na [b] * \\\\\n"));
}

TEST_CASE("the row of a single trial is read alone") {
  RecordedSweep sweep(list_sweep());
  for (int i = 0; i < 3; ++i) sweep.record({.used_mib = kTenTicks});
  for (const auto& phase : {std::optional<std::string>(), std::optional<std::string>("train")}) {
    std::vector<std::int64_t> trials;
    for_each_report_row(
        sweep.database(), 1, Figure{.metric = find_report_metric("used"), .phase = phase},
        [&](const ReportRow& row) { trials.push_back(row.trial_id); }, 2);
    CHECK(trials == std::vector<std::int64_t>{2});
  }
}
