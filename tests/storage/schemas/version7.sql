-- A database as memtrack of schema version 7 wrote it, by the sqlite3 shell's .dump; never to be edited: the schema
-- is the one that those had. What .dump leaves out stands at the end.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO hosts VALUES(1,'lab-1','5f0c7a52-8f1e-4a55-9f5e-0f0c1f3f8f11','6.1.0-28-amd64','AMD EPYC 7B13',16,68719476736,1);
INSERT INTO hosts VALUES(2,'lab-2','0d9e2d8a-3c55-4b52-a8a4-9e1f4f6f2c22','6.1.0-28-amd64',NULL,8,34359738368,NULL);
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
, memory_limit_bytes /* of the trial's cgroup, swap forbidden; NULL: none */ INTEGER, settle_ns /* waited before the baseline; NULL: nothing */ INTEGER, baseline_ns /* the idle system was sampled this long, before and after; NULL: not */ INTEGER, cgroup /* folder of the trial's own cgroup; NULL: it had none */ TEXT, not_before_ns /* a retry waits until then, Unix epoch; NULL: it does not wait */ INTEGER) STRICT;
INSERT INTO trials VALUES(1,'0000000000000000000000000000abc1',1,1,1,1,1,NULL,0,'done',NULL,'mnist',0.0010000000000000000208,2,32,'[128,64]',2,192,109386,'{"batch_size":32,"hidden_layers":[128,64],"optimizer":{"lr":0.001}}','{"interval":"1s","order":"shuffled"}','["memtrack-trainer","--batch_size","32"]','/home/ada/runs',1000000000,NULL,0,2516.3097349999998186,1763700000000000000,1763700005000000000,1763700012000000000,4711,0,NULL,0,188743680,5000000000,300000000,8589934592,5000000000,2000000000,'/sys/fs/cgroup/memtrack/x',NULL);
INSERT INTO trials VALUES(2,'0000000000000000000000000000abc2',1,1,2,1,1,NULL,0,'failed','exit code 3','mnist',0.0010000000000000000208,2,32,'[128,64]',2,192,109386,'{"batch_size":32,"hidden_layers":[128,64],"optimizer":{"lr":0.001}}','{"interval":"1s","order":"shuffled"}','["memtrack-trainer","--batch_size","32"]','/home/ada/runs',1000000000,7200000000000,0,NULL,1763700000000000000,1763700005000000000,1763700012000000000,4711,3,NULL,0,188743680,5000000000,300000000,NULL,NULL,NULL,NULL,NULL);
INSERT INTO trials VALUES(3,'0000000000000000000000000000abc3',1,1,2,1,2,2,0,'done',NULL,'mnist',0.0010000000000000000208,2,32,'[128,64]',2,192,109386,'{"batch_size":32,"hidden_layers":[128,64],"optimizer":{"lr":0.001}}','{"interval":"1s","order":"shuffled"}','["memtrack-trainer","--batch_size","32"]','/home/ada/runs',1000000000,NULL,1,NULL,1763700000000000000,1763700005000000000,1763700012000000000,4711,0,NULL,0,188743680,5000000000,300000000,NULL,NULL,NULL,NULL,NULL);
INSERT INTO trials VALUES(4,'0000000000000000000000000000abc4',2,2,1,1,1,NULL,1,'running',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"batch_size":32,"hidden_layers":[128,64],"optimizer":{"lr":0.001}}','{"interval":"1s","order":"shuffled"}','["memtrack-trainer","--batch_size","32"]','/home/ada/runs',1000000000,NULL,0,NULL,1763700000000000000,1763700020000000000,NULL,815,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO trials VALUES(5,'0000000000000000000000000000abc5',2,NULL,2,1,1,NULL,0,'queued',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"batch_size":32,"hidden_layers":[128,64],"optimizer":{"lr":0.001}}','{"interval":"1s","order":"shuffled"}','["memtrack-trainer","--batch_size","32"]','/home/ada/runs',1000000000,NULL,0,NULL,1763700000000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO samples VALUES(1,1763700004000000000,'baseline',NULL,68719476736,52364836864,62850596864,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO samples VALUES(1,1763700005000000000,'start',NULL,68719476736,52343865344,62829625344,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,84934656,42991616,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,100000000,92274688);
INSERT INTO samples VALUES(1,1763700006000000000,'tick','load',68719476736,52322893824,62808653824,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,105906176,63963136,40894464,1048576,102760448,63963136,37748736,1048576,96468992,0,3,1,2,200000000,113246208);
INSERT INTO samples VALUES(1,1763700007000000000,'phase','train',68719476736,52301922304,62787682304,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,126877696,84934656,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,300000000,134217728);
INSERT INTO samples VALUES(1,1763700008000000000,'tick','train',68719476736,52280950784,62766710784,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,147849216,105906176,40894464,1048576,144703488,105906176,37748736,1048576,138412032,0,3,1,2,400000000,155189248);
INSERT INTO samples VALUES(1,1763700009000000000,'tick','train',68719476736,52259979264,62745739264,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,168820736,126877696,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,500000000,176160768);
INSERT INTO samples VALUES(1,1763700010000000000,'final','train',68719476736,52239007744,62724767744,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,189792256,147849216,40894464,1048576,186646528,147849216,37748736,1048576,180355072,0,3,1,2,600000000,197132288);
INSERT INTO samples VALUES(3,1763700014000000000,'baseline',NULL,68719476736,52362739712,62848499712,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO samples VALUES(3,1763700015000000000,'start',NULL,68719476736,52341768192,62827528192,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,87031808,45088768,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,100000000,94371840);
INSERT INTO samples VALUES(3,1763700016000000000,'tick','load',68719476736,52320796672,62806556672,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,108003328,66060288,40894464,1048576,104857600,66060288,37748736,1048576,98566144,0,3,1,2,200000000,115343360);
INSERT INTO samples VALUES(3,1763700017000000000,'phase','train',68719476736,52299825152,62785585152,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,128974848,87031808,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,300000000,136314880);
INSERT INTO samples VALUES(3,1763700018000000000,'tick','train',68719476736,52278853632,62764613632,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,149946368,108003328,40894464,1048576,146800640,108003328,37748736,1048576,140509184,0,3,1,2,400000000,157286400);
INSERT INTO samples VALUES(3,1763700019000000000,'tick','train',68719476736,52257882112,62743642112,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,170917888,128974848,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,500000000,178257920);
INSERT INTO samples VALUES(3,1763700020000000000,'final','train',68719476736,52236910592,62722670592,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,191889408,149946368,40894464,1048576,188743680,149946368,37748736,1048576,182452224,0,3,1,2,600000000,199229440);
INSERT INTO samples VALUES(4,1763700019000000000,'baseline',NULL,68719476736,52361691136,62847451136,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO samples VALUES(4,1763700020000000000,'start',NULL,68719476736,52340719616,62826479616,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,88080384,46137344,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,100000000,NULL);
INSERT INTO samples VALUES(4,1763700021000000000,'tick','load',68719476736,52319748096,62805508096,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,109051904,67108864,40894464,1048576,105906176,67108864,37748736,1048576,99614720,0,3,1,2,200000000,NULL);
INSERT INTO samples VALUES(4,1763700022000000000,'phase','train',68719476736,52298776576,62784536576,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,130023424,88080384,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,300000000,NULL);
INSERT INTO samples VALUES(4,1763700023000000000,'tick','train',68719476736,52277805056,62763565056,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,150994944,109051904,40894464,1048576,147849216,109051904,37748736,1048576,141557760,0,3,1,2,400000000,NULL);
INSERT INTO samples VALUES(4,1763700024000000000,'tick','train',68719476736,52256833536,62742593536,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,NULL,171966464,130023424,40894464,1048576,NULL,NULL,NULL,NULL,NULL,0,3,1,2,500000000,NULL);
INSERT INTO samples VALUES(4,1763700025000000000,'final','train',68719476736,52235862016,62721622016,104857600,3145728000,209715200,12582912,943718400,314572800,524288,2097152000,0,0,32505856,192937984,150994944,40894464,1048576,189792256,150994944,37748736,1048576,183500800,0,3,1,2,600000000,NULL);
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
, pss_skipped /* readings of pss left out: one process would have taken over 10 ms */
  INTEGER NOT NULL DEFAULT 0, process_rows_thinned /* given up while the database could not be written */
  INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO trial_totals VALUES(1,1,0,2,0,345,0,209715200,230686720,272629760,157286400,'kernel',0,0);
INSERT INTO trial_totals VALUES(3,1,0,2,0,345,0,209715200,230686720,272629760,157286400,'kernel',0,0);
INSERT INTO trial_totals VALUES(4,1,0,2,0,345,0,NULL,NULL,NULL,NULL,NULL,0,0);
CREATE TABLE phases (
  -- one row per trial and phase that the program named
  trial_id INTEGER NOT NULL REFERENCES trials,
  phase    TEXT NOT NULL,
  total_ns INTEGER NOT NULL,  -- time spent in it so far, over all its visits
  PRIMARY KEY (trial_id, phase)
) STRICT, WITHOUT ROWID;
INSERT INTO phases VALUES(1,'load',1000000000);
INSERT INTO phases VALUES(1,'train',4500000000);
INSERT INTO phases VALUES(3,'load',1000000000);
INSERT INTO phases VALUES(3,'train',4500000000);
INSERT INTO phases VALUES(4,'load',1000000000);
INSERT INTO phases VALUES(4,'train',4500000000);
CREATE TABLE events (
  -- one row per event as it came; the sender's words
  event_id INTEGER PRIMARY KEY,
  trial_id INTEGER NOT NULL REFERENCES trials,
  time_ns  INTEGER NOT NULL,  -- when the collector took it
  event    TEXT NOT NULL,     -- phase, epoch, metric, or the program's own word
  body     TEXT NOT NULL      -- JSON; NaN and infinities as strings
) STRICT;
INSERT INTO events VALUES(1,1,1763700005000000000,'phase','{"event":"phase","name":"train","seq":1,"sender":4712}');
INSERT INTO events VALUES(2,1,1763700006000000000,'epoch','{"event":"epoch","epoch":1,"train_loss":0.31,"test_accuracy":0.91,"seconds":1.2}');
INSERT INTO events VALUES(3,1,1763700007000000000,'epoch','{"event":"epoch","epoch":2,"train_loss":"nan","seconds":1.1}');
INSERT INTO events VALUES(4,1,1763700008000000000,'tensor_memory','{"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":437544,"peak_bytes":437544},{"kind":"activations","bytes":1000,"peak_bytes":90000}]}');
INSERT INTO events VALUES(5,1,1763700009000000000,'checkpoint','{"event":"checkpoint","file":"a\nb"}');
INSERT INTO events VALUES(6,3,1763700015000000000,'phase','{"event":"phase","name":"train","seq":1,"sender":4712}');
INSERT INTO events VALUES(7,3,1763700016000000000,'epoch','{"event":"epoch","epoch":1,"train_loss":0.31,"test_accuracy":0.91,"seconds":1.2}');
INSERT INTO events VALUES(8,3,1763700017000000000,'epoch','{"event":"epoch","epoch":2,"train_loss":"nan","seconds":1.1}');
INSERT INTO events VALUES(9,3,1763700018000000000,'tensor_memory','{"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":437544,"peak_bytes":437544},{"kind":"activations","bytes":1000,"peak_bytes":90000}]}');
INSERT INTO events VALUES(10,3,1763700019000000000,'checkpoint','{"event":"checkpoint","file":"a\nb"}');
INSERT INTO events VALUES(11,4,1763700020000000000,'phase','{"event":"phase","name":"train","seq":1,"sender":4712}');
INSERT INTO events VALUES(12,4,1763700021000000000,'epoch','{"event":"epoch","epoch":1,"train_loss":0.31,"test_accuracy":0.91,"seconds":1.2}');
INSERT INTO events VALUES(13,4,1763700022000000000,'epoch','{"event":"epoch","epoch":2,"train_loss":"nan","seconds":1.1}');
INSERT INTO events VALUES(14,4,1763700023000000000,'tensor_memory','{"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":437544,"peak_bytes":437544},{"kind":"activations","bytes":1000,"peak_bytes":90000}]}');
INSERT INTO events VALUES(15,4,1763700024000000000,'checkpoint','{"event":"checkpoint","file":"a\nb"}');
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
INSERT INTO metrics VALUES(1,1,1763700006000000000,'train',1,'train_loss',0.30999999999999999777);
INSERT INTO metrics VALUES(2,1,1763700006000000000,'train',1,'test_accuracy',0.91000000000000003108);
INSERT INTO metrics VALUES(3,1,1763700006000000000,'train',1,'seconds',1.1999999999999999555);
INSERT INTO metrics VALUES(4,1,1763700006000000000,'train',1,'tensor_bytes_peak',5000000.0);
INSERT INTO metrics VALUES(5,1,1763700007000000000,'train',2,'train_loss',NULL);
INSERT INTO metrics VALUES(6,1,1763700007000000000,'train',2,'seconds',1.1000000000000000888);
INSERT INTO metrics VALUES(7,1,1763700007000000000,'train',2,'train_loss',NULL);
INSERT INTO metrics VALUES(8,1,1763700008000000000,'train',NULL,'learning_rate',0.0010000000000000000208);
INSERT INTO metrics VALUES(9,3,1763700016000000000,'train',1,'train_loss',0.30999999999999999777);
INSERT INTO metrics VALUES(10,3,1763700016000000000,'train',1,'test_accuracy',0.91000000000000003108);
INSERT INTO metrics VALUES(11,3,1763700016000000000,'train',1,'seconds',1.1999999999999999555);
INSERT INTO metrics VALUES(12,3,1763700016000000000,'train',1,'tensor_bytes_peak',5000000.0);
INSERT INTO metrics VALUES(13,3,1763700017000000000,'train',2,'train_loss',NULL);
INSERT INTO metrics VALUES(14,3,1763700017000000000,'train',2,'seconds',1.1000000000000000888);
INSERT INTO metrics VALUES(15,3,1763700017000000000,'train',2,'train_loss',1e999);
INSERT INTO metrics VALUES(16,3,1763700018000000000,'train',NULL,'learning_rate',0.0010000000000000000208);
INSERT INTO metrics VALUES(17,4,1763700021000000000,'train',1,'train_loss',0.30999999999999999777);
INSERT INTO metrics VALUES(18,4,1763700021000000000,'train',1,'test_accuracy',0.91000000000000003108);
INSERT INTO metrics VALUES(19,4,1763700021000000000,'train',1,'seconds',1.1999999999999999555);
INSERT INTO metrics VALUES(20,4,1763700021000000000,'train',1,'tensor_bytes_peak',5000000.0);
INSERT INTO metrics VALUES(21,4,1763700022000000000,'train',2,'train_loss',NULL);
INSERT INTO metrics VALUES(22,4,1763700022000000000,'train',2,'seconds',1.1000000000000000888);
INSERT INTO metrics VALUES(23,4,1763700022000000000,'train',2,'train_loss',NULL);
INSERT INTO metrics VALUES(24,4,1763700023000000000,'train',NULL,'learning_rate',0.0010000000000000000208);
CREATE TABLE processes (
  -- one row per process of a trial, one more for each other parent or name that it got
  trial_id   INTEGER NOT NULL REFERENCES trials,
  process    INTEGER NOT NULL,  -- counted from 1 within the trial
  pid        INTEGER NOT NULL,  -- may have been used again for another process
  parent_pid INTEGER,
  name       TEXT,              -- the kernel's, at most 15 bytes
  PRIMARY KEY (trial_id, process)
) STRICT, WITHOUT ROWID;
INSERT INTO processes VALUES(1,1,4712,4711,'memtrack-traine');
INSERT INTO processes VALUES(3,1,4712,4711,'memtrack-traine');
INSERT INTO processes VALUES(4,1,4712,4711,'memtrack-traine');
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
INSERT INTO process_readings VALUES(1,1763700005000000000,1,189792256,147849216,40894464,1048576,190840832,186646528,NULL,0,2,0);
INSERT INTO process_readings VALUES(1,1763700006000000000,1,189792256,147849216,40894464,1048576,190840832,186646528,NULL,0,2,100000000);
INSERT INTO process_readings VALUES(1,1763700007000000000,1,189792256,147849216,40894464,1048576,190840832,186646528,NULL,0,2,200000000);
INSERT INTO process_readings VALUES(3,1763700015000000000,1,191889408,149946368,40894464,1048576,192937984,188743680,NULL,0,2,0);
INSERT INTO process_readings VALUES(3,1763700016000000000,1,191889408,149946368,40894464,1048576,192937984,188743680,NULL,0,2,100000000);
INSERT INTO process_readings VALUES(3,1763700017000000000,1,191889408,149946368,40894464,1048576,192937984,188743680,NULL,0,2,200000000);
INSERT INTO process_readings VALUES(4,1763700020000000000,1,192937984,150994944,40894464,1048576,193986560,189792256,NULL,0,2,0);
INSERT INTO process_readings VALUES(4,1763700021000000000,1,192937984,150994944,40894464,1048576,193986560,189792256,NULL,0,2,100000000);
INSERT INTO process_readings VALUES(4,1763700022000000000,1,192937984,150994944,40894464,1048576,193986560,189792256,NULL,0,2,200000000);
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
INSERT INTO sweeps VALUES(1,'6f1d0c9a4f0b4a1e8c2a71b4d9e0a001','quickstart','grid','grid',0,'running',1763700000000000000,2,1,3,0,NULL,'{}',replace('name: quickstart\nmethod: grid\nparameters:\n  dataset: {value: mnist}\n  batch_size: {values: [32, 128]}\n','\n',char(10)));
INSERT INTO sweeps VALUES(2,'6f1d0c9a4f0b4a1e8c2a71b4d9e0a002','Umlaute äöü, and ''quotes''','bayes','random',7,'running',1763701000000000000,1,0,0,0,3,'{"seed":7}',replace('method: bayes\n','\n',char(10)));
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
INSERT INTO memory_totals VALUES(1,'baseline','',1,1,13104054272.0,13104054272,13104054272,1,12894339072.0,1,5868879872.0,1,12874416128.0,0,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO memory_totals VALUES(1,'final','train',1,1,13229883392.0,13229883392,13229883392,1,13020168192.0,1,5994708992.0,1,13000245248.0,1,189792256.0,189792256,1,147849216.0,147849216,1,186646528.0,186646528,197132288);
INSERT INTO memory_totals VALUES(1,'phase','train',1,1,13166968832.0,13166968832,13166968832,1,12957253632.0,1,5931794432.0,0,NULL,1,126877696.0,126877696,1,84934656.0,84934656,0,NULL,NULL,134217728);
INSERT INTO memory_totals VALUES(1,'start','',1,1,13125025792.0,13125025792,13125025792,1,12915310592.0,1,5889851392.0,0,NULL,1,84934656.0,84934656,1,42991616.0,42991616,0,NULL,NULL,92274688);
INSERT INTO memory_totals VALUES(1,'tick','load',1,1,13145997312.0,13145997312,13145997312,1,12936282112.0,1,5910822912.0,1,12916359168.0,1,105906176.0,105906176,1,63963136.0,63963136,1,102760448.0,102760448,113246208);
INSERT INTO memory_totals VALUES(1,'tick','train',2,2,26396852224.0,13187940352,13208911872,2,25977421824.0,2,11926503424.0,1,12958302208.0,2,316669952.0,168820736,2,232783872.0,126877696,1,144703488.0,144703488,176160768);
INSERT INTO memory_totals VALUES(3,'baseline','',1,1,13106151424.0,13106151424,13106151424,1,12896436224.0,1,5870977024.0,1,12876513280.0,0,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO memory_totals VALUES(3,'final','train',1,1,13231980544.0,13231980544,13231980544,1,13022265344.0,1,5996806144.0,1,13002342400.0,1,191889408.0,191889408,1,149946368.0,149946368,1,188743680.0,188743680,199229440);
INSERT INTO memory_totals VALUES(3,'phase','train',1,1,13169065984.0,13169065984,13169065984,1,12959350784.0,1,5933891584.0,0,NULL,1,128974848.0,128974848,1,87031808.0,87031808,0,NULL,NULL,136314880);
INSERT INTO memory_totals VALUES(3,'start','',1,1,13127122944.0,13127122944,13127122944,1,12917407744.0,1,5891948544.0,0,NULL,1,87031808.0,87031808,1,45088768.0,45088768,0,NULL,NULL,94371840);
INSERT INTO memory_totals VALUES(3,'tick','load',1,1,13148094464.0,13148094464,13148094464,1,12938379264.0,1,5912920064.0,1,12918456320.0,1,108003328.0,108003328,1,66060288.0,66060288,1,104857600.0,104857600,115343360);
INSERT INTO memory_totals VALUES(3,'tick','train',2,2,26401046528.0,13190037504,13211009024,2,25981616128.0,2,11930697728.0,1,12960399360.0,2,320864256.0,170917888,2,236978176.0,128974848,1,146800640.0,146800640,178257920);
INSERT INTO memory_totals VALUES(4,'baseline','',1,1,13107200000.0,13107200000,13107200000,1,12897484800.0,1,5872025600.0,1,12877561856.0,0,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO memory_totals VALUES(4,'final','train',1,1,13233029120.0,13233029120,13233029120,1,13023313920.0,1,5997854720.0,1,13003390976.0,1,192937984.0,192937984,1,150994944.0,150994944,1,189792256.0,189792256,NULL);
INSERT INTO memory_totals VALUES(4,'phase','train',1,1,13170114560.0,13170114560,13170114560,1,12960399360.0,1,5934940160.0,0,NULL,1,130023424.0,130023424,1,88080384.0,88080384,0,NULL,NULL,NULL);
INSERT INTO memory_totals VALUES(4,'start','',1,1,13128171520.0,13128171520,13128171520,1,12918456320.0,1,5892997120.0,0,NULL,1,88080384.0,88080384,1,46137344.0,46137344,0,NULL,NULL,NULL);
INSERT INTO memory_totals VALUES(4,'tick','load',1,1,13149143040.0,13149143040,13149143040,1,12939427840.0,1,5913968640.0,1,12919504896.0,1,109051904.0,109051904,1,67108864.0,67108864,1,105906176.0,105906176,NULL);
INSERT INTO memory_totals VALUES(4,'tick','train',2,2,26403143680.0,13191086080,13212057600,2,25983713280.0,2,11932794880.0,1,12961447936.0,2,322961408.0,171966464,2,239075328.0,130023424,1,147849216.0,147849216,NULL);
CREATE INDEX trials_by_sweep ON trials (sweep_id, state);
CREATE INDEX events_by_trial ON events (trial_id, time_ns);
CREATE INDEX metrics_by_epoch ON metrics (trial_id, epoch, name, time_ns);
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
  GROUP BY t.trial_id
;
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
  GROUP BY m.trial_id, m.phase
;
CREATE VIEW process_samples AS
  -- one row per process, at most once a second, its first and last reading; columns as in process_readings
  SELECT r.trial_id AS trial_id, r.time_ns AS time_ns, p.pid AS pid, p.parent_pid AS parent_pid, p.name AS name,
         r.rss_bytes AS rss_bytes, r.rss_anon_bytes AS rss_anon_bytes, r.rss_file_bytes AS rss_file_bytes,
         r.rss_shmem_bytes AS rss_shmem_bytes, r.peak_rss_bytes AS peak_rss_bytes, r.pss_bytes AS pss_bytes,
         r.uss_bytes AS uss_bytes, r.swap_bytes AS swap_bytes, r.threads AS threads, r.cpu_ns AS cpu_ns
  FROM process_readings r JOIN processes p ON p.trial_id = r.trial_id AND p.process = r.process
;
CREATE INDEX events_of_tensors ON events (trial_id) WHERE event = 'tensor_memory';
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
  WHERE age = 1
;
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
  FROM sweeps s
;
CREATE TRIGGER claimed_trials_share_the_system AFTER UPDATE OF state ON trials
  WHEN new.state = 'running' AND (SELECT count(*) FROM trials WHERE state = 'running') > 1 BEGIN
  UPDATE trials SET system_shared = 1 WHERE state = 'running' AND system_shared = 0;
END;
CREATE TRIGGER begun_trials_share_the_system AFTER INSERT ON trials
  WHEN new.state = 'running' AND (SELECT count(*) FROM trials WHERE state = 'running') > 1 BEGIN
  UPDATE trials SET system_shared = 1 WHERE state = 'running' AND system_shared = 0;
END;
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
        FROM metrics e WHERE e.epoch IS NOT NULL GROUP BY e.trial_id, e.epoch)
;
CREATE INDEX sweeps_by_name ON sweeps (name, sweep_id);
CREATE INDEX sweeps_unfinished ON sweeps (sweep_id) WHERE state IN ('queued', 'running');
CREATE INDEX sweeps_open ON sweeps (sweep_id) WHERE next_number IS NOT NULL;
CREATE INDEX trials_queued ON trials (state) WHERE state = 'queued';
CREATE INDEX trials_running ON trials (state) WHERE state = 'running';
CREATE INDEX trials_in_sweep ON trials (sweep_id);
CREATE TRIGGER trials_move_sweep AFTER UPDATE OF state ON trials
  -- while a sweep runs and has something queued, no trial that begins or ends changes its state
  WHEN old.state <> new.state AND NOT (new.state <> 'queued'
    AND (SELECT s.state FROM sweeps s WHERE s.sweep_id = new.sweep_id) = 'running'
    AND EXISTS (SELECT 1 FROM trials t WHERE t.sweep_id = new.sweep_id AND t.state = 'queued')) BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END
;
CREATE TRIGGER retries_move_sweep AFTER INSERT ON trials WHEN new.retry_of IS NOT NULL BEGIN
  UPDATE sweeps SET state = 'running' WHERE sweep_id = new.sweep_id AND state <> 'running';
END;
CREATE TRIGGER end_of_drawing_moves_sweep AFTER UPDATE OF next_number ON sweeps
  WHEN old.next_number IS NOT NULL AND new.next_number IS NULL BEGIN
  UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = new.sweep_id)
    WHERE sweep_id = new.sweep_id;
END;
COMMIT;
PRAGMA application_id = 1836348011;
PRAGMA user_version = 7;
