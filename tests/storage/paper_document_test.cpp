// docs/paper.md prints its queries: here they are asked of a database in which every answer is known.

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "storage/query.h"
#include "storage/trial_queue.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

namespace {

constexpr std::int64_t kMiB = 1024 * 1024;
constexpr std::int64_t kBaselineMiB = 1000;
constexpr std::int64_t kTensorMiB = 70;

struct Figures {
  std::int64_t used_mib = 0;
  std::int64_t anon_mib = 0;
};

std::string read(const std::string& path) {
  std::ifstream file(MEMTRACK_SOURCE_DIR + path);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> document_queries() {
  const std::string text = read("/docs/paper.md");
  const std::string fence = "```sql\n";
  std::vector<std::string> queries;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    queries.push_back(text.substr(begin, text.find("```", begin) - begin));
  }
  return queries;
}

Sample make_sample(std::int64_t time_ns, SampleKind kind, std::int64_t used_mib, std::int64_t anon_mib) {
  Sample sample{.time_ns = time_ns, .kind = kind, .phase = kind == SampleKind::tick ? "train" : ""};
  sample.mem_total_bytes = 16000 * kMiB;
  sample.mem_free_bytes = (16000 - used_mib) * kMiB;
  sample.buffers_bytes = 0;
  sample.cached_bytes = 0;
  sample.sreclaimable_bytes = 0;
  sample.tree_rss_anon_bytes = anon_mib * kMiB;
  return sample;
}

// The sweeps of the paper, each trial with the figures that `figures_of` gives it.
class RecordedPaper {
 public:
  void run(const std::string& name,
           const std::function<Figures(std::int64_t number, std::int64_t repeat)>& figures_of) {
    const std::string path = "/sweeps/configs/" + name + ".yaml";
    const auto submitted =
        insert_sweeps(database_, parse_sweep_file(read(path), path, {}), {{}, "memtrack-trainer"}, "/", "{}");
    while (const auto trial = claim_next_trial(database_, submitted.at(0).sweep_id).trial) {
      const auto row =
          query(database_, "SELECT number, repeat FROM trials WHERE trial_id = ?1", {trial->trial_id}).rows;
      record(trial->trial_id,
             figures_of(std::get<std::int64_t>(row.at(0).at(0)), std::get<std::int64_t>(row.at(0).at(1))));
    }
  }

  // The answer to the query of that number in the document, from 0.
  std::vector<std::vector<Value>> answer(std::size_t number) {
    return query(database_, document_queries().at(number)).rows;
  }

 private:
  void record(std::int64_t trial_id, const Figures& figures) {
    TrialRecorder recorder(Database::open_for_writing(path_), trial_id);
    recorder.begin({.started_ns = 1, .host = {.name = "test", .boot_id = "boot"}});
    RecordBatch batch;
    batch.samples = {make_sample(1, SampleKind::baseline, kBaselineMiB, 0),
                     make_sample(2, SampleKind::tick, figures.used_mib - 1, figures.anon_mib),
                     make_sample(3, SampleKind::tick, figures.used_mib + 1, figures.anon_mib)};
    const Event event = decode_event(encode_epoch(
        {.epoch = 1,
         .values = {{"test_accuracy", 0.5}, {"tensor_bytes_peak", static_cast<double>(kTensorMiB * kMiB)}}}));
    batch.events = {{.time_ns = 3, .phase = "train", .event = event}};
    recorder.finish(batch, {.state = TrialState::done, .ended_ns = 4, .exit_code = 0});
  }

  TemporaryDirectory folder_;
  std::filesystem::path path_ = folder_ / "memtrack.db";
  Database database_ = Database::open_for_writing(path_);
};

doctest::Approx about(double value) {
  return doctest::Approx(value).epsilon(1e-9);
}

double number(const Value& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
}

}  // namespace

TEST_CASE("the queries of docs/paper.md show the paper's rows and what correlates with them") {
  RecordedPaper paper;
  std::int64_t run = 0;
  for (const char* name : {"paper-mnist", "paper-fashion-mnist", "paper-cifar-10"}) {
    paper.run(name, [&](std::int64_t number, std::int64_t) { return Figures{2000 + ++run, 200 - number}; });
  }
  const auto tables = paper.answer(0);
  REQUIRE(tables.size() == 21);
  CHECK(std::get<std::string>(tables[0][0]) == "mnist");
  CHECK(std::get<std::string>(tables[0][5]) == "285-389-423-173-61");
  CHECK(number(tables[0][6]) == about(2516.31));
  CHECK(number(tables[0][7]) == about(2001));
  CHECK(number(tables[20][6]) == about(3982.53));
  CHECK(number(tables[20][7]) == about(2021));
  CHECK(number(tables[20][9]) == about(195));

  const auto correlations = paper.answer(1);
  REQUIRE(correlations.size() == 5);
  CHECK(std::get<std::string>(correlations[0][0]) == "1, 1 to 11");
  CHECK(number(correlations[0][1]) == 11);
  CHECK(number(correlations[0][2]) == about(0.83));
  CHECK(number(correlations[0][3]) == about(-0.46));
  CHECK(number(correlations[1][3]) == about(0.0));
  CHECK(number(correlations[2][3]) == about(-0.09));
  for (const auto& row : correlations) {
    CHECK(number(row[4]) == number(row[1]));
    CHECK(number(row[5]) == about(1));   // used grew with each row
    CHECK(number(row[7]) == about(-1));  // anonymous memory shrank
  }
}

TEST_CASE("the query of docs/paper.md about repeats gives each row's mean and spread and leaves the warm-up out") {
  RecordedPaper paper;
  paper.run("paper-all", [](std::int64_t number, std::int64_t repeat) {
    return Figures{1000 * number + 10 * repeat, 100};
  });
  const auto rows = paper.answer(2);
  REQUIRE(rows.size() == 21);
  CHECK(number(rows[4][3]) == 2);
  CHECK(number(rows[4][5]) == about(5015));
  CHECK(number(rows[4][6]) == about(7.1));  // 10 / sqrt(2), in tenths
  CHECK(number(rows[4][7]) == about(100));
  CHECK(number(rows[4][8]) == about(0));
}

TEST_CASE("the query of docs/paper.md about rows 5 and 6 gives difference and interval and the repeats it takes") {
  RecordedPaper paper;
  paper.run("paper-rows-5-6", [](std::int64_t number, std::int64_t repeat) {
    return Figures{2995 + 5 * number + (repeat % 2 == 0 ? 10 : -10), 116};
  });
  const auto rows = paper.answer(3);
  REQUIRE(rows.size() == 4);
  CHECK(number(rows[0][3]) == about(kTensorMiB));
  CHECK(number(rows[1][6]) == about(0));
  CHECK(number(rows[1][9]) == 2);  // fewer have no spread
  const auto& used = rows[2];
  CHECK(std::get<std::string>(used[0]) == "used");
  CHECK(number(used[1]) == 12);
  CHECK(number(used[3]) == about(3000));
  CHECK(number(used[4]) == about(3005));
  CHECK(number(used[5]) == about(10.445));     // sqrt(1200 / 11)
  CHECK(number(used[7]) == about(5 - 8.843));  // t(22) = 2.0739
  CHECK(number(used[8]) == about(5 + 8.843));
  CHECK(number(used[9]) == 69);  // 2 (1.960 + 0.842)^2 109.09 / 25
  CHECK(number(used[10]) == 2);
  CHECK(number(rows[3][3]) == about(3000 - kBaselineMiB));
}
