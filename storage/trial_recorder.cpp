#include "storage/trial_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <variant>

#include "storage/bind.h"
#include "storage/sqlite_error.h"
#include "storage/trial_rows.h"

namespace memtrack {
namespace {

// KiB. Who writes shares the machine with what is measured; rows are appended, so that old pages are not needed again.
constexpr const char* kSmallCache = "PRAGMA cache_size = -128";

void bind_text_or_null(SQLite::Statement& statement, int index, const std::string& text) {
  bind_optional(statement, index, text.empty() ? std::nullopt : std::optional(text));
}

void execute(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

// `keys`: "trial_id, time_ns".
template <typename Columns>
std::string insert_sql(const std::string& verb, const std::string& table, const std::string& keys,
                       const Columns& columns) {
  std::string names = keys;
  auto count = std::count(keys.begin(), keys.end(), ',') + 1;
  for (const auto& column : columns) {
    names += fmt::format(", {}", column.name);
    ++count;
  }
  std::string marks = "?";
  while (--count > 0) {
    marks += ", ?";
  }
  return fmt::format("{} INTO {} ({}) VALUES ({})", verb, table, names, marks);
}

// Adds what was inserted between two times to the running totals; the generated columns stay the only formulas. Sums
// are REAL from the first value on: sum() of integers fails where 64 bits do not hold it.
constexpr const char* kAddToTotals = R"sql(
  INSERT INTO memory_totals
  SELECT trial_id, kind, coalesce(phase, ''), count(*),
         count(used_bytes), sum(1.0 * used_bytes), min(used_bytes), max(used_bytes),
         count(used_psutil_bytes), sum(1.0 * used_psutil_bytes),
         count(used_available_bytes), sum(1.0 * used_available_bytes),
         count(used_corrected_bytes), sum(1.0 * used_corrected_bytes),
         count(tree_rss_bytes), sum(1.0 * tree_rss_bytes), max(tree_rss_bytes),
         count(tree_rss_anon_bytes), sum(1.0 * tree_rss_anon_bytes), max(tree_rss_anon_bytes),
         count(tree_pss_bytes), sum(1.0 * tree_pss_bytes), max(tree_pss_bytes), max(cgroup_bytes)
  FROM samples WHERE trial_id = ?1 AND time_ns BETWEEN ?2 AND ?3 GROUP BY kind, phase
  ON CONFLICT DO UPDATE SET
    sample_count = sample_count + excluded.sample_count,
    used_count = used_count + excluded.used_count,
    used_sum = coalesce(used_sum + excluded.used_sum, used_sum, excluded.used_sum),
    used_min = coalesce(min(used_min, excluded.used_min), used_min, excluded.used_min),
    used_max = coalesce(max(used_max, excluded.used_max), used_max, excluded.used_max),
    used_psutil_count = used_psutil_count + excluded.used_psutil_count,
    used_psutil_sum = coalesce(used_psutil_sum + excluded.used_psutil_sum, used_psutil_sum, excluded.used_psutil_sum),
    used_available_count = used_available_count + excluded.used_available_count,
    used_available_sum =
        coalesce(used_available_sum + excluded.used_available_sum, used_available_sum, excluded.used_available_sum),
    used_corrected_count = used_corrected_count + excluded.used_corrected_count,
    used_corrected_sum =
        coalesce(used_corrected_sum + excluded.used_corrected_sum, used_corrected_sum, excluded.used_corrected_sum),
    tree_rss_count = tree_rss_count + excluded.tree_rss_count,
    tree_rss_sum = coalesce(tree_rss_sum + excluded.tree_rss_sum, tree_rss_sum, excluded.tree_rss_sum),
    tree_rss_max = coalesce(max(tree_rss_max, excluded.tree_rss_max), tree_rss_max, excluded.tree_rss_max),
    tree_rss_anon_count = tree_rss_anon_count + excluded.tree_rss_anon_count,
    tree_rss_anon_sum =
        coalesce(tree_rss_anon_sum + excluded.tree_rss_anon_sum, tree_rss_anon_sum, excluded.tree_rss_anon_sum),
    tree_rss_anon_max =
        coalesce(max(tree_rss_anon_max, excluded.tree_rss_anon_max), tree_rss_anon_max, excluded.tree_rss_anon_max),
    tree_pss_count = tree_pss_count + excluded.tree_pss_count,
    tree_pss_sum = coalesce(tree_pss_sum + excluded.tree_pss_sum, tree_pss_sum, excluded.tree_pss_sum),
    tree_pss_max = coalesce(max(tree_pss_max, excluded.tree_pss_max), tree_pss_max, excluded.tree_pss_max),
    cgroup_max = coalesce(max(cgroup_max, excluded.cgroup_max), cgroup_max, excluded.cgroup_max))sql";

// What the program says was in force stands beside what the sweep set; a name that stands there keeps its value.
constexpr const char* kAddSettings = R"sql(
  UPDATE trials SET settings = json_patch(json_remove(?2, '$.event', '$.seq', '$.sender'), settings)
  WHERE trial_id = ?1 AND length(settings) + length(?2) <= 65536)sql";

}  // namespace

