#include "tools/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"
#include "tools/row_writer.h"
#include "tools/text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

Report load(RecordedSweep& sweep, const std::string& metric = "used") {
  const ReportMetric& found = find_report_metric(metric);
  Report report{.sweep = find_report_sweep(sweep.database(), ""), .metric = found, .rows = {}};
  for_each_report_row(sweep.database(), report.sweep.sweep_id, found,
                      [&](const ReportRow& row) { report.rows.push_back(row); });
  return report;
}

std::string text_of(const Report& report, std::size_t width = 0) {
  return render_text(report_table(report), width);
}

std::string notes_of(const Report& report) {
  std::string text;
  for (const std::string& note : report_notes(report)) {
    text += note + "\n";
  }
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The cells of a column, by the last line of its title.
std::vector<std::string> column(const Report& report, const std::string& title) {
  const TextTable table = report_table(report);
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
  CHECK(load(sweep).rows.at(0).average_bytes == std::get<double>(sql.rows.at(0).at(0)));
}

TEST_CASE("an average over few ticks is marked, and the way to more is named") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 2000}});
  sweep.record({.used_mib = kTenTicks});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB") == Cells{"1500.00*", "1450.00 ", "- "});
  CHECK(contains(notes_of(report), "*: a mean over fewer than 10 readings; choose an --interval shorter than 100ms."));
}

TEST_CASE("a trial shorter than its interval has no average, and the report says why") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {}});
  const Report report = load(sweep);
  CHECK(column(report, "memory\nused\nMiB").at(0) == "-");
  CHECK(contains(notes_of(report), "-: no average, since 1 was shorter than the interval of 100ms"));
  CHECK(contains(notes_of(report), "--interval"));
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

TEST_CASE("repeats are rows of their own") {
  RecordedSweep sweep(
      "method: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 2, order: listed}\n");
  const Report report = load(sweep);
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
  const auto parsed = nlohmann::json::parse(report_json_object(report.rows[0], report.metric));
  CHECK(parsed["memory_bytes"].get<double>() == 3001.0 * kMiB / 3);
  CHECK(parsed["memory_mib"].get<double>() == doctest::Approx(3001.0 / 3));
  CHECK(parsed["metric"] == "used");
  CHECK(parsed["tick_count"] == 3);
  CHECK(parsed["hidden_layers"] == nlohmann::json({285, 389, 423, 173, 61}));
  CHECK(parsed["parameters"]["optimizer"] == "adam");
  CHECK(parsed["reported_memory_mib"] == 2516.309735);
  CHECK(parsed["reason"].is_null());
  const std::vector<Value> row = report_csv_row(report.rows[0], report.metric);
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
