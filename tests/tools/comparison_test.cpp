#include "tools/report/comparison.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

const Figure kAnon{.metric = find_report_metric("tree_rss_anon")};

// Trials that are done, one a figure in MiB, each with its batch size.
ComparedSide side(const std::string& title, const std::vector<std::pair<int, double>>& trials) {
  ComparedSide result{.title = title, .rows = {}};
  for (const auto& [batch_size, mib] : trials) {
    result.rows.push_back({.number = batch_size,
                           .state = TrialState::done,
                           .parameters = fmt::format(R"({{"batch_size":{},"seed":{}}})", batch_size, mib),
                           .memory_bytes = mib * kMiB,
                           .memory_count = 100});
  }
  return result;
}

std::string text_of(const Figure& figure, const ComparedSide& a, const ComparedSide& b) {
  return fmt::format("{}", fmt::join(comparison_text(figure, a, b, compare_sides(figure, a, b)), "\n"));
}

}  // namespace

TEST_CASE("the difference of two sets of repeats has Welch's interval and says what could have been seen") {
  const ComparedSide a = side("a", {{8, 10}, {8, 12}, {8, 14}}), b = side("b", {{8, 13}, {8, 15}, {8, 17}});
  const Comparison comparison = compare_sides(kAnon, a, b);
  REQUIRE(comparison.difference);
  CHECK(comparison.paired_configurations == 0);
  // R: t.test(c(13, 15, 17), c(10, 12, 14)): df = 4, interval -1.533916 to 7.533916
  CHECK(comparison.difference->degrees == doctest::Approx(4));
  CHECK(comparison.difference->interval.low / kMiB == doctest::Approx(-1.533916).epsilon(1e-6));
  CHECK(comparison.difference->interval.high / kMiB == doctest::Approx(7.533916).epsilon(1e-6));
  // (t(0.975, 4) + t(0.8, 4)) * sqrt(8 / 3) = (2.776445 + 0.940965) * 1.632993
  CHECK(*comparison.visible_bytes / kMiB == doctest::Approx(6.070498).epsilon(1e-5));
  CHECK(contains(text_of(kAnon, a, b),
                 "A: a, 3 trials: mean 12.00, sd 2.00 MiB\nB: b, 3 trials: mean 15.00, sd 2.00 "
                 "MiB\nB - A: 3.00 [-1.53, 7.53] MiB; could have seen 6.07"));
}

TEST_CASE("one trial against one has no interval, and it is said why") {
  const ComparedSide a = side("a", {{8, 10}}), b = side("b", {{8, 12}});
  CHECK_FALSE(compare_sides(kAnon, a, b).difference);
  CHECK(contains(text_of(kAnon, a, b), "B - A: 2.00 MiB; no interval: one trial against one"));
  CHECK(contains(text_of(kAnon, a, side("b", {{8, 12}, {8, 13}})), "no interval: one side is a single trial"));
  const auto json = nlohmann::json::parse(comparison_json(kAnon, a, b, compare_sides(kAnon, a, b)));
  CHECK(json["difference_mib"] == 2.0);
  CHECK(json["interval_mib"].is_null());
  CHECK(contains(json["why_no_interval"].get<std::string>(), "one trial against one"));
}

TEST_CASE("the same hyperparameters on both sides stand against each other") {
  // Settings differ by hundreds of MiB, sides by 1, 2 and 3: R: t.test(c(1, 2, 3)): -0.4841377 to 4.484138
  const ComparedSide a = side("a", {{8, 100}, {16, 300}, {32, 500}}), b = side("b", {{32, 503}, {8, 101}, {16, 302}});
  const Comparison comparison = compare_sides(kAnon, a, b);
  REQUIRE(comparison.difference);
  CHECK(comparison.paired_configurations == 3);
  CHECK(comparison.difference_bytes / kMiB == doctest::Approx(2));
  CHECK(comparison.difference->interval.low / kMiB == doctest::Approx(-0.4841377).epsilon(1e-6));
  CHECK(comparison.difference->interval.high / kMiB == doctest::Approx(4.4841377).epsilon(1e-6));
  CHECK(contains(text_of(kAnon, a, b), "The same 3 hyperparameter settings"));
}