struct TrialRecorder::Statements {
  explicit Statements(SQLite::Database& handle)
      : insert_sample(handle, insert_sql("INSERT", "samples", "trial_id, time_ns, kind, phase", sample_columns())),
        insert_process(handle,
                       "INSERT OR IGNORE INTO processes (trial_id, process, pid, parent_pid, name) "
                       "VALUES (?, ?, ?, ?, ?)"),
        insert_reading(handle, insert_sql("INSERT OR REPLACE", "process_readings", "trial_id, time_ns, process",
                                          process_columns())),
        add_to_totals(handle, kAddToTotals),
        insert_event(handle, "INSERT INTO events (trial_id, time_ns, event, body) VALUES (?, ?, ?, ?)"),
        insert_metric(handle,
                      "INSERT INTO metrics (trial_id, time_ns, phase, epoch, name, value) VALUES (?, ?, ?, ?, ?, ?)"),
        add_settings(handle, kAddSettings),
        set_totals(handle,
                   "INSERT OR REPLACE INTO trial_totals (trial_id, late_ticks, events_malformed, events_missing, "
                   "samples_thinned, process_rows_thinned, pss_skipped, log_bytes, log_bytes_discarded, "
                   "peak_rss_bytes, peak_rss_upper_bytes, peak_cgroup_bytes, peak_anon_bytes, peak_source) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        set_phase(handle, "INSERT OR REPLACE INTO phases (trial_id, phase, total_ns) VALUES (?, ?, ?)") {}

  void sample(std::int64_t trial_id, const Sample& sample) {
    int index = 0;
    insert_sample.bind(++index, trial_id);
    insert_sample.bind(++index, sample.time_ns);
    insert_sample.bindNoCopy(++index, to_string(sample.kind).data());  // of a literal, which ends with a NUL
    ++index;
    if (sample.phase.empty()) {
      insert_sample.bind(index);
    } else {
      insert_sample.bindNoCopy(index, sample.phase);
    }
    for (const SampleColumn& column : sample_columns()) {
      bind_optional(insert_sample, ++index, sample.*column.member);
    }
    execute(insert_sample);
  }

  void process(std::int64_t trial_id, const ProcessReading& reading) {
    insert_process.bind(1, trial_id);
    insert_process.bind(2, reading.process);
    insert_process.bind(3, reading.pid);
    insert_process.bind(4, reading.parent_pid);
    insert_process.bind(5, reading.name);
    execute(insert_process);
    int index = 0;
    insert_reading.bind(++index, trial_id);
    insert_reading.bind(++index, reading.time_ns);
    insert_reading.bind(++index, reading.process);
    for (const ProcessColumn& column : process_columns()) {
      bind_optional(insert_reading, ++index, reading.*column.member);
    }
    execute(insert_reading);
  }

  void event(std::int64_t trial_id, const ReceivedEvent& received) {
    insert_event.bind(1, trial_id);
    insert_event.bind(2, received.time_ns);
    insert_event.bind(3, std::string(received.event.name()));
    insert_event.bind(4, received.event.body);
    execute(insert_event);
    if (const auto* epoch = std::get_if<EpochEvent>(&received.event.what)) {
      for (const auto& [name, value] : epoch->values) {
        metric(trial_id, received, epoch->epoch, name, value);
      }
    } else if (const auto* single = std::get_if<MetricEvent>(&received.event.what)) {
      metric(trial_id, received, single->epoch, single->name, single->value);
    } else if (received.event.name() == "settings") {
      add_settings.bind(1, trial_id);
      add_settings.bind(2, received.event.body);
      execute(add_settings);
    }
  }

  void metric(std::int64_t trial_id, const ReceivedEvent& received, std::optional<std::int64_t> epoch,
              const std::string& name, double value) {
    insert_metric.bind(1, trial_id);
    insert_metric.bind(2, received.time_ns);
    bind_text_or_null(insert_metric, 3, received.phase);
    bind_optional(insert_metric, 4, epoch);
    insert_metric.bind(5, name);
    bind_optional(insert_metric, 6, std::isnan(value) ? std::nullopt : std::optional(value));
    execute(insert_metric);
  }

  void totals(std::int64_t trial_id, const TrialTotals& totals) {
    int index = 0;
    for (const std::int64_t value :
         {trial_id, totals.late_ticks, totals.events_malformed, totals.events_missing, totals.samples_thinned,
          totals.process_rows_thinned, totals.pss_skipped, totals.log_bytes, totals.log_bytes_discarded}) {
      set_totals.bind(++index, value);
    }
    for (const Reading& value :
         {totals.peak_rss_bytes, totals.peak_rss_upper_bytes, totals.peak_cgroup_bytes, totals.peak_anon_bytes}) {
      bind_optional(set_totals, ++index, value);
    }
    bind_optional(set_totals, ++index, totals.peak_source);
    execute(set_totals);
  }

  void phase(std::int64_t trial_id, const std::string& phase, std::int64_t total_ns) {
    set_phase.bind(1, trial_id);
    set_phase.bind(2, phase);
    set_phase.bind(3, total_ns);
    execute(set_phase);
  }

  SQLite::Statement insert_sample;
  SQLite::Statement insert_process;
  SQLite::Statement insert_reading;
  SQLite::Statement add_to_totals;
  SQLite::Statement insert_event;
  SQLite::Statement insert_metric;
  SQLite::Statement add_settings;
  SQLite::Statement set_totals;
  SQLite::Statement set_phase;
};

TrialRecorder::TrialRecorder(Database database, std::int64_t trial_id)
    : database_(std::move(database)),
      trial_id_(trial_id),
      statements_(with_storage_errors("prepare to write", database_.path(), [&] {
        database_.handle().exec(kSmallCache);
        return std::make_unique<Statements>(database_.handle());
      })) {}
TrialRecorder::~TrialRecorder() = default;

void TrialRecorder::begin(const TrialStart& start) {
  with_storage_errors(fmt::format("record the start of trial {}", trial_id_), database_.path(), [&] {
    SQLite::Database& handle = database_.handle();
    SQLite::Transaction transaction(handle, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement host(
        handle,
        "INSERT INTO hosts (name, boot_id, kernel, cpu_model, cores, mem_total_bytes, cgroup_version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, boot_id) DO UPDATE SET kernel = excluded.kernel");
    host.bind(1, start.host.name);
    host.bind(2, start.host.boot_id);
    bind_text_or_null(host, 3, start.host.kernel);
    bind_text_or_null(host, 4, start.host.cpu_model);
    bind_optional(host, 5, start.host.cores);
    bind_optional(host, 6, start.host.mem_total_bytes);
    bind_optional(host, 7, start.host.cgroup_version);
    host.exec();
    SQLite::Statement trial(
        handle,
        "UPDATE trials SET started_ns = ?1, collector_pid = ?2, host_id = (SELECT host_id FROM hosts "
        "WHERE name = ?3 AND boot_id = ?4), cgroup = ?5 WHERE trial_id = ?6 AND state = 'running'");
    bind_optional(trial, 1, start.started_ns);
    trial.bind(2, start.collector_pid);
    trial.bind(3, start.host.name);
    trial.bind(4, start.host.boot_id);
    bind_text_or_null(trial, 5, start.cgroup);
    trial.bind(6, trial_id_);
    if (trial.exec() != 1) {
      throw StorageError(fmt::format("trial {} is not running in {}: it was ended or never claimed", trial_id_,
                                     database_.path().string()),
                         false);
    }
    statements_->totals(trial_id_, {});
    transaction.commit();
    written_totals_ = {};
  });
}

void TrialRecorder::withdraw_start() {
  with_storage_errors(fmt::format("withdraw the start of trial {}", trial_id_), database_.path(), [&] {
    SQLite::Statement trial(database_.handle(),
                            "UPDATE trials SET started_ns = NULL WHERE trial_id = ? AND state = 'running'");
    trial.bind(1, trial_id_);
    trial.exec();
  });
}

void TrialRecorder::insert(const RecordBatch& batch) {
  for (const Sample& sample : batch.samples) {
    statements_->sample(trial_id_, sample);
  }
  if (!batch.samples.empty()) {
    statements_->add_to_totals.bind(1, trial_id_);
    statements_->add_to_totals.bind(2, batch.samples.front().time_ns);
    statements_->add_to_totals.bind(3, batch.samples.back().time_ns);
    execute(statements_->add_to_totals);
  }
  for (const ProcessReading& reading : batch.processes) {
    statements_->process(trial_id_, reading);
  }
  for (const ReceivedEvent& event : batch.events) {
    statements_->event(trial_id_, event);
  }
  insert_totals(batch.totals);
}

void TrialRecorder::insert_totals(const TrialTotals& totals) {
  if (totals == written_totals_) {
    return;
  }
  statements_->totals(trial_id_, totals);
  for (const auto& [phase, total_ns] : totals.phase_ns) {
    const auto written = written_totals_.phase_ns.find(phase);
    if (written == written_totals_.phase_ns.end() || written->second != total_ns) {
      statements_->phase(trial_id_, phase, total_ns);
    }
  }
}

void TrialRecorder::write(const RecordBatch& batch) {
  with_storage_errors(fmt::format("write the samples of trial {}", trial_id_), database_.path(), [&] {
    SQLite::Transaction transaction(database_.handle(), SQLite::TransactionBehavior::IMMEDIATE);
    insert(batch);
    transaction.commit();
    written_totals_ = batch.totals;
  });
}

void TrialRecorder::finish(const RecordBatch& batch, const TrialOutcome& outcome) {
  with_storage_errors(fmt::format("record the end of trial {}", trial_id_), database_.path(), [&] {
    SQLite::Database& handle = database_.handle();
    SQLite::Transaction transaction(handle, SQLite::TransactionBehavior::IMMEDIATE);
    insert(batch);
    SQLite::Statement end(handle,
                          "UPDATE trials SET state = ?, reason = ?, ended_ns = ?, exit_code = ?, term_signal = ?, "
                          "oom_kill_count = ?, max_rss_bytes = ?, user_ns = ?, system_ns = ? "
                          "WHERE trial_id = ? AND state = 'running'");
    end.bind(1, std::string(to_string(outcome.state)));
    bind_text_or_null(end, 2, outcome.reason);
    end.bind(3, outcome.ended_ns);
    int index = 3;
    for (const Reading& value : {outcome.exit_code, outcome.term_signal, outcome.oom_kill_count, outcome.max_rss_bytes,
                                 outcome.user_ns, outcome.system_ns}) {
      bind_optional(end, ++index, value);
    }
    end.bind(++index, trial_id_);
    if (end.exec() != 1) {
      throw StorageError(fmt::format("trial {} was ended by someone else while it ran", trial_id_), false);
    }
    queue_retry_as_allowed(handle, trial_id_);
    transaction.commit();
  });
}

}  // namespace memtrack
