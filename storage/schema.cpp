#include "storage/schema.h"

#include <array>

namespace memtrack {
namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE hosts (
  -- one row per machine and boot
  host_id         INTEGER PRIMARY KEY,
  name            TEXT NOT NULL,
  boot_id         TEXT NOT NULL,     -- /proc/sys/kernel/random/boot_id
  kernel          TEXT,              -- uname -r
  cpu_model       TEXT,
  cores           INTEGER,           -- online when the trial began
  mem_total_bytes INTEGER,
  cgroup_version  INTEGER,           -- 1 or 2: whose memory controller is in force
  UNIQUE (name, boot_id)
) STRICT;

CREATE TABLE sweeps (
  -- one row per submitted sweep
  sweep_id         INTEGER PRIMARY KEY,
  uid              TEXT NOT NULL UNIQUE,  -- unique in the world
  name             TEXT NOT NULL,
  method           TEXT NOT NULL,         -- as asked: grid, random, list, bayes; run: memtrack run
  effective_method TEXT NOT NULL,         -- as done
  config           TEXT NOT NULL,         -- the YAML as sent
  overrides        TEXT NOT NULL,         -- JSON: what the command line changed
  seed             INTEGER NOT NULL,      -- of drawing and shuffling
  state            TEXT NOT NULL          -- follows from its trials (trigger trials_move_sweep)
                   CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  created_ns       INTEGER NOT NULL       -- Unix epoch
) STRICT;
CREATE INDEX sweeps_by_name ON sweeps (name, sweep_id);

CREATE TABLE trials (
  -- one row per attempt at a trial; the queue is the rows in state 'queued', in the order of trial_id
  trial_id            INTEGER PRIMARY KEY,
  uid                 TEXT NOT NULL UNIQUE,  -- unique in the world
  sweep_id            INTEGER NOT NULL REFERENCES sweeps,
  host_id             INTEGER REFERENCES hosts,
  number              INTEGER NOT NULL,      -- 1-based place in the sweep file; repeats share it
  repeat              INTEGER NOT NULL,      -- 1-based
  attempt             INTEGER NOT NULL DEFAULT 1,
  retry_of            INTEGER REFERENCES trials,
  warmup              INTEGER NOT NULL DEFAULT 0 CHECK (warmup IN (0, 1)),  -- 1: unscored
  state               TEXT NOT NULL
                      CHECK (state IN ('queued', 'running', 'done', 'failed', 'oom_killed', 'timed_out', 'cancelled', 'lost')),
  reason              TEXT,                  -- one sentence on how it ended
  dataset             TEXT,
  learning_rate       REAL,
  epochs              INTEGER,
  batch_size          INTEGER,
  hidden_layers       TEXT,                  -- JSON list of widths
  depth               INTEGER,               -- number of hidden layers
  hidden_nodes        INTEGER,               -- sum of their widths
  parameter_count     INTEGER,               -- weights and biases
  parameters          TEXT NOT NULL,         -- JSON as drawn; nested: '$.optimizer.lr'
  settings            TEXT NOT NULL,         -- JSON: what was in force
  command             TEXT NOT NULL,         -- JSON: argv
  cwd                 TEXT NOT NULL,
  interval_ns         INTEGER NOT NULL,      -- sampling period
  timeout_ns          INTEGER,               -- NULL: none
  system_shared       INTEGER NOT NULL DEFAULT 0,  -- 1: other trials ran beside it, system-wide figures carry them
  reported_memory_mib REAL,                  -- a published figure, MiB
  queued_ns           INTEGER NOT NULL,      -- Unix epoch
  started_ns          INTEGER,               -- Unix epoch; NULL: the command has not been started
  ended_ns            INTEGER,               -- Unix epoch
  collector_pid       INTEGER,
  exit_code           INTEGER,               -- NULL: it did not exit by itself
  term_signal         INTEGER,               -- NULL: no signal ended it
  oom_kill_count      INTEGER,               -- counted by the kernel for the trial's cgroup; NULL: it had none
  max_rss_bytes       INTEGER,               -- wait4: the largest single process of those waited for
  user_ns             INTEGER,               -- wait4: CPU time in user mode
  system_ns           INTEGER                -- wait4: CPU time in the kernel
) STRICT;
CREATE INDEX trials_by_sweep ON trials (sweep_id, state);
CREATE INDEX trials_queued ON trials (trial_id) WHERE state = 'queued';
CREATE INDEX trials_running ON trials (trial_id) WHERE state = 'running';

CREATE TRIGGER trials_move_sweep AFTER UPDATE OF state ON trials WHEN old.state <> new.state BEGIN
  UPDATE sweeps SET state = CASE
      WHEN EXISTS (SELECT 1 FROM trials WHERE sweep_id = new.sweep_id AND state = 'running') THEN 'running'
      WHEN EXISTS (SELECT 1 FROM trials WHERE sweep_id = new.sweep_id AND state = 'queued')
        THEN CASE WHEN EXISTS (SELECT 1 FROM trials WHERE sweep_id = new.sweep_id
                               AND state IN ('done', 'failed', 'oom_killed', 'timed_out', 'cancelled', 'lost'))
             THEN 'running' ELSE 'queued' END
      WHEN EXISTS (SELECT 1 FROM trials WHERE sweep_id = new.sweep_id AND state = 'cancelled') THEN 'cancelled'
      WHEN EXISTS (SELECT 1 FROM trials WHERE sweep_id = new.sweep_id
                   AND state IN ('failed', 'oom_killed', 'timed_out', 'lost')) THEN 'failed'
      ELSE 'done' END
    WHERE sweep_id = new.sweep_id;
END;

CREATE TABLE samples (
  -- one row per sample; every value NULL where it was not read, bytes where no other unit is named
  trial_id             INTEGER NOT NULL REFERENCES trials,
  time_ns              INTEGER NOT NULL,  -- Unix epoch, strictly increasing within a trial
  kind                 TEXT NOT NULL CHECK (kind IN ('baseline', 'start', 'tick', 'phase', 'final')),
  phase                TEXT,              -- as named by the program; NULL: none named yet
  -- the whole system, /proc/meminfo
  mem_total_bytes      INTEGER,
  mem_free_bytes       INTEGER,
  mem_available_bytes  INTEGER,
  buffers_bytes        INTEGER,
  cached_bytes         INTEGER,           -- page cache; shmem is counted inside
  sreclaimable_bytes   INTEGER,
  shmem_bytes          INTEGER,
  anon_bytes           INTEGER,           -- AnonPages
  slab_bytes           INTEGER,
  dirty_bytes          INTEGER,
  active_bytes         INTEGER,
  swap_total_bytes     INTEGER,
  swap_free_bytes      INTEGER,
  pcp_free_bytes       INTEGER,           -- free pages on per-CPU lists, /proc/zoneinfo; ticks at least 1 s apart
  -- the trial's process tree, /proc/PID/status and stat
  tree_rss_bytes       INTEGER,           -- sum over processes: pages shared between them count once each
  tree_rss_anon_bytes  INTEGER,
  tree_rss_file_bytes  INTEGER,
  tree_rss_shmem_bytes INTEGER,
  tree_pss_bytes       INTEGER,           -- of the whole tree or of none
  tree_pss_anon_bytes  INTEGER,
  tree_pss_file_bytes  INTEGER,
  tree_pss_shmem_bytes INTEGER,
  tree_uss_bytes       INTEGER,
  tree_swap_bytes      INTEGER,
  tree_major_faults    INTEGER,           -- cumulative
  process_count        INTEGER,
  thread_count         INTEGER,
  cpu_ns               INTEGER,           -- cumulative CPU time of the tree
  cgroup_bytes         INTEGER,           -- the trial's own cgroup: page cache and kernel memory included
  -- four meanings of "used": docs/metrics.md
  used_bytes           INTEGER GENERATED ALWAYS AS (mem_total_bytes - mem_free_bytes - buffers_bytes - cached_bytes) VIRTUAL,
  used_psutil_bytes    INTEGER GENERATED ALWAYS AS (  -- psutil 4.4.0 to 7.0.0, the paper's
      CASE WHEN mem_total_bytes - mem_free_bytes - buffers_bytes - cached_bytes - sreclaimable_bytes < 0
           THEN mem_total_bytes - mem_free_bytes
           ELSE mem_total_bytes - mem_free_bytes - buffers_bytes - cached_bytes - sreclaimable_bytes END) VIRTUAL,
  used_available_bytes INTEGER GENERATED ALWAYS AS (mem_total_bytes - mem_available_bytes) VIRTUAL,  -- psutil >= 7.1.0
  used_corrected_bytes INTEGER GENERATED ALWAYS AS (used_psutil_bytes - pcp_free_bytes + shmem_bytes) VIRTUAL,
  PRIMARY KEY (trial_id, time_ns)
) STRICT, WITHOUT ROWID;

CREATE TABLE process_samples (
  -- one row per process of a trial, at most once a second
  trial_id        INTEGER NOT NULL REFERENCES trials,
  time_ns         INTEGER NOT NULL,
  pid             INTEGER NOT NULL,
  parent_pid      INTEGER,
  name            TEXT,
  rss_bytes       INTEGER,
  rss_anon_bytes  INTEGER,
  rss_file_bytes  INTEGER,
  rss_shmem_bytes INTEGER,
  peak_rss_bytes  INTEGER,  -- VmHWM: the kernel's own high-water mark
  pss_bytes       INTEGER,
  uss_bytes       INTEGER,
  swap_bytes      INTEGER,
  threads         INTEGER,
  cpu_ns          INTEGER,  -- cumulative
  PRIMARY KEY (trial_id, time_ns, pid)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory_totals (
  -- running totals of `samples`, moved in the samples' own transaction; the views read these
  trial_id            INTEGER NOT NULL REFERENCES trials,
  kind                TEXT NOT NULL,
  phase               TEXT NOT NULL,  -- '': none named yet
  sample_count        INTEGER NOT NULL,
  used_count          INTEGER NOT NULL, used_sum           INTEGER, used_min INTEGER, used_max INTEGER,
  used_psutil_count   INTEGER NOT NULL, used_psutil_sum    INTEGER,
  used_available_count INTEGER NOT NULL, used_available_sum INTEGER,
  used_corrected_count INTEGER NOT NULL, used_corrected_sum INTEGER,
  tree_rss_count      INTEGER NOT NULL, tree_rss_sum       INTEGER, tree_rss_max INTEGER,
  tree_rss_anon_count INTEGER NOT NULL, tree_rss_anon_sum  INTEGER, tree_rss_anon_max INTEGER,
  tree_pss_count      INTEGER NOT NULL, tree_pss_sum       INTEGER, tree_pss_max INTEGER,
  cgroup_max          INTEGER,
  PRIMARY KEY (trial_id, kind, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE trial_totals (
  -- one row per started trial: what its collector counted
  trial_id             INTEGER PRIMARY KEY REFERENCES trials,
  late_ticks           INTEGER NOT NULL,  -- ticks that passed unread: counted, never made up
  events_malformed     INTEGER NOT NULL,  -- datagrams that were no event, oversize ones included
  events_missing       INTEGER NOT NULL,  -- gaps in the senders' numbers
  samples_thinned      INTEGER NOT NULL,  -- samples given up while the database could not be written
  log_bytes            INTEGER NOT NULL,
  log_bytes_discarded  INTEGER NOT NULL,  -- output beyond the cap, or while the disk was full
  peak_rss_bytes       INTEGER,           -- see peak_source
  peak_rss_upper_bytes INTEGER,           -- sum of the high-water marks of all processes
  peak_cgroup_bytes    INTEGER,
  peak_anon_bytes      INTEGER,           -- largest sample
  peak_source          TEXT               -- kernel: exact high-water mark; samples: the largest sample, a lower bound
) STRICT;

CREATE TABLE phases (
  -- one row per trial and phase that the program named
  trial_id INTEGER NOT NULL REFERENCES trials,
  phase    TEXT NOT NULL,
  total_ns INTEGER NOT NULL,  -- time spent in it so far, over all its visits
  PRIMARY KEY (trial_id, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  -- one row per event as it came; the sender's words
  event_id INTEGER PRIMARY KEY,
  trial_id INTEGER NOT NULL REFERENCES trials,
  time_ns  INTEGER NOT NULL,  -- when the collector took it
  event    TEXT NOT NULL,     -- phase, epoch, metric, or the program's own word
  body     TEXT NOT NULL      -- JSON; NaN and infinities as strings
) STRICT;
CREATE INDEX events_by_trial ON events (trial_id, time_ns);

CREATE TABLE metrics (
  -- one row per metric value; every number of an epoch event is one
  metric_id INTEGER PRIMARY KEY,
  trial_id  INTEGER NOT NULL REFERENCES trials,
  time_ns   INTEGER NOT NULL,
  phase     TEXT,
  epoch     INTEGER,
  name      TEXT NOT NULL,
  value     REAL            -- NULL: not a number; infinities are stored as such
) STRICT;
CREATE INDEX metrics_by_epoch ON metrics (trial_id, epoch, name, time_ns);

CREATE VIEW epochs AS
  -- one row per epoch; a value sent twice: the last. loss_state: finite, nan, inf; NULL: no loss was sent
  SELECT trial_id, epoch, time_ns, train_loss,
         CASE WHEN loss_rows = 0 THEN NULL WHEN train_loss IS NULL THEN 'nan'
              WHEN abs(train_loss) > 1.7976931348623157e308 THEN 'inf' ELSE 'finite' END AS loss_state,
         test_accuracy, seconds, tensor_bytes_peak
  FROM (SELECT e.trial_id, e.epoch, max(e.time_ns) AS time_ns, sum(e.name = 'train_loss') AS loss_rows,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'train_loss' ORDER BY m.time_ns DESC LIMIT 1) AS train_loss,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'test_accuracy' ORDER BY m.time_ns DESC LIMIT 1) AS test_accuracy,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'seconds' ORDER BY m.time_ns DESC LIMIT 1) AS seconds,
               (SELECT CAST(m.value AS INTEGER) FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'tensor_bytes_peak' ORDER BY m.time_ns DESC LIMIT 1) AS tensor_bytes_peak
        FROM metrics e WHERE e.epoch IS NOT NULL GROUP BY e.trial_id, e.epoch);

CREATE VIEW tensor_memory AS
  -- one row per trial, phase, kind and layer, from the trainer's events of that name:
  -- {"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":1,"peak_bytes":2}]}
  SELECT e.trial_id AS trial_id, e.body ->> '$.phase' AS phase, t.value ->> '$.kind' AS kind,
         t.value ->> '$.layer' AS layer, t.value ->> '$.bytes' AS bytes, t.value ->> '$.peak_bytes' AS peak_bytes
  FROM events e, json_each(e.body, '$.tensors') t WHERE e.event = 'tensor_memory';

