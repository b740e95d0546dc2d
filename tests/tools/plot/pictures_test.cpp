// What is in the pictures of trials whose figures are known by construction.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sweeps/event.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"
#include "tools/plot/effects_picture.h"
#include "tools/plot/hyperparameter_picture.h"
#include "tools/plot/tensor_picture.h"
#include "tools/plot/time_picture.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

const Figure kPeak{.metric = find_report_metric("tree_rss"), .statistic = Statistic::peak};
const Figure kUsed{.metric = find_report_metric("used")};

std::vector<ReportRow> rows_of(RecordedSweep& sweep, const Figure& figure) {
  std::vector<ReportRow> rows;
  for_each_report_row(sweep.database(), 1, figure, [&](const ReportRow& row) { rows.push_back(row); });
  return rows;
}

std::string tensors(const std::string& phase, std::int64_t data_mib, std::int64_t parameters_mib) {
  const std::vector<TensorMemory> held = {
      {.kind = "activations", .layer = "", .bytes = 0, .peak_bytes = kMiB},
      {.kind = "parameters", .layer = "hidden1", .bytes = parameters_mib * kMiB, .peak_bytes = parameters_mib * kMiB},
      {.kind = "parameters", .layer = "output", .bytes = kMiB, .peak_bytes = kMiB},
      {.kind = "data", .layer = "", .bytes = data_mib * kMiB, .peak_bytes = data_mib * kMiB}};
  return encode_tensor_memory(phase, held).at(0);
}

RecordedTrialFigures told_trial(std::int64_t tree_rss_mib = 100) {
  return {.used_mib = {1000, 1010, 1020, 1030},
          .tree_rss_mib = tree_rss_mib,
          .peak_source = "kernel",
          .events = {{0.05, encode_phase("load")},
                     {0.1, tensors("load", 50, 2)},
                     {0.15, encode_phase("train")},
                     {0.2, encode_epoch({.epoch = 1, .values = {{"train_loss", 0.5}}})},
                     {0.3, encode_epoch({.epoch = 2, .values = {{"train_loss", 0.4}}})},
                     {0.31, tensors("train", 60, 4)}}};
}

// Repeats of two networks at two batch sizes.
std::string grid(const std::string& more = "") {
  return "name: grid\nmethod: grid\nparameters: {dataset: {value: mnist}, batch_size: {values: [8, 64]}, "
         "hidden_layers: {values: [[10], [20, 20]]}" +
         more + "}\nmemtrack: {interval: 100ms, repeats: 2, order: listed}\n";
}

const Series& series_titled(const Panel& panel, const std::string& title) {
  for (const Series& series : panel.series) {
    if (series.title.starts_with(title)) return series;
  }
  FAIL("no series ", title);
  return panel.series.front();
}

std::string titles_of(const Picture& picture) {
  std::string titles;
  for (const Panel& panel : picture.panels) titles += panel.title + "; ";
  return titles;
}

}  // namespace

TEST_CASE("a trial's curve has its samples in MiB over seconds with its phases and epochs and both peaks") {
  RecordedSweep sweep(list_sweep());
  sweep.record(told_trial());
  const TrialCurve curve = read_trial_curve(sweep.database(), rows_of(sweep, kPeak).at(0), kPeak.metric, 600);
  REQUIRE(curve.points.size() == 5);  // the start, and four ticks
  CHECK(curve.points[0].x == 0);
  CHECK(curve.points[0].y == 1);
  CHECK(curve.points[4].x == doctest::Approx(0.4));
  CHECK(curve.points[4].y == 100);
  REQUIRE(curve.phases.size() == 2);
  CHECK(curve.phases[0].name == "load");
  CHECK(curve.phases[0].from == doctest::Approx(0.05));
  CHECK(curve.phases[0].to == doctest::Approx(0.15));
  CHECK(curve.phases[1].to == doctest::Approx(curve.end_seconds));
  REQUIRE(curve.epochs.size() == 2);
  CHECK(curve.epochs[1].x == doctest::Approx(0.3));
  CHECK(curve.epochs[1].text == "2");
  CHECK(curve.peak->y == 100);
  CHECK(curve.kernel_peak_mib == 120);
}