TEST_CASE("exact peaks and largest samples are not compared") {
  Figure peak{.metric = find_report_metric("tree_rss"), .statistic = Statistic::peak};
  ComparedSide a = side("a", {{8, 10}, {8, 11}}), b = side("b", {{8, 10}, {8, 11}});
  for (ReportRow& row : a.rows) row.memory_source = "kernel";
  for (ReportRow& row : b.rows) row.memory_source = "samples";
  CHECK_THROWS_WITH_AS(
      compare_sides(peak, a, b),
      doctest::Contains("the peaks of a are exact (kept by the kernel), those of b the largest samples"), UsageError);
  a.rows[0].memory_source = "samples";
  CHECK_THROWS_WITH_AS(compare_sides(peak, a, b), doctest::Contains("the peaks of a are partly exact"), UsageError);
}

TEST_CASE("a side without a figure is refused") {
  ComparedSide none = side("b", {{8, 10}});
  none.rows[0].memory_bytes = std::nullopt;
  CHECK_THROWS_WITH_AS(compare_sides(kAnon, side("a", {{8, 10}}), none),
                       doctest::Contains("none has tree_rss_anon_bytes"), UsageError);
}

TEST_CASE("compare takes sweeps and groups of their trials and single trials and other databases") {
  const Session session;
  RecordedSweep sweep(
      "name: grid\nmethod: grid\nparameters: {batch_size: {values: [8, 16]}}\nmemtrack: {repeats: 2, order: listed}\n");
  for (const std::int64_t mib : {100, 200, 102, 204}) {
    sweep.record({.used_mib = std::vector<std::int64_t>(10, 1000), .tree_rss_mib = mib});
  }
  const std::string compare = fmt::format("MEMTRACK_DB={} memtrack compare ", sweep.path().string());
  const std::string groups = session.output_of(compare + "grid:batch_size=8 grid:batch_size=16");
  CHECK(contains(groups, "A: sweep 1 'grid' with batch_size=8, 2 trials: mean 96.00, sd 1.41 MiB"));
  CHECK(contains(groups, "B - A: 101.00 [87.16, 114.84] MiB; could have seen"));
  CHECK(contains(groups, "of phase train"));
  CHECK(contains(session.output_of(compare + "trial:1 trial:2"), "B - A: 100.00 MiB; no interval"));
  CHECK(contains(session.output_of(compare + "trial:1,3 trial:2,4 --metric used"), "B - A: 0.00 [0.00, 0.00] MiB"));
  const std::string copies = session.output_of(
      fmt::format("sqlite3 {0} \".backup copy.db\" && {1} {0} copy.db", sweep.path().string(), compare));
  CHECK(contains(copies, "The same 2 hyperparameter settings"));
  CHECK(contains(copies, "B - A: 0.00"));
  const auto json = nlohmann::json::parse(session.output_of(compare + "1:batch_size=8 1:batch_size=16 --json"));
  CHECK(json["interval_mib"][0].get<double>() == doctest::Approx(87.16).epsilon(1e-3));
  const struct {
    const char* arguments;
    const char* message;
  } wrong[] = {{"grid other", "'other'"},
               {"grid trial:99", "there is no trial 99"},
               {"grid trial:x", "trial:ID"},
               {"trial:1,1 trial:2", "names 1 twice"},
               {"grid grid:batch_size", "behind ':' stands 'batch_size'"},
               {"grid grid:batchsize=8", "did you mean 'batch_size'?"},
               {"grid grid:batch_size=9", "no trial is like that"},
               {"grid grid --phase tran", "did you mean 'train'?"},
               {"grid grid --metric tree_ps", "did you mean 'tree_pss'?"}};
  for (const auto& c : wrong) {
    CAPTURE(c.arguments);
    const CommandResult result = session.run(compare + c.arguments);
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    CHECK(contains(result.errors, c.message));
  }
}