CREATE VIEW trial_memory AS
  -- one row per trial, ended or not. Averages are over its samples of kind tick, each with its own count; NULL: no tick.
  -- Peaks: the kernel's own marks where there are some, else the largest sample (baselines left out); see peak_source.
  SELECT t.trial_id AS trial_id,
         coalesce(sum(m.sample_count) FILTER (WHERE m.kind = 'tick'), 0) AS tick_count,
         p.late_ticks AS late_ticks,
         1.0 * sum(m.used_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_count) FILTER (WHERE m.kind = 'tick') AS avg_used_bytes,
         min(m.used_min) FILTER (WHERE m.kind = 'tick') AS min_used_bytes,
         max(m.used_max) FILTER (WHERE m.kind = 'tick') AS max_used_bytes,
         1.0 * sum(m.used_psutil_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_psutil_count) FILTER (WHERE m.kind = 'tick') AS avg_used_psutil_bytes,
         1.0 * sum(m.used_available_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_available_count) FILTER (WHERE m.kind = 'tick') AS avg_used_available_bytes,
         1.0 * sum(m.used_corrected_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_corrected_count) FILTER (WHERE m.kind = 'tick') AS avg_used_corrected_bytes,
         coalesce(sum(m.used_corrected_count) FILTER (WHERE m.kind = 'tick'), 0) AS used_corrected_count,
         1.0 * sum(m.tree_rss_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_rss_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_rss_bytes,
         1.0 * sum(m.tree_rss_anon_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_rss_anon_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_rss_anon_bytes,
         1.0 * sum(m.tree_pss_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_pss_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_pss_bytes,
         coalesce(sum(m.tree_pss_count) FILTER (WHERE m.kind = 'tick'), 0) AS tree_pss_count,
         1.0 * sum(m.used_sum) FILTER (WHERE m.kind = 'baseline') / sum(m.used_count) FILTER (WHERE m.kind = 'baseline') AS baseline_used_bytes,
         1.0 * sum(m.used_psutil_sum) FILTER (WHERE m.kind = 'baseline') / sum(m.used_psutil_count) FILTER (WHERE m.kind = 'baseline') AS baseline_used_psutil_bytes,
         1.0 * sum(m.used_available_sum) FILTER (WHERE m.kind = 'baseline') / sum(m.used_available_count) FILTER (WHERE m.kind = 'baseline') AS baseline_used_available_bytes,
         1.0 * sum(m.used_corrected_sum) FILTER (WHERE m.kind = 'baseline') / sum(m.used_corrected_count) FILTER (WHERE m.kind = 'baseline') AS baseline_used_corrected_bytes,
         coalesce(p.peak_rss_bytes, max(m.tree_rss_max) FILTER (WHERE m.kind <> 'baseline')) AS peak_rss_bytes,
         p.peak_rss_upper_bytes AS peak_rss_upper_bytes,
         coalesce(p.peak_cgroup_bytes, max(m.cgroup_max) FILTER (WHERE m.kind <> 'baseline')) AS peak_cgroup_bytes,
         max(m.tree_rss_anon_max) FILTER (WHERE m.kind <> 'baseline') AS peak_anon_bytes,
         CASE WHEN p.peak_rss_bytes IS NOT NULL THEN p.peak_source WHEN max(m.tree_rss_max) FILTER (WHERE m.kind <> 'baseline') IS NOT NULL THEN 'samples' END AS peak_source
  FROM trials t LEFT JOIN trial_totals p ON p.trial_id = t.trial_id LEFT JOIN memory_totals m ON m.trial_id = t.trial_id
  GROUP BY t.trial_id;

CREATE VIEW phase_memory AS
  -- one row per trial and phase. Averages are over its ticks; peaks are the largest of its samples, lower bounds.
  SELECT m.trial_id AS trial_id,
         m.phase AS phase,
         p.total_ns / 1e9 AS seconds,
         coalesce(sum(m.sample_count) FILTER (WHERE m.kind = 'tick'), 0) AS tick_count,
         1.0 * sum(m.used_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_count) FILTER (WHERE m.kind = 'tick') AS avg_used_bytes,
         min(m.used_min) FILTER (WHERE m.kind = 'tick') AS min_used_bytes,
         max(m.used_max) FILTER (WHERE m.kind = 'tick') AS max_used_bytes,
         1.0 * sum(m.used_psutil_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_psutil_count) FILTER (WHERE m.kind = 'tick') AS avg_used_psutil_bytes,
         1.0 * sum(m.used_available_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_available_count) FILTER (WHERE m.kind = 'tick') AS avg_used_available_bytes,
         1.0 * sum(m.used_corrected_sum) FILTER (WHERE m.kind = 'tick') / sum(m.used_corrected_count) FILTER (WHERE m.kind = 'tick') AS avg_used_corrected_bytes,
         coalesce(sum(m.used_corrected_count) FILTER (WHERE m.kind = 'tick'), 0) AS used_corrected_count,
         1.0 * sum(m.tree_rss_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_rss_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_rss_bytes,
         1.0 * sum(m.tree_rss_anon_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_rss_anon_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_rss_anon_bytes,
         1.0 * sum(m.tree_pss_sum) FILTER (WHERE m.kind = 'tick') / sum(m.tree_pss_count) FILTER (WHERE m.kind = 'tick') AS avg_tree_pss_bytes,
         coalesce(sum(m.tree_pss_count) FILTER (WHERE m.kind = 'tick'), 0) AS tree_pss_count,
         max(m.tree_rss_max) AS peak_rss_bytes,
         NULL AS peak_rss_upper_bytes,
         max(m.cgroup_max) AS peak_cgroup_bytes,
         max(m.tree_rss_anon_max) AS peak_anon_bytes,
         CASE WHEN max(m.tree_rss_max) IS NOT NULL THEN 'samples' END AS peak_source
  FROM memory_totals m LEFT JOIN phases p ON p.trial_id = m.trial_id AND p.phase = m.phase
  WHERE m.kind <> 'baseline' AND m.phase <> ''
  GROUP BY m.trial_id, m.phase;
)sql";

// Comments before the type survive in the schema, behind the last word they would not.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE trials ADD COLUMN memory_limit_bytes /* of the trial's cgroup, swap forbidden; NULL: none */ INTEGER;
ALTER TABLE trials ADD COLUMN settle_ns /* waited before the baseline; NULL: nothing */ INTEGER;
ALTER TABLE trials ADD COLUMN baseline_ns /* the idle system was sampled this long, before and after; NULL: not */ INTEGER;
ALTER TABLE trials ADD COLUMN cgroup /* folder of the trial's own cgroup; NULL: it had none */ TEXT;
ALTER TABLE trial_totals ADD COLUMN pss_skipped /* readings of pss left out: one process would have taken over 10 ms */
  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trial_totals ADD COLUMN process_rows_thinned /* given up while the database could not be written */
  INTEGER NOT NULL DEFAULT 0;

DROP TABLE process_samples;

CREATE TABLE processes (
  -- one row per process of a trial, one more for each other parent or name that it got
  trial_id   INTEGER NOT NULL REFERENCES trials,
  process    INTEGER NOT NULL,  -- counted from 1 within the trial
  pid        INTEGER NOT NULL,  -- may have been used again for another process
  parent_pid INTEGER,
  name       TEXT,              -- the kernel's, at most 15 bytes
  PRIMARY KEY (trial_id, process)
) STRICT, WITHOUT ROWID;

CREATE TABLE process_readings (
  -- one row per process, at most once a second, its first and last reading; NULL where not read
  trial_id        INTEGER NOT NULL REFERENCES trials,
  time_ns         INTEGER NOT NULL,  -- that of the sample
  process         INTEGER NOT NULL,
  rss_bytes       INTEGER,
  rss_anon_bytes  INTEGER,
  rss_file_bytes  INTEGER,
  rss_shmem_bytes INTEGER,
  peak_rss_bytes  INTEGER,  -- VmHWM: the kernel's own high-water mark, since the last exec
  pss_bytes       INTEGER,  -- where the tree's was read
  uss_bytes       INTEGER,
  swap_bytes      INTEGER,
  threads         INTEGER,
  cpu_ns          INTEGER,  -- cumulative, without children
  PRIMARY KEY (trial_id, time_ns, process)
) STRICT, WITHOUT ROWID;

CREATE VIEW process_samples AS
  -- one row per process, at most once a second, its first and last reading; columns as in process_readings
  SELECT r.trial_id AS trial_id, r.time_ns AS time_ns, p.pid AS pid, p.parent_pid AS parent_pid, p.name AS name,
         r.rss_bytes AS rss_bytes, r.rss_anon_bytes AS rss_anon_bytes, r.rss_file_bytes AS rss_file_bytes,
         r.rss_shmem_bytes AS rss_shmem_bytes, r.peak_rss_bytes AS peak_rss_bytes, r.pss_bytes AS pss_bytes,
         r.uss_bytes AS uss_bytes, r.swap_bytes AS swap_bytes, r.threads AS threads, r.cpu_ns AS cpu_ns
  FROM process_readings r JOIN processes p ON p.trial_id = r.trial_id AND p.process = r.process;
)sql";

constexpr std::string_view kVersion3 = R"sql(
CREATE INDEX events_of_tensors ON events (trial_id) WHERE event = 'tensor_memory';

DROP VIEW tensor_memory;
CREATE VIEW tensor_memory AS
  -- one row per trial, phase, kind and layer, from events like
  -- {"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":1,"peak_bytes":2}]}
  SELECT trial_id, phase, kind, layer, bytes, peak_bytes
  FROM (SELECT e.trial_id AS trial_id, e.body ->> '$.phase' AS phase,
               t.value ->> '$.kind' AS kind,    -- data, parameters, gradients, optimizer_state, activations
               t.value ->> '$.layer' AS layer,  -- NULL: of no single one
               t.value ->> '$.bytes' AS bytes,  -- when the phase ended, the last time it did
               max(coalesce(t.value ->> '$.peak_bytes', t.value ->> '$.bytes')) OVER each AS peak_bytes,
               row_number() OVER (each ORDER BY e.event_id DESC) AS age
        FROM events e, json_each(e.body, '$.tensors') t WHERE e.event = 'tensor_memory'
        WINDOW each AS (PARTITION BY e.trial_id, e.body ->> '$.phase', t.value ->> '$.kind', t.value ->> '$.layer'))
  WHERE age = 1;

DROP VIEW epochs;
CREATE VIEW epochs AS
  -- one row per epoch; a value sent twice: the last, but of tensor_bytes_peak the largest.
  -- loss_state: finite, nan, inf; NULL: no loss was sent
  SELECT trial_id, epoch, time_ns, train_loss,
         CASE WHEN loss_rows = 0 THEN NULL WHEN train_loss IS NULL THEN 'nan'
              WHEN abs(train_loss) > 1.7976931348623157e308 THEN 'inf' ELSE 'finite' END AS loss_state,
         test_accuracy, seconds, tensor_bytes_peak
  FROM (SELECT e.trial_id, e.epoch, max(e.time_ns) AS time_ns, sum(e.name = 'train_loss') AS loss_rows,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'train_loss' ORDER BY m.time_ns DESC LIMIT 1) AS train_loss,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'test_accuracy' ORDER BY m.time_ns DESC LIMIT 1) AS test_accuracy,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'seconds' ORDER BY m.time_ns DESC LIMIT 1) AS seconds,
               CAST(max(e.value) FILTER (WHERE e.name = 'tensor_bytes_peak') AS INTEGER) AS tensor_bytes_peak
        FROM metrics e WHERE e.epoch IS NOT NULL GROUP BY e.trial_id, e.epoch);
)sql";

