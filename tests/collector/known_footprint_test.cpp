// What the collector records of programs whose footprint is known by construction, at a long and a short interval. The
// programs have samples taken at known moments, so that a long interval costs the tests no time.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

namespace {

constexpr double kMiB = 1024 * 1024;
// The program itself, its libraries included, has less than this.
constexpr double kProgram = 4 * kMiB;
constexpr std::chrono::nanoseconds kIntervals[] = {5s, 50ms};
constexpr int kRefused = 77;

auto is_rss(double mib) {
  return doctest::Approx(mib * kMiB).epsilon(0.02);
}

// Of one whole run; `at(k, ...)` is the k-th sample that the program had taken, counted from 0.
class Measured {
 public:
  Measured(std::chrono::nanoseconds interval, std::vector<std::string> steps)
      : trial_(command(steps), {.interval = interval}) {
    CHECK(trial_.run() == 0);
    CHECK(trial_.state() == "done");
  }

  double at(int sample, const std::string& column) {
    return trial_.number("SELECT " + column + " FROM samples WHERE kind = 'phase' ORDER BY time_ns LIMIT 1 OFFSET " +
                         std::to_string(sample));
  }
  double growth(const std::string& column) { return at(1, column) - at(0, column); }
  double memory(const std::string& column) { return trial_.number("SELECT " + column + " FROM trial_memory"); }
  double number(const std::string& statement) { return trial_.number(statement); }
  std::string sql(const std::string& statement) { return trial_.sql(statement); }

 private:
  static std::vector<std::string> command(std::vector<std::string> steps) {
    steps.insert(steps.begin(), footprint());
    return steps;
  }

  CollectedTrial trial_;
};

void check_exact_peak(Measured& measured, double mib) {
  CHECK(measured.sql("SELECT peak_source FROM trial_memory") == "kernel");
  CHECK(measured.sql("SELECT peak_rss_bytes = peak_rss_upper_bytes FROM trial_memory") == "1");
  const double peak = measured.memory("peak_rss_bytes");
  CHECK(peak >= mib * kMiB);
  CHECK(peak <= mib * kMiB * 1.01 + kProgram);
  CHECK(measured.number("SELECT max_rss_bytes FROM trials") == doctest::Approx(peak).epsilon(0.01));
}

}  // namespace

TEST_CASE("private memory is anonymous memory of the tree, and nothing else grows") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "private=200", "sample"});
    CHECK(measured.growth("tree_rss_bytes") == is_rss(200));
    CHECK(measured.growth("tree_rss_anon_bytes") == is_rss(200));
    CHECK(measured.growth("tree_rss_file_bytes") < kMiB);
    CHECK(measured.growth("tree_rss_shmem_bytes") == 0);
    CHECK(measured.growth("tree_swap_bytes") == 0);
    CHECK(measured.at(0, "tree_rss_bytes") < kProgram);
    check_exact_peak(measured, 200);
  }
}

TEST_CASE("anonymous memory that can be shared is shared memory") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "shared=100", "sample"});
    CHECK(measured.growth("tree_rss_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_shmem_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_anon_bytes") < kMiB);
    check_exact_peak(measured, 100);
  }
}

TEST_CASE("a mapped file of a tmpfs is shared memory") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "tmpfs=100", "sample"});
    CHECK(measured.growth("tree_rss_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_shmem_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_anon_bytes") < 2 * kMiB);
    check_exact_peak(measured, 100);
  }
}

TEST_CASE("a mapped file is file memory") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "file=100", "sample"});
    CHECK(measured.growth("tree_rss_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_file_bytes") == is_rss(100));
    CHECK(measured.growth("tree_rss_anon_bytes") < 2 * kMiB);
    CHECK(measured.growth("tree_rss_shmem_bytes") == 0);
    check_exact_peak(measured, 100);
  }
}

TEST_CASE("what workers share counts once for each of them in the sum of rss") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "shared=512", "workers=4", "sample"});
    CHECK(measured.growth("process_count") == 4);
    CHECK(measured.growth("tree_rss_shmem_bytes") == is_rss(5 * 512));
    CHECK(measured.sql("SELECT peak_source FROM trial_memory") == "samples");
  }
}

