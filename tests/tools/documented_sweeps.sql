-- The small database that docs/sql.md is asked of: figures are whole MiB, so that every answer can be worked out by hand.
-- Sweep 1: four settings of the built-in trainer, two repeats, one warm-up. Sweep 2: somebody's own program.

INSERT INTO hosts (host_id, name, boot_id, kernel, cpu_model, cores, mem_total_bytes, cgroup_version)
  VALUES (1, 'lab-1', 'b1', '6.1.0', 'EPYC', 8, 16000 * 1048576, 2), (2, 'lab-2', 'b2', '6.1.0', 'Xeon', 4, 8000 * 1048576, 2);

INSERT INTO sweeps (sweep_id, uid, name, method, effective_method, config, overrides, seed, state, created_ns) VALUES
  (1, 's1', 'quickstart', 'grid', 'grid', 'method: grid', '{}', 0, 'done', 1700000000000000000),
  (2, 's2', 'own program', 'list', 'list', 'method: list', '{}', 0, 'failed', 1700001000000000000);

-- trial 1 is the warm-up, 2 to 5 and 6 to 9 are the two blocks
WITH planned (trial_id, number, repeat, warmup, rate, batch, layers, depth, nodes, weights) AS (VALUES
  (1, 1, 1, 1, 0.001, 32,  '[128,64]',  2, 192, 109386), (2, 1, 1, 0, 0.001, 32,  '[128,64]',  2, 192, 109386),
  (3, 2, 1, 0, 0.001, 128, '[128,64]',  2, 192, 109386), (4, 3, 1, 0, 0.01,  32,  '[512,256]', 2, 768, 535818),
  (5, 4, 1, 0, 0.01,  128, '[512,256]', 2, 768, 535818), (6, 1, 2, 0, 0.001, 32,  '[128,64]',  2, 192, 109386),
  (7, 2, 2, 0, 0.001, 128, '[128,64]',  2, 192, 109386), (8, 3, 2, 0, 0.01,  32,  '[512,256]', 2, 768, 535818),
  (9, 4, 2, 0, 0.01,  128, '[512,256]', 2, 768, 535818))
INSERT INTO trials (trial_id, uid, sweep_id, host_id, number, repeat, warmup, state, dataset, learning_rate, epochs,
    batch_size, hidden_layers, depth, hidden_nodes, parameter_count, parameters, settings, command, cwd, interval_ns,
    reported_memory_mib, queued_ns, started_ns, ended_ns, exit_code, oom_kill_count, max_rss_bytes, user_ns, system_ns)
  SELECT trial_id, 't' || trial_id, 1, 1, number, repeat, warmup, 'done', 'mnist', rate, 2, batch, layers, depth, nodes,
    weights, json_object('learning_rate', rate, 'batch_size', batch, 'hidden_layers', json(layers)),
    '{"order":"shuffled","threads":2,"libtorch":"1.13.0"}', '["memtrack-trainer"]', '/', 1000000000, iif(number = 1, 1005.0, NULL),
    1700000000000000000, 1700000000000000000 + trial_id * 20000000000,
    1700000012500000000 + trial_id * 20000000000, 0, 0, 300 * 1048576, 11000000000, 1000000000
  FROM planned;

-- 10 failed and was tried again as 11; 12 ran out of memory; 13 is still running; 14 waits; 15 was cancelled within its second epoch
WITH planned (trial_id, number, attempt, retry_of, state, reason, rate, exit_code, term_signal, kills) AS (VALUES
  (10, 1, 1, NULL, 'failed', 'exit code 1', 0.1, 1, NULL, 0), (11, 1, 2, 10, 'done', NULL, 0.1, 0, NULL, 0),
  (12, 2, 1, NULL, 'oom_killed', 'killed at its memory limit', 0.2, NULL, 9, 1),
  (13, 3, 1, NULL, 'running', NULL, 0.3, NULL, NULL, NULL), (14, 4, 1, NULL, 'queued', NULL, 0.4, NULL, NULL, NULL),
  (15, 5, 1, NULL, 'cancelled', 'cancelled', 0.5, NULL, 15, 0))