// A sweep's state follows from its trials; an attempt that was repeated counts no more.
constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE sweeps ADD COLUMN jobs /* trials at a time */ INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sweeps ADD COLUMN retries /* more attempts at a trial that failed or was lost; 0 once it is cancelled */
  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sweeps ADD COLUMN priority /* sweeps of a higher one go first */ INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sweeps ADD COLUMN paused /* 1: nothing of it begins */ INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));
ALTER TABLE sweeps ADD COLUMN next_number /* of an open-ended sweep: the trial to be drawn next; NULL: none will be */
  INTEGER;
ALTER TABLE trials ADD COLUMN not_before_ns /* a retry waits until then, Unix epoch; NULL: it does not wait */ INTEGER;
CREATE INDEX sweeps_unfinished ON sweeps (sweep_id) WHERE state IN ('queued', 'running');
CREATE INDEX sweeps_open ON sweeps (sweep_id) WHERE next_number IS NOT NULL;
CREATE INDEX trials_waiting ON trials (sweep_id, not_before_ns) WHERE state = 'queued' AND not_before_ns IS NOT NULL;
CREATE UNIQUE INDEX trials_by_retry_of ON trials (retry_of) WHERE retry_of IS NOT NULL;

CREATE VIEW sweep_states AS
  -- one row per sweep: the state that follows from its trials, an attempt that was repeated left out
  SELECT s.sweep_id AS sweep_id, CASE
      WHEN EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = 'running') THEN 'running'
      WHEN s.next_number IS NOT NULL OR EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = 'queued')
        THEN CASE WHEN EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id
                               AND t.state IN ('done', 'failed', 'oom_killed', 'timed_out', 'cancelled', 'lost'))
             THEN 'running' ELSE 'queued' END
      WHEN EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = 'cancelled'
                   AND NOT EXISTS (SELECT 1 FROM trials r WHERE r.retry_of = t.trial_id)) THEN 'cancelled'
      WHEN EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = s.sweep_id
                   AND t.state IN ('failed', 'oom_killed', 'timed_out', 'lost')
                   AND NOT EXISTS (SELECT 1 FROM trials r WHERE r.retry_of = t.trial_id)) THEN 'failed'
      ELSE 'done' END AS state
  FROM sweeps s;

