#include "storage/trial_recorder.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "storage/query.h"
#include "storage/trial_store.h"
#include "tests/storage/stored_rows.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::rows_of;
using memtrack::testing::TemporaryDirectory;

namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

Sample make_sample(std::int64_t time_ns, SampleKind kind, const std::string& phase, std::int64_t used_mib,
                   std::int64_t rss_mib) {
  Sample sample{.time_ns = time_ns, .kind = kind, .phase = phase};
  sample.mem_total_bytes = 16000 * kMiB;
  sample.mem_free_bytes = (16000 - used_mib - 300) * kMiB;
  sample.mem_available_bytes = 12000 * kMiB;
  sample.buffers_bytes = 100 * kMiB;
  sample.cached_bytes = 200 * kMiB;
  sample.sreclaimable_bytes = 50 * kMiB;
  sample.shmem_bytes = 10 * kMiB;
  sample.tree_rss_bytes = rss_mib * kMiB;
  sample.tree_rss_anon_bytes = (rss_mib - 5) * kMiB;
  return sample;
}

double number(Database& database, const std::string& sql) {
  const Value value = query(database, sql).rows.at(0).at(0);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*whole);
  }
  return std::get<double>(value);
}

bool is_null(Database& database, const std::string& sql) {
  return std::holds_alternative<std::monostate>(query(database, sql).rows.at(0).at(0));
}

std::string text(Database& database, const std::string& sql) {
  return std::get<std::string>(query(database, sql).rows.at(0).at(0));
}

struct RecordedTrial {
  TemporaryDirectory folder;
  std::filesystem::path path = folder / "memtrack.db";
  Database database = Database::open_for_writing(path);
  Trial trial = insert_run(database, "test", {"true"}, "/", std::chrono::milliseconds(100));
  TrialRecorder recorder{Database::open_for_writing(path), trial.trial_id};
};

ReceivedEvent received(std::int64_t time_ns, const std::string& datagram) {
  return {.time_ns = time_ns, .phase = "train", .event = decode_event(datagram)};
}

}  // namespace