TEST_CASE("the picture of one trial is shaded by phases and the kernel's mark is a line above its samples") {
  RecordedSweep sweep(list_sweep());
  sweep.record(told_trial());
  const TrialCurve curve = read_trial_curve(sweep.database(), rows_of(sweep, kPeak).at(0), kPeak.metric, 600);
  const Panel panel = time_picture({curve}, kPeak, "a").panels.at(0);
  CHECK(panel.y.title == "tree_rss (MiB)");
  CHECK(panel.x.title == "time since the start (s)");
  CHECK(phase_names(panel) == std::vector<std::string>{"load", "train"});
  CHECK(panel.marks.size() == 2);
  CHECK(series_titled(panel, "trial 1: peak 120.00 MiB").drawn == Drawn::line);
  CHECK(series_titled(panel, "kernel's high-water mark").points.at(0).y == 120);
  CHECK(series_titled(panel, "largest sample").points.at(0).y == 100);
  CHECK(range_of(panel.y, y_values(panel)).high > 120);
}

TEST_CASE("a peak that is only the largest sample is called a lower bound") {
  RecordedSweep sweep(list_sweep());
  RecordedTrialFigures figures = told_trial();
  figures.peak_source.reset();
  sweep.record(figures);
  const TrialCurve curve = read_trial_curve(sweep.database(), rows_of(sweep, kPeak).at(0), kPeak.metric, 600);
  const Picture picture = time_picture({curve}, kPeak, "a");
  CHECK_FALSE(curve.kernel_peak_mib);
  CHECK(series_titled(picture.panels[0], "trial 1: peak >=100.00 MiB").points.size() == 5);
  CHECK(picture.notes.back() == ">=: the largest sample, a lower bound of the peak.");
}

TEST_CASE("several trials share the axes and each has its phases in a strip") {
  RecordedSweep sweep(list_sweep());
  sweep.record(told_trial(100));
  sweep.record(told_trial(200));
  std::vector<TrialCurve> curves;
  for (const ReportRow& row : rows_of(sweep, kPeak)) {
    TrialCurve curve = read_trial_curve(sweep.database(), row, kPeak.metric, 600);
    if (!curve.points.empty()) curves.push_back(curve);
  }
  REQUIRE(curves.size() == 2);  // the third has not begun
  const Panel panel = time_picture(curves, kPeak, "a").panels.at(0);
  CHECK(panel.phases.size() == 2);
  CHECK(panel.marks.empty());
  CHECK(series_titled(panel, "2 (trial 2): peak 220.00 MiB").colour == 1);
}

TEST_CASE("a metric that no sample could read gives a curve without points") {
  RecordedSweep sweep(list_sweep());
  sweep.record(told_trial());
  CHECK(read_trial_curve(sweep.database(), rows_of(sweep, kPeak).at(0), find_report_metric("tree_swap"), 600)
            .points.empty());
}

TEST_CASE("memory stands against the paper's hyperparameters that vary and repeats are one point with their interval") {
  RecordedSweep sweep(grid());
  for (const std::int64_t used : {1000, 1100, 1200, 1300, 1010, 1110, 1210, 1310}) {
    sweep.record({.used_mib = {used}});
  }
  const Picture picture = hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {}, "grid");
  CHECK(titles_of(picture) ==
        "memory against number of hidden layers; memory against batch size; memory against nodes in hidden layers; "
        "memory against weights and biases; ");
  const Panel& batch = picture.panels.at(1);
  CHECK(batch.y.title == "used (MiB)");
  REQUIRE(batch.series.size() == 1);
  REQUIRE(batch.series[0].points.size() == 4);
  const Point& first = batch.series[0].points[0];
  CHECK(first.x == 8);
  CHECK(first.y == doctest::Approx(1005));
  // t(0.975, 1) = 12.7062; sd 7.0711; half the interval 12.7062 * 7.0711 / sqrt(2)
  CHECK(first.interval->high == doctest::Approx(1005 + 63.531).epsilon(1e-5));
  const Picture each = hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {.each = true}, "grid");
  CHECK(each.panels.at(1).series[0].points.size() == 8);
  CHECK_FALSE(each.panels.at(1).series[0].points[0].interval);
}