TEST_CASE("a burst of 50 ms is in the exact peak, whatever the interval") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "burst-50ms=150", "sample"});
    CHECK(measured.growth("tree_rss_bytes") < kMiB);
    check_exact_peak(measured, 150);
  }
}

TEST_CASE("a grandchild without a parent, in a session of its own, is of the tree") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "grandchild=60", "sample"});
    CHECK(measured.growth("process_count") == 1);
    CHECK(measured.growth("tree_rss_anon_bytes") == is_rss(60));
    CHECK(measured.memory("peak_rss_upper_bytes") >= 60 * kMiB);
  }
}

TEST_CASE("10000 short children leave nothing but their CPU time") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"sample", "short-children=9000", "short-orphans=1000", "private=30", "sample"});
    CHECK(measured.at(1, "process_count") <= 3);  // one that has closed its files may still be ending
    CHECK(measured.growth("tree_rss_anon_bytes") == is_rss(30));
    CHECK(measured.growth("cpu_ns") > 0);
    CHECK(measured.sql("SELECT peak_source FROM trial_memory") == "samples");
  }
}

TEST_CASE("1000 processes at once are all counted") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    // A tree of that size may be read less often than it is asked for: one reading is enough.
    Measured measured(interval, {"many=1000", "sample", "sleep=500", "sample"});
    const auto most = [&](const std::string& column) {
      return measured.number("SELECT max(" + column + ") FROM samples");
    };
    CHECK(most("process_count") == 1001);
    CHECK(most("thread_count") == 1001);
    // Besides what each has of its own, pages that it still shares with the program: less than 1 MiB.
    CHECK(most("tree_rss_anon_bytes") >= 250 * kMiB);
    CHECK(most("tree_rss_anon_bytes") < 1250 * kMiB);
  }
}

TEST_CASE("threads are counted, and their memory once") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"private=50", "sample", "threads=40", "sample"});
    CHECK(measured.growth("thread_count") == 40);
    CHECK(measured.growth("process_count") == 0);
    CHECK(measured.growth("tree_rss_bytes") < 2 * kMiB);
  }
}

TEST_CASE("memory that malloc keeps is still resident, memory that it gives back is not") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured kept(interval, {"sample", "malloc-kept=100", "sample"});
    CHECK(kept.growth("tree_rss_anon_bytes") == is_rss(100));
    check_exact_peak(kept, 100);
    Measured returned(interval, {"sample", "malloc-returned=100", "sample"});
    CHECK(returned.growth("tree_rss_anon_bytes") < kMiB);
    check_exact_peak(returned, 100);
  }
}

TEST_CASE("the peak of a program that executes a smaller one is that of the larger") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    Measured measured(interval, {"private=200", "exec", "private=5", "sample"});
    CHECK(measured.at(0, "tree_rss_bytes") < 5 * kMiB + kProgram);
    check_exact_peak(measured, 200);
  }
}

TEST_CASE("a process with the pid of one that ended is another process") {
  for (const auto interval : kIntervals) {
    CAPTURE(interval.count());
    CollectedTrial asked({footprint(), "reuse-pid=1"});
    asked.run();
    if (asked.sql("SELECT exit_code FROM trials") == std::to_string(kRefused)) {
      MESSAGE("choosing a pid is not allowed here: not tested");
      return;
    }
    Measured measured(interval, {"sample", "reuse-pid=60", "sample"});
    CHECK(measured.growth("process_count") == 1);
    CHECK(measured.growth("tree_rss_anon_bytes") == is_rss(60));
  }
}

TEST_CASE("ticks show what is held at their times") {
  Measured slow(5s, {"private=100", "sleep=5600"});
  CHECK(slow.sql("SELECT tick_count FROM trial_memory") == "1");
  CHECK(slow.memory("avg_tree_rss_anon_bytes") == is_rss(100));
  Measured quick(50ms, {"private=100", "sleep=1000"});
  CHECK(quick.memory("tick_count + late_ticks") >= 10);
  CHECK(quick.number("SELECT max(tree_rss_anon_bytes) FROM samples") == is_rss(100));
}