TEST_CASE("tensor_memory shows the bytes as a phase ended last and the highest peak of its visits") {
  RecordedTrial t;
  const auto tell = [&](std::int64_t time_ns, const std::string& phase, const std::string& tensors) {
    t.recorder.write({.events = {received(time_ns, R"({"event":"tensor_memory","phase":")" + phase +
                                                       R"(","tensors":[)" + tensors + "]}")}});
  };
  tell(1, "train", R"({"kind":"parameters","layer":"hidden1","bytes":8},{"kind":"data","bytes":1,"peak_bytes":90})");
  tell(1, "train", R"({"kind":"parameters","layer":"output","bytes":4})");
  tell(2, "evaluate", R"({"kind":"data","bytes":5})");
  tell(3, "train", R"({"kind":"parameters","layer":"hidden1","bytes":8},{"kind":"data","bytes":3,"peak_bytes":70})");
  CHECK(text(t.database,
             "SELECT group_concat(phase || ' ' || kind || ' ' || coalesce(layer, '-') || ' ' || bytes || ' ' || "
             "peak_bytes, ', ') FROM (SELECT * FROM tensor_memory ORDER BY phase, kind, layer)") ==
        "evaluate data - 5 5, train data - 3 90, train parameters hidden1 8 8, train parameters output 4 4");
  CHECK(number(t.database, "SELECT count(*) FROM tensor_memory WHERE trial_id = 2") == 0);
}

TEST_CASE("an epoch's tensor_bytes_peak is the largest that was sent for it") {
  RecordedTrial t;
  t.recorder.write({.events = {received(1, R"({"event":"metric","name":"tensor_bytes_peak","value":300,"epoch":1})"),
                               received(2, R"({"event":"metric","name":"tensor_bytes_peak","value":200,"epoch":1})"),
                               received(3, R"({"event":"epoch","epoch":1,"train_loss":0.5})"),
                               received(4, R"({"event":"epoch","epoch":2,"train_loss":0.5})")}});
  CHECK(number(t.database, "SELECT tensor_bytes_peak FROM epochs WHERE epoch = 1") == 300);
  CHECK(is_null(t.database, "SELECT tensor_bytes_peak FROM epochs WHERE epoch = 2"));
}

TEST_CASE("an epoch is partial or whole as the program says, and neither where it says nothing") {
  RecordedTrial t;
  t.recorder.write(
      {.events = {received(1, R"({"event":"epoch","epoch":1,"train_loss":0.5,"test_accuracy":0.9,"is_partial":0})"),
                  received(2, R"({"event":"epoch","epoch":2,"train_loss":0.4,"steps":7,"is_partial":1})"),
                  received(3, R"({"event":"epoch","epoch":3,"train_loss":0.4})")}});
  CHECK(
      text(t.database,
           "SELECT group_concat(coalesce(is_partial, 'unknown') || ' ' || coalesce(test_accuracy, 'none'), ', ') FROM "
           "(SELECT * FROM epochs ORDER BY epoch)") == "0 0.9, 1 none, unknown none");
}

TEST_CASE("settings that the program tells stand beside those of the sweep, which they do not change") {
  RecordedTrial t;
  const std::string before = text(t.database, "SELECT settings ->> '$.interval' FROM trials");
  t.recorder.write(
      {.events = {
           received(1, R"({"event":"settings","threads":2,"blas":"OpenBLAS","interval":"1h","seq":1,"sender":5})"),
           received(2, R"({"event":"settings","threads":3,"libtorch":"1.13.1"})")}});
  CHECK(text(t.database, "SELECT settings ->> '$.interval' FROM trials") == before);
  CHECK(number(t.database, "SELECT settings ->> '$.threads' FROM trials") == 2);
  CHECK(text(t.database, "SELECT settings ->> '$.blas' FROM trials") == "OpenBLAS");
  CHECK(text(t.database, "SELECT settings ->> '$.libtorch' FROM trials") == "1.13.1");
  CHECK(number(t.database,
               "SELECT count(*) FROM trials, json_each(settings) WHERE key IN ('event', 'seq', 'sender')") == 0);
  CHECK(number(t.database, "SELECT count(*) FROM events WHERE event = 'settings'") == 2);
}

TEST_CASE("a program that tells settings without end does not fill the trial's row") {
  RecordedTrial t;
  const std::string long_text(30000, 'x');
  for (int i = 0; i < 5; ++i) {
    t.recorder.write(
        {.events = {received(i + 1, "{\"event\":\"settings\",\"k" + std::to_string(i) + "\":\"" + long_text + "\"}")}});
  }
  CHECK(number(t.database, "SELECT length(settings) FROM trials") < 65536 + 100);
  CHECK(number(t.database, "SELECT count(*) FROM events") == 5);
}

TEST_CASE("the four meanings of used follow from one row") {
  RecordedTrial t;
  t.recorder.write({.samples = {make_sample(1, SampleKind::tick, "", 2000, 500)}, .events = {}, .totals = {}});
  CHECK(number(t.database, "SELECT used_bytes FROM samples") == 2000.0 * kMiB);
  CHECK(number(t.database, "SELECT used_psutil_bytes FROM samples") == 1950.0 * kMiB);
  CHECK(number(t.database, "SELECT used_available_bytes FROM samples") == 4000.0 * kMiB);
  CHECK(is_null(t.database, "SELECT used_corrected_bytes FROM samples"));  // pcp was not read
  SUBCASE("psutil returned total - free where its formula was negative") {
    Sample sample = make_sample(2, SampleKind::tick, "", 10, 500);
    t.recorder.write({.samples = {sample}, .events = {}, .totals = {}});
    CHECK(number(t.database, "SELECT used_psutil_bytes FROM samples WHERE time_ns = 2") == 310.0 * kMiB);
  }
  SUBCASE("corrected: psutil's form without per-CPU free pages, with shared memory") {
    Sample sample = make_sample(2, SampleKind::tick, "", 2000, 500);
    sample.pcp_free_bytes = 40 * kMiB;
    t.recorder.write({.samples = {sample}, .events = {}, .totals = {}});
    CHECK(number(t.database, "SELECT used_corrected_bytes FROM samples WHERE time_ns = 2") ==
          (1950.0 - 40 + 10) * kMiB);
  }
}

TEST_CASE("averages are over ticks only, peaks over all samples, baselines apart") {
  RecordedTrial t;
  t.recorder.write(
      {.samples = {make_sample(1, SampleKind::baseline, "", 1000, 1), make_sample(2, SampleKind::start, "", 1, 7),
                   make_sample(3, SampleKind::tick, "load", 2000, 100)},
       .events = {},
       .totals = {}});
  t.recorder.write({.samples = {make_sample(4, SampleKind::phase, "train", 9999, 900),
                                make_sample(5, SampleKind::tick, "train", 3000, 300)},
                    .events = {},
                    .totals = {.late_ticks = 4, .phase_ns = {{"train", 2'500'000'000}}}});
  CHECK(number(t.database, "SELECT tick_count FROM trial_memory") == 2);
  CHECK(number(t.database, "SELECT late_ticks FROM trial_memory") == 4);
  CHECK(number(t.database, "SELECT avg_used_bytes FROM trial_memory") == 2500.0 * kMiB);
  CHECK(number(t.database, "SELECT min_used_bytes FROM trial_memory") == 2000.0 * kMiB);
  CHECK(number(t.database, "SELECT max_used_bytes FROM trial_memory") == 3000.0 * kMiB);
  CHECK(number(t.database, "SELECT baseline_used_bytes FROM trial_memory") == 1000.0 * kMiB);
  CHECK(number(t.database, "SELECT peak_rss_bytes FROM trial_memory") == 900.0 * kMiB);
  CHECK(number(t.database, "SELECT peak_anon_bytes FROM trial_memory") == 895.0 * kMiB);
  CHECK(text(t.database, "SELECT peak_source FROM trial_memory") == "samples");
  CHECK(number(t.database, "SELECT avg_tree_rss_bytes FROM phase_memory WHERE phase = 'train'") == 300.0 * kMiB);
  CHECK(number(t.database, "SELECT seconds FROM phase_memory WHERE phase = 'train'") == 2.5);
}

TEST_CASE("a trial without a tick has no average") {
  RecordedTrial t;
  t.recorder.write({.samples = {make_sample(1, SampleKind::start, "", 2000, 7)}, .events = {}, .totals = {}});
  CHECK(number(t.database, "SELECT tick_count FROM trial_memory") == 0);
  CHECK(is_null(t.database, "SELECT avg_used_bytes FROM trial_memory"));
}

TEST_CASE("the running totals equal what the samples say, whatever was left unread and however they were batched") {
  RecordedTrial t;
  std::mt19937 random(7);
  const char* const phases[] = {"", "load", "train"};
  const SampleKind kinds[] = {SampleKind::baseline, SampleKind::start, SampleKind::tick, SampleKind::phase,
                              SampleKind::final};
  std::int64_t time_ns = 0;
  for (int batch = 0; batch < 100; ++batch) {
    RecordBatch rows;
    for (unsigned i = 0; i < 1 + random() % 5; ++i) {
      Sample sample{.time_ns = ++time_ns, .kind = kinds[random() % 5], .phase = phases[random() % 3]};
      for (const SampleColumn& column : sample_columns()) {
        if (random() % 5 != 0) {
          sample.*column.member = static_cast<std::int64_t>(random());
        }
      }
      rows.samples.push_back(sample);
    }
    t.recorder.write(rows);
  }
  SQLite::Database& handle = t.database.handle();
  std::vector<std::string> columns = {"kind", "phase", "sample_count"};
  std::vector<std::string> from_samples = {"kind", "coalesce(phase, '')", "count(*)"};
  for (const std::string& name : rows_of(handle, "SELECT name FROM pragma_table_info('memory_totals')")) {
    const std::size_t end = name.rfind('_');  // used_psutil_sum: the sum of used_psutil_bytes
    const std::string function = name.substr(end + 1);
    if (name != "sample_count" && std::set<std::string>{"count", "sum", "min", "max"}.contains(function)) {
      columns.push_back(function == "sum" ? fmt::format("CAST({} AS INTEGER)", name) : name);
      from_samples.push_back(fmt::format("{}({}_bytes)", function, name.substr(0, end)));
    }
  }
  REQUIRE(columns.size() == 3 + 7 * 2 + 2 + 3 + 1);  // 7 means, used_min and _max, 3 peaks and cgroup_max
  CHECK(rows_of(handle, fmt::format("SELECT {} FROM memory_totals", fmt::join(columns, ", "))) ==
        rows_of(handle, fmt::format("SELECT {} FROM samples GROUP BY kind, phase", fmt::join(from_samples, ", "))));

  const auto same = [&](const std::string& said, const std::string& counted) {
    CAPTURE(said);
    CHECK(number(t.database, said) == doctest::Approx(number(t.database, counted)).epsilon(1e-15));
  };
  for (const std::string name :
       {"used", "used_psutil", "used_available", "used_corrected", "tree_rss", "tree_rss_anon", "tree_pss"}) {
    const std::string mean = fmt::format("SELECT avg({}_bytes) FROM samples WHERE kind = ", name);
    same(fmt::format("SELECT avg_{}_bytes FROM trial_memory", name), mean + "'tick'");
    same(fmt::format("SELECT avg_{}_bytes FROM phase_memory WHERE phase = 'train'", name),
         mean + "'tick' AND phase = 'train'");
    if (name.starts_with("used")) {
      same(fmt::format("SELECT baseline_{}_bytes FROM trial_memory", name), mean + "'baseline'");
    }
  }
  for (const std::string name : {"used_corrected", "tree_pss"}) {
    same(fmt::format("SELECT {}_count FROM trial_memory", name),
         fmt::format("SELECT count({}_bytes) FROM samples WHERE kind = 'tick'", name));
  }
  same("SELECT max_used_bytes FROM trial_memory", "SELECT max(used_bytes) FROM samples WHERE kind = 'tick'");
  same("SELECT peak_rss_bytes FROM trial_memory", "SELECT max(tree_rss_bytes) FROM samples WHERE kind <> 'baseline'");
}

TEST_CASE("sums that 64 bits do not hold are kept, and so are the samples that they are of") {
  RecordedTrial t;
  constexpr std::int64_t kHuge = 5'000'000'000'000'000'000;
  Sample sample = make_sample(1, SampleKind::tick, "", 1000, 100);
  sample.mem_total_bytes = kHuge;
  sample.mem_free_bytes = sample.buffers_bytes = sample.cached_bytes = sample.sreclaimable_bytes = 0;
  sample.mem_available_bytes = sample.pcp_free_bytes = sample.shmem_bytes = 0;
  sample.tree_rss_bytes = sample.tree_rss_anon_bytes = sample.tree_pss_bytes = kHuge;
  RecordBatch batch{.samples = {sample, sample}};
  batch.samples[1].time_ns = 2;
  t.recorder.write(batch);
  for (Sample& later : batch.samples) later.time_ns += 2;
  t.recorder.write(batch);
  CHECK(number(t.database, "SELECT count(*) FROM samples") == 4);
  for (const std::string name :
       {"used", "used_psutil", "used_available", "used_corrected", "tree_rss", "tree_rss_anon", "tree_pss"}) {
    CAPTURE(name);
    CHECK(number(t.database, fmt::format("SELECT avg_{}_bytes FROM trial_memory", name)) == static_cast<double>(kHuge));
  }
  CHECK(number(t.database, "SELECT max_used_bytes FROM trial_memory") == static_cast<double>(kHuge));
}

TEST_CASE("epochs say whether their loss was finite, and the value sent last holds") {
  RecordedTrial t;
  t.recorder.write({.samples = {},
                    .events = {received(1, R"({"event":"epoch","epoch":1,"train_loss":0.5,"seconds":2})"),
                               received(2, R"({"event":"epoch","epoch":1,"test_accuracy":0.9})"),
                               received(3, R"({"event":"epoch","epoch":1,"train_loss":0.25})"),
                               received(4, R"({"event":"epoch","epoch":2,"train_loss":null})"),
                               received(5, R"({"event":"epoch","epoch":3,"train_loss":"inf"})"),
                               received(6, R"({"event":"epoch","epoch":4,"test_accuracy":0.1})"),
                               received(7, R"({"event":"metric","name":"threads","value":2})")},
                    .totals = {}});
  const ResultTable epochs =
      query(t.database, "SELECT epoch, train_loss, loss_state, test_accuracy FROM epochs ORDER BY epoch");
  REQUIRE(epochs.rows.size() == 4);
  CHECK(epochs.rows[0] == std::vector<Value>{std::int64_t{1}, 0.25, "finite", 0.9});
  CHECK(epochs.rows[1] == std::vector<Value>{std::int64_t{2}, std::monostate{}, "nan", std::monostate{}});
  CHECK(epochs.rows[2] ==
        std::vector<Value>{std::int64_t{3}, std::numeric_limits<double>::infinity(), "inf", std::monostate{}});
  CHECK(epochs.rows[3] == std::vector<Value>{std::int64_t{4}, std::monostate{}, std::monostate{}, 0.1});
  CHECK(number(t.database, "SELECT value FROM metrics WHERE name = 'threads' AND epoch IS NULL") == 2);
  CHECK(number(t.database, "SELECT count(*) FROM events") == 7);
}

TEST_CASE("a batch that could not be written is not there in part, and can be written again") {
  RecordedTrial t;
  TrialRecorder impatient(Database::open_for_writing(t.path, std::chrono::milliseconds(1)), t.trial.trial_id);
  const RecordBatch batch{.samples = {make_sample(1, SampleKind::tick, "", 2000, 500)}, .events = {}, .totals = {}};
  t.database.handle().exec("BEGIN IMMEDIATE");
  try {
    impatient.write(batch);
    FAIL("written into a locked database");
  } catch (const StorageError& error) {
    CHECK(error.is_transient());
  }
  t.database.handle().exec("ROLLBACK");
  CHECK(number(t.database, "SELECT count(*) FROM samples") == 0);
  impatient.write(batch);
  CHECK(number(t.database, "SELECT count(*) FROM samples") == 1);
  CHECK(number(t.database, "SELECT tick_count FROM trial_memory") == 1);
}

TEST_CASE("the end of a trial is recorded with its last samples, once") {
  RecordedTrial t;
  t.recorder.begin({.started_ns = 5,
                    .host = {.name = "h",
                             .boot_id = "b",
                             .kernel = "k",
                             .cpu_model = "c",
                             .cores = 2,
                             .mem_total_bytes = 3,
                             .cgroup_version = std::nullopt},
                    .collector_pid = 77});
  t.recorder.finish({.samples = {make_sample(6, SampleKind::final, "", 1, 6)},
                     .events = {},
                     .totals = {.peak_rss_bytes = 600 * kMiB, .peak_source = "kernel"}},
                    {.state = TrialState::failed, .reason = "it failed", .ended_ns = 7, .exit_code = 3, .user_ns = 11});
  CHECK(text(t.database, "SELECT state FROM trials") == "failed");
  CHECK(text(t.database, "SELECT state FROM sweeps") == "failed");
  CHECK(number(t.database, "SELECT exit_code FROM trials") == 3);
  CHECK(is_null(t.database, "SELECT term_signal FROM trials"));
  CHECK(number(t.database, "SELECT started_ns FROM trials") == 5);
  CHECK(text(t.database, "SELECT h.name FROM trials JOIN hosts h USING (host_id)") == "h");
  CHECK(number(t.database, "SELECT peak_rss_bytes FROM trial_memory") == 600.0 * kMiB);
  CHECK(text(t.database, "SELECT peak_source FROM trial_memory") == "kernel");
  CHECK_THROWS_AS(t.recorder.finish({}, {.state = TrialState::done}), StorageError);
  CHECK(text(t.database, "SELECT state FROM trials") == "failed");
}

TEST_CASE("a trial that is not running cannot be begun") {
  RecordedTrial t;
  CHECK(end_trial(t.database, t.trial.trial_id, TrialState::lost, "gone"));
  CHECK_THROWS_AS(t.recorder.begin({.started_ns = 1, .host = {.name = "h", .boot_id = "b"}}), StorageError);
}