DROP TRIGGER trials_move_sweep;
CREATE TRIGGER trials_move_sweep AFTER UPDATE OF state ON trials WHEN old.state <> new.state BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END;
CREATE TRIGGER retries_move_sweep AFTER INSERT ON trials WHEN new.retry_of IS NOT NULL BEGIN
  UPDATE sweeps SET state = 'running' WHERE sweep_id = new.sweep_id;
END;
CREATE TRIGGER end_of_drawing_moves_sweep AFTER UPDATE OF next_number ON sweeps
  WHEN old.next_number IS NOT NULL AND new.next_number IS NULL BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END;

CREATE TRIGGER claimed_trials_share_the_system AFTER UPDATE OF state ON trials
  WHEN new.state = 'running' AND (SELECT count(*) FROM trials WHERE state = 'running') > 1 BEGIN
  UPDATE trials SET system_shared = 1 WHERE state = 'running' AND system_shared = 0;
END;
CREATE TRIGGER begun_trials_share_the_system AFTER INSERT ON trials
  WHEN new.state = 'running' AND (SELECT count(*) FROM trials WHERE state = 'running') > 1 BEGIN
  UPDATE trials SET system_shared = 1 WHERE state = 'running' AND system_shared = 0;
END;
)sql";

constexpr std::string_view kVersion5 = R"sql(
DROP VIEW epochs;
CREATE VIEW epochs AS
  -- one row per epoch; a value sent twice: the last, but of tensor_bytes_peak the largest.
  -- loss_state: finite, nan, inf; NULL: no loss was sent
  -- is_partial: 1: ended before its end, its figures are of the steps until then; 0: whole; NULL: not told
  SELECT trial_id, epoch, time_ns, train_loss,
         CASE WHEN loss_rows = 0 THEN NULL WHEN train_loss IS NULL THEN 'nan'
              WHEN abs(train_loss) > 1.7976931348623157e308 THEN 'inf' ELSE 'finite' END AS loss_state,
         test_accuracy, seconds, tensor_bytes_peak, is_partial
  FROM (SELECT e.trial_id, e.epoch, max(e.time_ns) AS time_ns, sum(e.name = 'train_loss') AS loss_rows,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'train_loss' ORDER BY m.time_ns DESC LIMIT 1) AS train_loss,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'test_accuracy' ORDER BY m.time_ns DESC LIMIT 1) AS test_accuracy,
               (SELECT m.value FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'seconds' ORDER BY m.time_ns DESC LIMIT 1) AS seconds,
               CAST(max(e.value) FILTER (WHERE e.name = 'tensor_bytes_peak') AS INTEGER) AS tensor_bytes_peak,
               (SELECT CAST(m.value AS INTEGER) FROM metrics m WHERE m.trial_id = e.trial_id AND m.epoch = e.epoch
                  AND m.name = 'is_partial' ORDER BY m.time_ns DESC LIMIT 1) AS is_partial
        FROM metrics e WHERE e.epoch IS NOT NULL GROUP BY e.trial_id, e.epoch);
)sql";