TEST_CASE("data sets are told apart by colour within and across sweeps") {
  RecordedSweep sweep(grid());
  for (int i = 0; i < 8; ++i) sweep.record({.used_mib = {1000 + i}});
  const std::vector<ReportRow> rows = rows_of(sweep, kUsed);
  std::vector<ReportRow> others = rows;
  for (ReportRow& row : others) row.dataset = "cifar-10";
  const Panel panel = hyperparameter_picture({rows, others}, kUsed, {}, "two").panels.at(0);
  REQUIRE(panel.series.size() == 2);
  CHECK(panel.series[0].title == "mnist");
  CHECK(panel.series[1].title == "cifar-10");
  CHECK(panel.series[1].points.size() == 4);
}

TEST_CASE("a picture says how many trials it leaves out") {
  RecordedSweep sweep(list_sweep());
  for (int i = 0; i < 2; ++i) sweep.record({.used_mib = {1000 + i}});
  CHECK(hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {}, "list").notes.at(1) ==
        "2 of 3 trials are done and have this figure; the others are not drawn.");
}

TEST_CASE("words are places of their own and wide ranges are logarithmic") {
  RecordedSweep sweep(
      "name: words\nmethod: list\nparameters: {dataset: {value: mnist}}\ntrials:\n"
      "  - {optimizer: sgd, learning_rate: 0.0001}\n  - {optimizer: adam, learning_rate: 0.1}\n"
      "  - {optimizer: sgd, learning_rate: 0.01}\nmemtrack: {interval: 100ms}\n");
  for (int i = 0; i < 3; ++i) sweep.record({.used_mib = {1000 + i}});
  const Picture picture =
      hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {.against = {"optimizer", "learning_rate"}}, "words");
  CHECK(picture.panels.at(0).x.words == std::vector<std::string>{"adam", "sgd"});
  CHECK(picture.panels[0].series[0].points.at(0).x == 1);
  CHECK(picture.panels.at(1).x.is_logarithmic);
  const AxisRange range = range_of(picture.panels[1].x, x_values(picture.panels[1]));
  CHECK(range.low > 0);
  CHECK(range.low < 0.0001);
}

TEST_CASE("published figures stand beside ours where they are asked for") {
  RecordedSweep sweep(list_sweep());
  for (int i = 0; i < 3; ++i) sweep.record({.used_mib = {1000 + i}});
  const Panel panel =
      hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {.with_reported = true}, "list").panels.at(0);
  CHECK(series_titled(panel, "measured").points.size() == 3);
  CHECK(series_titled(panel, "published").points.size() == 2);
  CHECK(series_titled(panel, "published").points[0].y == 2516.309735);
  CHECK(series_titled(panel, "published").drawn == Drawn::hollow_points);
}

TEST_CASE("what cannot be drawn against hyperparameters is refused in a sentence") {
  RecordedSweep sweep(list_sweep());
  const std::vector<ReportRow> none = rows_of(sweep, kUsed);
  CHECK_THROWS_WITH_AS(hyperparameter_picture({none}, kUsed, {}, "sweep 1 'small list'"),
                       "sweep 1 'small list': no trial is done and has used_bytes; 'memtrack report' says why",
                       UsageError);
  sweep.record({.used_mib = {1000}, .peak_source = "kernel"});
  CHECK_THROWS_AS(hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {}, "one"), UsageError);
  sweep.record({.used_mib = {1000}});
  CHECK_THROWS_AS(hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {.against = {"batchsize"}}, "a"), UsageError);
  CHECK_THROWS_AS(hyperparameter_picture({rows_of(sweep, kUsed)}, kUsed, {.by = "optimiser"}, "a"), UsageError);
  // One peak is the kernel's, the other the largest sample.
  CHECK_THROWS_AS(hyperparameter_picture({rows_of(sweep, kPeak)}, kPeak, {}, "a"), UsageError);
}