INSERT INTO trials (trial_id, uid, sweep_id, host_id, number, repeat, attempt, retry_of, state, reason, parameters,
    settings, command, cwd, interval_ns, queued_ns, started_ns, ended_ns, exit_code, term_signal, oom_kill_count)
  SELECT trial_id, 't' || trial_id, 2, iif(state = 'queued', NULL, 2), number, 1, attempt, retry_of, state, reason,
    json_object('optimizer', json_object('lr', rate)), '{"order":"listed"}', '["python3","train.py"]', '/home/ada',
    1000000000, 1700001000000000000, iif(state = 'queued', NULL, 1700001000000000000 + trial_id * 20000000000),
    iif(state IN ('queued', 'running'), NULL, 1700001012500000000 + trial_id * 20000000000), exit_code, term_signal, kills
  FROM planned;

-- twelve ticks a trial, one a second: one of load, nine of train, two of evaluate; programs of sweep 2 name no phase.
-- Anonymous memory: 100 MiB, 4 more for each 100,000 weights, batch / 16; the second repeat is 1 MiB larger.
WITH RECURSIVE tick (k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM tick WHERE k < 12),
figure AS (
  SELECT trial_id, k, started_ns + k * 1000000000 AS time_ns,
    CASE WHEN sweep_id = 2 THEN NULL WHEN k = 1 THEN 'load' WHEN k <= 10 THEN 'train' ELSE 'evaluate' END AS phase,
    1000 + trial_id * 10 + k AS used,
    CASE WHEN sweep_id = 2 THEN 50 + k WHEN k = 1 THEN 60
         ELSE 100 + parameter_count / 100000 * 4 + batch_size / 16 + (repeat - 1) + (k > 10) END AS anon
  FROM trials, tick WHERE started_ns IS NOT NULL)
INSERT INTO samples (trial_id, time_ns, kind, phase, mem_total_bytes, mem_free_bytes, mem_available_bytes, buffers_bytes,
    cached_bytes, sreclaimable_bytes, shmem_bytes, swap_total_bytes, swap_free_bytes, tree_rss_bytes, tree_rss_anon_bytes,
    tree_rss_file_bytes, tree_rss_shmem_bytes, tree_pss_bytes, tree_swap_bytes, tree_major_faults, process_count,
    thread_count, cpu_ns, cgroup_bytes)
  SELECT trial_id, time_ns, 'tick', phase, 16000 * 1048576, (16000 - used - 300) * 1048576, 12000 * 1048576,
    100 * 1048576, 200 * 1048576, 50 * 1048576, 10 * 1048576, 0, 0, (anon + 50) * 1048576, anon * 1048576, 50 * 1048576, 0,
    (anon + 20) * 1048576, 0, 3, 1, 2, k * 900000000, (anon + 5) * 1048576
  FROM figure;
-- and the idle system before each trial of sweep 1
INSERT INTO samples (trial_id, time_ns, kind, mem_total_bytes, mem_free_bytes, mem_available_bytes, buffers_bytes,
    cached_bytes, sreclaimable_bytes, shmem_bytes)
  SELECT trial_id, started_ns - 1000000000, 'baseline', 16000 * 1048576, (16000 - 900 - 300) * 1048576, 12000 * 1048576,
    100 * 1048576, 200 * 1048576, 50 * 1048576, 10 * 1048576 FROM trials WHERE sweep_id = 1;

INSERT INTO memory_totals (trial_id, kind, phase, sample_count, used_count, used_sum, used_min, used_max, used_psutil_count,
    used_psutil_sum, used_available_count, used_available_sum, used_corrected_count, used_corrected_sum, tree_rss_count,
    tree_rss_sum, tree_rss_max, tree_rss_anon_count, tree_rss_anon_sum, tree_rss_anon_max, tree_pss_count, tree_pss_sum,
    tree_pss_max, cgroup_max)
  SELECT trial_id, kind, coalesce(phase, ''), count(*), count(used_bytes), sum(used_bytes), min(used_bytes), max(used_bytes),
    count(used_psutil_bytes), sum(used_psutil_bytes), count(used_available_bytes), sum(used_available_bytes),
    count(used_corrected_bytes), sum(used_corrected_bytes), count(tree_rss_bytes), sum(tree_rss_bytes),
    max(tree_rss_bytes), count(tree_rss_anon_bytes), sum(tree_rss_anon_bytes), max(tree_rss_anon_bytes),
    count(tree_pss_bytes), sum(tree_pss_bytes), max(tree_pss_bytes), max(cgroup_bytes)
  FROM samples GROUP BY trial_id, kind, coalesce(phase, '');