// A sweep file may have megabytes, and what stands behind it in a row is found by reading through it: it comes last.
// No rename: it would have the views and triggers that name the table be right in between.
constexpr std::string_view kVersion6 = R"sql(
PRAGMA defer_foreign_keys = ON;
CREATE TEMP TABLE old_sweeps AS SELECT * FROM sweeps;
DROP TABLE sweeps;
CREATE TABLE sweeps (
  -- one row per submitted sweep
  sweep_id         INTEGER PRIMARY KEY,
  uid              TEXT NOT NULL UNIQUE,  -- unique in the world
  name             TEXT NOT NULL,
  method           TEXT NOT NULL,         -- as asked: grid, random, list, bayes; run: memtrack run
  effective_method TEXT NOT NULL,         -- as done
  seed             INTEGER NOT NULL,      -- of drawing and shuffling
  state            TEXT NOT NULL          -- follows from its trials (view sweep_states)
                   CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  created_ns       INTEGER NOT NULL,      -- Unix epoch
  jobs             INTEGER NOT NULL DEFAULT 1,  -- trials at a time
  retries          INTEGER NOT NULL DEFAULT 0,  -- more attempts at a trial that failed or was lost; 0 once it is cancelled
  priority         INTEGER NOT NULL DEFAULT 0,  -- sweeps of a higher one go first
  paused           INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),  -- 1: nothing of it begins
  next_number      INTEGER,               -- of an open-ended sweep: the trial to be drawn next; NULL: none will be
  overrides        TEXT NOT NULL,         -- JSON: what the command line changed
  config           TEXT NOT NULL          -- the YAML as sent
) STRICT;
INSERT INTO sweeps (sweep_id, uid, name, method, effective_method, seed, state, created_ns, jobs, retries, priority,
                    paused, next_number, overrides, config)
  SELECT sweep_id, uid, name, method, effective_method, seed, state, created_ns, jobs, retries, priority, paused,
         next_number, overrides, config FROM old_sweeps;