TEST_CASE("tensors of a trial lie on top of each other in each phase") {
  RecordedSweep sweep(list_sweep());
  sweep.record(told_trial());
  const Panel panel = tensors_over_time(sweep.database(), rows_of(sweep, kUsed).at(0), "trial 1").panels.at(0);
  CHECK(panel.y.title == "tensors (MiB)");
  REQUIRE(panel.series.size() == 3);
  CHECK(panel.series[0].title == "data: 60.00 MiB");
  CHECK(panel.series[1].title == "parameters: 5.00 MiB");  // of two layers
  CHECK(panel.series[2].title == "activations: 1.00 MiB");
  const Point& data = panel.series[0].points.back();
  const Point& parameters = panel.series[1].points.back();
  CHECK(data.interval->low == 0);
  CHECK(data.interval->high == 60);
  CHECK(parameters.interval->low == 60);
  CHECK(parameters.interval->high == 65);
  CHECK(panel.series[1].points.front().interval->high == 53);  // load: 50 and 2 + 1
  CHECK(panel.series[2].points.back().interval->high == 66);
}

TEST_CASE("tensors of several trials stand side by side in the order of a hyperparameter") {
  RecordedSweep sweep(grid());
  for (int i = 0; i < 8; ++i) sweep.record(told_trial());
  const Panel panel = tensors_of_trials(sweep.database(), rows_of(sweep, kUsed), "", "batch_size", "grid").panels.at(0);
  CHECK(panel.x.words == std::vector<std::string>{"8", "8", "64", "64"});
  CHECK(panel.y.title == "tensors in phase train (MiB)");
  CHECK(panel.series.at(0).points.size() == 4);
  CHECK(panel.series.at(1).points.at(0).interval->low == 60);
  CHECK_THROWS_AS(tensors_of_trials(sweep.database(), rows_of(sweep, kUsed), "trian", "", "grid"), UsageError);
}

TEST_CASE("a repeat that told nothing of the phase does not make the others smaller") {
  RecordedSweep sweep("method: grid\nparameters: {batch_size: {value: 8}}\nmemtrack: {repeats: 3}\n");
  for (int i = 0; i < 2; ++i) sweep.record(told_trial());
  RecordedTrialFigures lossy = told_trial();
  lossy.events.pop_back();  // what it told of its training was lost
  sweep.record(lossy);
  const Panel panel = tensors_of_trials(sweep.database(), rows_of(sweep, kUsed), "", "", "grid").panels.at(0);
  CHECK(panel.y.title == "tensors in phase train (MiB)");
  CHECK(series_titled(panel, "data").points.at(0).interval->high == 60);
}

TEST_CASE("trials that told nothing of their tensors are refused by their title") {
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000}});
  CHECK_THROWS_WITH_AS(tensors_over_time(sweep.database(), rows_of(sweep, kUsed).at(0), "trial 1"),
                       "trial 1 told nothing of its tensors: the built-in trainer does (docs/tensors.md), and so may a "
                       "program by events",
                       UsageError);
  CHECK_THROWS_AS(tensors_of_trials(sweep.database(), rows_of(sweep, kUsed), "", "", "a"), UsageError);
}

TEST_CASE("the picture of effects has a bar for each and tells controls apart") {
  EffectsAnswer answer{
      .sweep = "s", .metric = "anonymous memory", .meaning = "m", .phase = "train", .effects = {}, .left_out = {}};
  answer.effects.effects = {
      {.name = "parameters", .unit = "million", .contrasts = {{.over_range = 90, .over_range_interval = {80, 100}}}},
      {.name = "learning rate",
       .unit = "factor of 10",
       .contrasts = {{.over_range = 1, .over_range_interval = {-2, 4}}},
       .is_control = true},
      {.name = "optimizer",
       .unit = "",
       .contrasts = {{.level = "sgd", .over_range = -9, .over_range_interval = {-10, -8}}}}};
  const Panel panel = effects_picture(answer).panels.at(0);
  CHECK(panel.x.words == std::vector<std::string>{"parameters", "learning rate", "optimizer: sgd"});
  CHECK(panel.is_turned);
  REQUIRE(panel.series[0].points.size() == 2);
  CHECK(panel.series[0].points[1].x == 2);
  CHECK(panel.series[0].points[1].interval->low == -10);
  REQUIRE(panel.series[1].points.size() == 1);
  CHECK(panel.series[1].points[0].x == 1);
}