INSERT INTO trial_totals (trial_id, late_ticks, events_malformed, events_missing, samples_thinned, log_bytes,
    log_bytes_discarded, peak_rss_bytes, peak_rss_upper_bytes, peak_cgroup_bytes, peak_anon_bytes, peak_source)
  SELECT trial_id, iif(trial_id = 9, 2, 0), 0, iif(trial_id = 11, 3, 0), 0, 1000 * trial_id, 0,
    iif(sweep_id = 1, 300 * 1048576 + trial_id * 1048576, NULL), 320 * 1048576, 310 * 1048576, 200 * 1048576,
    iif(sweep_id = 1, 'kernel', NULL)
  FROM trials WHERE started_ns IS NOT NULL;

INSERT INTO phases SELECT trial_id, column1, column2 * 1000000000
  FROM trials, (VALUES ('load', 1.5), ('train', 9.0), ('evaluate', 2.0)) WHERE sweep_id = 1;

WITH epoch (epoch, loss, accuracy) AS (VALUES (1, 0.5, 0.90), (2, 0.25, 0.94))
INSERT INTO metrics (trial_id, time_ns, phase, epoch, name, value)
  SELECT trial_id, started_ns + epoch * 5000000000, 'train', epoch, name,
    CASE name WHEN 'train_loss' THEN iif(trial_id = 9 AND epoch = 2, NULL, loss) WHEN 'test_accuracy' THEN accuracy + number * 0.01
         WHEN 'seconds' THEN 4.5 ELSE (10 + number) * 1048576 END
  FROM trials, epoch, (SELECT column1 AS name FROM (VALUES ('train_loss'), ('test_accuracy'), ('seconds'), ('tensor_bytes_peak')))
  WHERE sweep_id = 1 AND NOT warmup;

INSERT INTO metrics (trial_id, time_ns, epoch, name, value) VALUES
  (15, 1700001305000000000, 1, 'train_loss', 0.5), (15, 1700001305000000000, 1, 'test_accuracy', 0.9),
  (15, 1700001305000000000, 1, 'is_partial', 0), (15, 1700001305000000000, 1, 'steps', 100),
  (15, 1700001308000000000, 2, 'train_loss', 0.25), (15, 1700001308000000000, 2, 'is_partial', 1),
  (15, 1700001308000000000, 2, 'steps', 60);

INSERT INTO events (trial_id, time_ns, event, body) VALUES
  (2, 1700000045000000000, 'tensor_memory', '{"event":"tensor_memory","phase":"train","tensors":[
     {"kind":"parameters","layer":"hidden1","bytes":401920,"peak_bytes":401920},
     {"kind":"gradients","layer":"hidden1","bytes":401920,"peak_bytes":401920},
     {"kind":"activations","layer":"hidden1","bytes":0,"peak_bytes":16384}]}'),
  (11, 1700001225000000000, 'checkpoint', '{"event":"checkpoint","file":"a.pt"}');

INSERT INTO processes VALUES (11, 1, 500, 1, 'python3'), (11, 2, 501, 500, 'loader'), (11, 3, 502, 500, 'loader');
INSERT INTO process_readings (trial_id, time_ns, process, rss_bytes, rss_anon_bytes, rss_file_bytes, rss_shmem_bytes,
    peak_rss_bytes, pss_bytes, uss_bytes, swap_bytes, threads, cpu_ns)
  SELECT 11, t.started_ns + k * 1000000000, process, (20 * process + k) * 1048576, (15 * process + k) * 1048576,
    5 * process * 1048576, 0, (20 * process + 9) * 1048576, (10 * process + k) * 1048576, 5 * 1048576, 0, 1, k * 100000000
  FROM trials t, (SELECT 1 AS process UNION SELECT 2 UNION SELECT 3), (SELECT 1 AS k UNION SELECT 2) WHERE t.trial_id = 11;