DROP TABLE old_sweeps;
CREATE INDEX sweeps_by_name ON sweeps (name, sweep_id);
CREATE INDEX sweeps_unfinished ON sweeps (sweep_id) WHERE state IN ('queued', 'running');
CREATE INDEX sweeps_open ON sweeps (sweep_id) WHERE next_number IS NOT NULL;

-- By trial_id, whoever asked for what runs was answered from the larger index of all trials.
DROP INDEX trials_queued;
DROP INDEX trials_running;
CREATE INDEX trials_queued ON trials (state) WHERE state = 'queued';
CREATE INDEX trials_running ON trials (state) WHERE state = 'running';
-- A page of a sweep's trials begins where the last one ended.
CREATE INDEX trials_in_sweep ON trials (sweep_id);

DROP TRIGGER trials_move_sweep;
CREATE TRIGGER trials_move_sweep AFTER UPDATE OF state ON trials
  -- while a sweep runs and has something queued, no trial that begins or ends changes its state
  WHEN old.state <> new.state AND NOT (new.state <> 'queued'
    AND (SELECT s.state FROM sweeps s WHERE s.sweep_id = new.sweep_id) = 'running'
    AND EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = new.sweep_id AND t.state = 'queued')) BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END;
DROP TRIGGER retries_move_sweep;
CREATE TRIGGER retries_move_sweep AFTER INSERT ON trials WHEN new.retry_of IS NOT NULL BEGIN
  UPDATE sweeps SET state = 'running' WHERE sweep_id = new.sweep_id AND state <> 'running';
