// Databases of a size for tools/bench/storage, and the bare peer of the collector's writer.
//
//   storage_writer empty DB                      all tables, no rows
//   storage_writer fill DB NAME TRIALS SAMPLES   a sweep of so many ended trials (tens) with so many samples each
//   storage_writer running DB SAMPLES            a trial that still runs; prints its trial_id
//   storage_writer ours DB SAMPLES BATCH         writes as the collector does; prints rows a second
//   storage_writer bare DB SAMPLES BATCH         the same rows into the same table by the bare sqlite3 API

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/schema.h"
#include "storage/trial_queue.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"

namespace memtrack {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kBegin = 1'763'700'000'000'000'000;
constexpr std::int64_t kInterval = 10'000'000;
constexpr std::int64_t kFillBatch = 10'000;

// Figures that move as a training's do; pss and the lists of free pages are read once a second.
Sample sample_at(std::int64_t tick) {
  Sample sample{.time_ns = kBegin + tick * kInterval, .kind = SampleKind::tick, .phase = tick < 100 ? "load" : "train"};
  const std::int64_t rss = (150 + tick % 97) * kMiB + tick % 4096 * 4096;
  std::int64_t value = rss;
  for (const SampleColumn& column : sample_columns()) {
    const bool is_dear = column.name.find("pss") != column.name.npos || column.name.find("uss") != column.name.npos ||
                         column.name == "pcp_free_bytes";
    value += 12'345'000;
    if (!is_dear || tick % 100 == 0) sample.*column.member = value;
  }
  sample.mem_total_bytes = 64 * 1024 * kMiB;
  sample.mem_free_bytes = 40 * 1024 * kMiB - rss;
  sample.process_count = 4;
  sample.thread_count = 17;
  sample.tree_major_faults = tick / 1000;
  return sample;
}

RecordBatch batch_at(std::int64_t tick, std::int64_t count) {
  RecordBatch batch;
  for (std::int64_t i = 0; i < count; ++i) batch.samples.push_back(sample_at(tick + i));
  return batch;
}

// Calls `write` with the batches that make up so many samples.
void for_each_batch(std::int64_t samples, std::int64_t size, const std::function<void(const RecordBatch&)>& write) {
  for (std::int64_t tick = 0; tick < samples; tick += size) write(batch_at(tick, std::min(size, samples - tick)));
}

TrialStart start_of_trial() {
  TrialStart start;
  start.started_ns = kBegin;
  start.host.name = "bench";
  start.host.boot_id = "boot";
  return start;
}

// What is only filled need not survive a power cut.
Database open_for_filling(const std::string& path) {
  Database database = Database::open_for_writing(path);
  database.handle().exec("PRAGMA synchronous = OFF");
  return database;
}

void fill(const std::string& path, const std::string& name, std::int64_t trials, std::int64_t samples) {
  Database database = open_for_filling(path);
  std::string rates;
  for (std::int64_t i = 1; i <= trials / 10; ++i)
    rates += fmt::format("{}{}", i == 1 ? "" : ", ", 1e-6 * static_cast<double>(i));
  insert_sweeps(
      database,
      parse_sweep_file(fmt::format("name: {}\nmethod: grid\nparameters:\n  dataset: {{value: generated-mnist}}\n"
                                   "  learning_rate: {{values: [{}]}}\n"
                                   "  batch_size: {{values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}\n"
                                   "memtrack: {{interval: 10ms}}\n",
                                   name, rates),
                       "bench.yaml", {}),
      {.environment = {}, .trainer = "memtrack-trainer"}, "/", "{}");
  while (const auto trial = claim_next_trial(database, std::nullopt).trial) {
    TrialRecorder recorder(open_for_filling(path), trial->trial_id);
    recorder.begin(start_of_trial());
    for_each_batch(samples, kFillBatch, [&](const RecordBatch& batch) { recorder.write(batch); });
    TrialOutcome outcome;
    outcome.state = TrialState::done;
    outcome.ended_ns = kBegin + samples * kInterval;
    outcome.exit_code = 0;
    recorder.finish({}, outcome);
  }
}

std::int64_t begin_run(Database& database) {
  return insert_run(database, "bench", {"true"}, "/", std::chrono::nanoseconds(kInterval)).trial_id;
}

void fill_running(const std::string& path, std::int64_t samples) {
  Database database = open_for_filling(path);
  const std::int64_t trial_id = begin_run(database);
  TrialRecorder recorder(open_for_filling(path), trial_id);
  recorder.begin(start_of_trial());
  for_each_batch(samples, kFillBatch, [&](const RecordBatch& batch) { recorder.write(batch); });
  fmt::print("{}\n", trial_id);
}

void print_rows_a_second(std::int64_t samples, std::int64_t size,
                         const std::function<void(const RecordBatch&)>& write) {
  std::vector<RecordBatch> batches;
  for_each_batch(samples, size, [&](const RecordBatch& batch) { batches.push_back(batch); });
  const auto begin = std::chrono::steady_clock::now();
  for (const RecordBatch& batch : batches) write(batch);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  fmt::print("{:.0f}\n", static_cast<double>(samples) / taken.count());
}

void write_as_we_do(const std::string& path, std::int64_t samples, std::int64_t size) {
  Database database = Database::open_for_writing(path);
  TrialRecorder recorder(Database::open_for_writing(path), begin_run(database));
  recorder.begin(start_of_trial());
  print_rows_a_second(samples, size, [&](const RecordBatch& batch) { recorder.write(batch); });
}

// No class of ours or of SQLiteCpp between the rows and the API.
class BareWriter {
 public:
  explicit BareWriter(const std::string& path) {
    { Database::open_for_writing(path); }  // the same table
    check(sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE, nullptr));
    run("PRAGMA synchronous = FULL");
    run("INSERT INTO sweeps (sweep_id, uid, name, method, effective_method, config, overrides, seed, state, "
        "created_ns) "
        "VALUES (1, 'a', 'bench', 'run', 'run', '', '{}', 0, 'running', 1)");
    run("INSERT INTO trials (trial_id, uid, sweep_id, number, repeat, state, parameters, settings, command, cwd, "
        "interval_ns, queued_ns) VALUES (1, 'a', 1, 1, 1, 'running', '{}', '{}', '[]', '/', 1, 1)");
    std::string names = "trial_id, time_ns, kind, phase", marks = "1, ?, ?, ?";
    for (const SampleColumn& column : sample_columns()) {
      names += ", " + std::string(column.name);
      marks += ", ?";
    }
    const std::string sql = fmt::format("INSERT INTO samples ({}) VALUES ({})", names, marks);
    check(sqlite3_prepare_v3(handle_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &insert_, nullptr));
  }
  ~BareWriter() {
    sqlite3_finalize(insert_);
    sqlite3_close(handle_);
  }
  BareWriter(const BareWriter&) = delete;
  BareWriter& operator=(const BareWriter&) = delete;

