// What the collector records as pss, uss and rows of processes of programs whose footprint is known by construction.
// pss is read when its budget allows: the programs hold still until it did.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

namespace {

constexpr double kMiB = 1024 * 1024;

// The second and third sample that the program has taken enclose what it holds: "sample", steps, "sample", "sleep",
// "sample".
class Held {
 public:
  Held(std::chrono::nanoseconds interval, std::vector<std::string> steps, int seconds = 3)
      : trial_(command(std::move(steps), seconds), {.interval = interval}) {
    CHECK(trial_.run() == 0);
    CHECK(trial_.state() == "done");
  }

  // Every reading while it was held is within 1 MiB or 0.5% of `mib` above what was there before.
  void check_growth(const std::string& column, double mib) {
    CAPTURE(column);
    const double base = trial_.number("SELECT max(" + column + ") FROM samples WHERE time_ns <= " + moment(0));
    const double tolerance = std::max(1.0, mib * 0.005) * kMiB;
    CHECK(held_count(column) >= 1);
    CHECK(held("min(" + column + ")") - base > mib * kMiB - tolerance);
    CHECK(held("max(" + column + ")") - base < mib * kMiB + tolerance);
  }
  double held_count(const std::string& column) { return held("count(" + column + ")"); }
  double held(const std::string& figure) {
    return trial_.number("SELECT " + figure + " FROM samples WHERE time_ns BETWEEN " + moment(1) + " AND " + moment(2));
  }
  double number(const std::string& statement) { return trial_.number(statement); }
  std::string moment(int sample) {
    return trial_.sql("SELECT time_ns FROM samples WHERE kind = 'phase' ORDER BY time_ns LIMIT 1 OFFSET " +
                      std::to_string(sample));
  }

 private:
  static std::vector<std::string> command(std::vector<std::string> steps, int seconds) {
    steps.insert(steps.begin(), {footprint(), "sleep=700", "sample"});
    steps.insert(steps.end(), {"sample", "sleep=" + std::to_string(1000 * seconds), "sample"});
    return steps;
  }

  CollectedTrial trial_;
};

void check_kinds(std::chrono::nanoseconds interval) {
  Held own(interval, {"private=100"});
  own.check_growth("tree_pss_bytes", 100);
  own.check_growth("tree_pss_anon_bytes", 100);
  own.check_growth("tree_pss_file_bytes", 0);
  own.check_growth("tree_pss_shmem_bytes", 0);
  own.check_growth("tree_uss_bytes", 100);
  Held mapped(interval, {"file=50", "tmpfs=30"});
  mapped.check_growth("tree_pss_bytes", 80);
  mapped.check_growth("tree_pss_file_bytes", 50);
  mapped.check_growth("tree_pss_shmem_bytes", 30);
  mapped.check_growth("tree_uss_bytes", 80);
}

void check_workers(std::chrono::nanoseconds interval) {
  Held held(interval, {"shared=64", "workers=4"});
  held.check_growth("tree_pss_shmem_bytes", 64);
  held.check_growth("tree_rss_shmem_bytes", 5 * 64);
  // Besides, each of five small processes has some pages of its own.
  const double pss = held.held("max(tree_pss_bytes)");
  CHECK(pss > 64 * kMiB);
  CHECK(pss < (64 + 5 * 2) * kMiB);
  CHECK(held.held("max(tree_uss_bytes)") < 5 * 2 * kMiB);
}

// So much that reading each of them may take longer than it may, and that the share of time is used up for longer than
// they live by one reading of the tree as it grows: a slow machine's, or a sanitizer's.
void check_large_workers(std::chrono::nanoseconds interval) {
  Held held(interval, {"shared=512", "workers=4"}, 7);
  if (held.held_count("tree_pss_bytes") == 0) {
    CHECK(held.number("SELECT (SELECT pss_skipped FROM trial_totals) + count(tree_pss_bytes) FROM samples") > 0);
    MESSAGE("reading the pss of 512 MiB takes too long here to be done while all of it is held");
    return;
  }
  held.check_growth("tree_pss_shmem_bytes", 512);
  const double rss = held.held("max(tree_rss_shmem_bytes)");
  CHECK(rss == doctest::Approx(5 * 512 * kMiB).epsilon(0.02));
}

}  // namespace

TEST_CASE("pss and its parts are what one process holds, at 5 s") {
  check_kinds(5s);
}
TEST_CASE("pss and its parts are what one process holds, at 50 ms") {
  check_kinds(50ms);
}

TEST_CASE("what workers share is in pss once, at 5 s") {
  check_workers(5s);
}
TEST_CASE("what workers share is in pss once, at 50 ms") {
  check_workers(50ms);
}

TEST_CASE("512 MiB that four workers share are in pss once, at 5 s") {
  check_large_workers(5s);
}
TEST_CASE("512 MiB that four workers share are in pss once, at 50 ms") {
  check_large_workers(50ms);
}

TEST_CASE("the rows of the processes say who holds what") {
  Held held(50ms, {"grandchild=60", "shared=40", "workers=1", "private=20"});
  const std::string late = " FROM process_samples WHERE time_ns >= " + held.moment(1) + " AND ";
  CHECK(held.number("SELECT count(DISTINCT pid)" + late + "1") == 3);
  CHECK(held.number("SELECT count(DISTINCT time_ns)" + late + "1") >= 2);
  const auto most = [&](const std::string& which) { return held.number("SELECT max(rss_anon_bytes)" + late + which); };
  CHECK(most("rss_shmem_bytes = 0") == doctest::Approx(60 * kMiB).epsilon(0.02));
  CHECK(most("rss_shmem_bytes > 0") == doctest::Approx(20 * kMiB).epsilon(0.05));
  // In one reading the sums over the rows are the tree's.
  CHECK(held.number("SELECT count(*) FROM samples s JOIN (SELECT time_ns, sum(rss_bytes) AS rss, sum(pss_bytes) AS pss"
                    " FROM process_samples GROUP BY time_ns HAVING count(*) = 3) p USING (time_ns)"
                    " WHERE rss <> tree_rss_bytes OR pss <> tree_pss_bytes") == 0);
}