END;
CREATE TRIGGER end_of_drawing_moves_sweep AFTER UPDATE OF next_number ON sweeps
  WHEN old.next_number IS NOT NULL AND new.next_number IS NULL BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END;
)sql";

// The sum of 1 TB over ten million samples is more than an INTEGER holds, and a STRICT column takes no other then.
constexpr std::string_view kVersion7 = R"sql(
CREATE TEMP TABLE old_totals AS SELECT * FROM memory_totals;
DROP TABLE memory_totals;
CREATE TABLE memory_totals (
  -- running totals of `samples`, moved in the samples' own transaction; the views read these
  trial_id            INTEGER NOT NULL REFERENCES trials,
  kind                TEXT NOT NULL,
  phase               TEXT NOT NULL,  -- '': none named yet
  sample_count        INTEGER NOT NULL,
  -- sums are exact up to 2^53, beyond to 15 digits
  used_count          INTEGER NOT NULL, used_sum           REAL, used_min INTEGER, used_max INTEGER,
  used_psutil_count   INTEGER NOT NULL, used_psutil_sum    REAL,
  used_available_count INTEGER NOT NULL, used_available_sum REAL,
  used_corrected_count INTEGER NOT NULL, used_corrected_sum REAL,
  tree_rss_count      INTEGER NOT NULL, tree_rss_sum       REAL, tree_rss_max INTEGER,
  tree_rss_anon_count INTEGER NOT NULL, tree_rss_anon_sum  REAL, tree_rss_anon_max INTEGER,
  tree_pss_count      INTEGER NOT NULL, tree_pss_sum       REAL, tree_pss_max INTEGER,
  cgroup_max          INTEGER,
  PRIMARY KEY (trial_id, kind, phase)
) STRICT, WITHOUT ROWID;
INSERT INTO memory_totals SELECT * FROM old_totals;
DROP TABLE old_totals;
)sql";

constexpr std::array<std::string_view, 7> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4,
                                                         kVersion5, kVersion6, kVersion7};

}  // namespace

std::span<const std::string_view> migrations() {
  return kMigrations;
}

}  // namespace memtrack