  void write(const RecordBatch& batch) {
    run("BEGIN IMMEDIATE");
    for (const Sample& sample : batch.samples) {
      sqlite3_bind_int64(insert_, 1, sample.time_ns);
      sqlite3_bind_text(insert_, 2, "tick", 4, SQLITE_STATIC);
      sqlite3_bind_text(insert_, 3, sample.phase.data(), static_cast<int>(sample.phase.size()), SQLITE_STATIC);
      int index = 3;
      for (const SampleColumn& column : sample_columns()) {
        const Reading& value = sample.*column.member;
        value ? sqlite3_bind_int64(insert_, ++index, *value) : sqlite3_bind_null(insert_, ++index);
      }
      if (sqlite3_step(insert_) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(handle_));
      sqlite3_reset(insert_);
    }
    run("COMMIT");
  }

 private:
  void check(int result) {
    if (result != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(handle_));
  }
  void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

int run(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t i) { return std::stoll(words.at(i)); };
  const std::string& what = words.at(0);
  if (what == "empty") {
    Database::open_for_writing(words.at(1));
  } else if (what == "fill") {
    fill(words.at(1), words.at(2), number(3), number(4));
  } else if (what == "running") {
    fill_running(words.at(1), number(2));
  } else if (what == "ours") {
    write_as_we_do(words.at(1), number(2), number(3));
  } else if (what == "bare") {
    BareWriter writer(words.at(1));
    print_rows_a_second(number(2), number(3), [&](const RecordBatch& batch) { writer.write(batch); });
  } else {
    throw std::invalid_argument(what + " is none of empty, fill, running, ours, bare");
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace memtrack

int main(int argc, char** argv) {
  try {
    return memtrack::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "storage_writer: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
