// memtrack-collector as a program: what it measures, hears and passes on.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "collector/trial_log.h"
#include "sweeps/event.h"
#include "sweeps/event_sender.h"
#include "tests/collector/collected_trial.h"
#include "tests/small_disk.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

namespace {

constexpr double kMiB = 1024 * 1024;

}  // namespace

TEST_CASE("200 MiB of private memory show as 200 MiB of the tree, average and peak") {
  CollectedTrial trial({footprint(), "private=200", "sleep=400"});
  CHECK(trial.run() == 0);
  CHECK(trial.number("SELECT max(tree_rss_bytes) FROM samples") == doctest::Approx(202 * kMiB).epsilon(0.02));
  CHECK(trial.number("SELECT peak_anon_bytes FROM trial_memory") == doctest::Approx(200 * kMiB).epsilon(0.02));
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "kernel");
}

TEST_CASE("a burst between two ticks is in the peak of one process") {
  CollectedTrial trial({footprint(), "burst=150", "sleep=50"}, {.interval = 5s});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT tick_count FROM trial_memory") == "0");
  CHECK(trial.sql("SELECT avg_used_bytes FROM trial_memory") == "NULL");
  CHECK(trial.number("SELECT peak_rss_bytes FROM trial_memory") == doctest::Approx(151.5 * kMiB).epsilon(0.01));
  CHECK(trial.sql("SELECT peak_rss_bytes = peak_rss_upper_bytes FROM trial_memory") == "1");
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "kernel");
  CHECK(trial.number("SELECT max_rss_bytes FROM trials") == doctest::Approx(151.5 * kMiB).epsilon(0.01));
}

TEST_CASE("with several processes the peak is the largest sample, and says so") {
  CollectedTrial trial({footprint(), "orphan=60", "private=40", "sleep=500"});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT peak_source FROM trial_memory") == "samples");
  CHECK(trial.number("SELECT peak_rss_bytes FROM trial_memory") == doctest::Approx(103 * kMiB).epsilon(0.03));
  CHECK(trial.sql("SELECT peak_rss_upper_bytes >= peak_rss_bytes FROM trial_memory") == "1");
}

TEST_CASE("a child that came and went between ticks makes the peak a lower bound") {
  CollectedTrial trial({footprint(), "child=80"}, {.interval = 5s});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT coalesce(peak_source, 'samples') FROM trial_memory") == "samples");
  CHECK(trial.number("SELECT peak_rss_upper_bytes FROM trial_memory") > 80 * kMiB);
}

TEST_CASE("CPU time of ended children stays in the tree's, which never falls") {
  CollectedTrial trial({footprint(), "child-spin=150", "sleep=100", "child-spin=150", "sleep=100"});
  CHECK(trial.run() == 0);
  CHECK(trial.number("SELECT cpu_ns FROM samples WHERE kind = 'final'") >= 290e6);
  CHECK(
      trial.sql(
          "SELECT count(*) FROM (SELECT cpu_ns - lag(cpu_ns) OVER (ORDER BY time_ns) AS d FROM samples) WHERE d < 0") ==
      "0");
  CHECK(trial.number("SELECT user_ns + system_ns FROM trials") >= 300e6);
}

TEST_CASE("per-CPU free pages are read at most once a second, and the corrected figure only there") {
  CollectedTrial trial({"sleep", "1.5"}, {.interval = 10ms});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT count(pcp_free_bytes) FROM samples WHERE kind = 'tick'") == "1");
  CHECK(trial.sql("SELECT used_corrected_count FROM trial_memory") == "1");
}

TEST_CASE("events become phases with a sample at each boundary, epochs and metrics") {
  CollectedTrial trial(
      {"python3", "-c",
       "import os, socket, time\n"
       "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
       "s.connect(os.environ['MEMTRACK_EVENTS'])\n"
       "s.send(b'{\"event\":\"phase\",\"name\":\"load\",\"seq\":1}')\n"
       "time.sleep(0.2)\n"
       "s.send(b'{\"event\":\"phase\",\"name\":\"train\",\"seq\":2}')\n"
       "s.send(b'{\"event\":\"epoch\",\"epoch\":1,\"train_loss\":0.5,\"test_accuracy\":0.75,\"seq\":3}')\n"
       "s.send(b'{\"event\":\"epoch\",\"epoch\":2,\"train_loss\":NaN,\"seq\":4}')\n"
       "s.send(b'{\"event\":\"metric\",\"name\":\"x\",\"value\":12,\"seq\":7}')\n"
       "s.send(b'not json')\n"
       "s.send(b'{\"event\":\"phase\"}')\n"
       "s.send(b'{\"event\":\"mine\",\"what\":[1,2]}')\n"
       "time.sleep(0.2)\n"
       "s.send(b'{\"event\":\"metric\",\"name\":\"last\",\"value\":1}')\n"});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.sql(
            "SELECT group_concat(coalesce(phase, '-'), ' ') FROM (SELECT phase FROM samples WHERE kind <> 'tick' ORDER "
            "BY time_ns)") == "- - load train");
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE kind = 'phase'") == "2");
  CHECK(trial.sql("SELECT group_concat(phase, ' ') FROM phase_memory") == "load train");
  CHECK(trial.number("SELECT seconds FROM phase_memory WHERE phase = 'load'") > 0.1);
  CHECK(trial.sql("SELECT tick_count > 0 FROM phase_memory WHERE phase = 'train'") == "1");
  CHECK(trial.sql("SELECT train_loss || ' ' || test_accuracy || ' ' || loss_state FROM epochs WHERE epoch = 1") ==
        "0.5 0.75 finite");
  CHECK(trial.sql("SELECT loss_state FROM epochs WHERE epoch = 2") == "nan");
  CHECK(trial.sql("SELECT value || ' ' || phase FROM metrics WHERE name = 'x'") == "12.0 train");
  CHECK(trial.sql("SELECT count(*) FROM metrics WHERE name = 'last'") == "1");
  CHECK(trial.sql("SELECT body ->> '$.what[1]' FROM events WHERE event = 'mine'") == "2");
  CHECK(trial.sql("SELECT events_malformed FROM trial_totals") == "2");
  CHECK(trial.sql("SELECT events_missing FROM trial_totals") == "2");
}

TEST_CASE("our own sender is heard, also from outside the tree and while the trial runs") {
  CollectedTrial trial({"sh", "-c", "while [ ! -e go ]; do sleep 0.01; done"});
  trial.start();
  REQUIRE(wait_until([&] { return std::filesystem::exists(trial.event_socket()); }));
  EventSender sender(trial.event_socket());
  REQUIRE(sender.is_connected());
  sender.send(encode_phase("train"));
  for (int epoch = 1; epoch <= 50; ++epoch) {
    sender.send(encode_epoch({.epoch = epoch, .values = {{"train_loss", 1.0 / epoch}}}));
  }
  REQUIRE(wait_until([&] { return sender.flush(); }));
  CHECK(wait_until([&] { return trial.sql("SELECT count(*) FROM epochs") == "50"; }));  // while it runs
  std::ofstream(trial.path("go")) << "";
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT events_missing + events_malformed FROM trial_totals") == "0");
  CHECK(trial.sql("SELECT phase FROM samples WHERE kind = 'final'") == "train");
}

TEST_CASE("a datagram that is too large is counted and harms nothing") {
  CollectedTrial trial({"python3", "-c",
                        "import os, socket\n"
                        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                        "s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)\n"
                        "s.connect(os.environ['MEMTRACK_EVENTS'])\n"
                        "s.send(b'{\"event\":\"x\",\"y\":\"' + b'z' * 70000 + b'\"}')\n"
                        "s.send(b'{\"event\":\"metric\",\"name\":\"x\",\"value\":1}')\n"});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT events_malformed FROM trial_totals") == "1");
  CHECK(trial.sql("SELECT count(*) FROM events") == "1");
}

TEST_CASE("the event socket is its owner's alone") {
  CollectedTrial trial({"sh", "-c", "stat -c %a $MEMTRACK_EVENTS"});
  CHECK(trial.run() == 0);
  CHECK(trial.log() == "600\n");
}

TEST_CASE("a command that prints gigabytes is not blocked and its log keeps the end and says what it lacks") {
  CollectedTrial trial({"sh", "-c", "yes 12345678901234567890123456789 | head -c 30000000; echo; echo end"},
                       {.options = {"--log-cap", "90000"}});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  const std::string log = trial.log();
  const std::string older = read_file(trial.path("trial.log.older"));
  CHECK(log.ends_with("\nend\n"));
  CHECK(log.starts_with("[memtrack: before this, "));
  CHECK(older.starts_with("[memtrack: before this, "));
  const double kept = trial.number("SELECT log_bytes FROM trial_totals");
  CHECK(kept > 45'000);
  CHECK(kept <= 90'000);
  CHECK(static_cast<double>(log.size() + older.size()) < kept + 1000);
  CHECK(trial.sql("SELECT log_bytes + log_bytes_discarded FROM trial_totals") == "30000005");
}

TEST_CASE("a log says where output is missing that a full disk did not take") {
  const auto disk = SmallDisk::make("1m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  const TemporaryDirectory folder;
  TrialLog log(folder / "trial.log", 1'000'000);
  log.write("before ");
  disk->fill();
  const std::string lost(100'000, 'x');
  log.write(lost);
  disk->make_room();
  log.write("after");
  const std::string text = read_file(folder / "trial.log");
  CHECK(text.starts_with("before x"));  // the rest of its page
  CHECK(text.ends_with(fmt::format("\n[memtrack: {} bytes of output are missing here]\nafter", log.discarded_bytes())));
  CHECK(log.bytes() + log.discarded_bytes() == 100'012);
}

TEST_CASE("a log that cannot be written costs the output, not the trial") {
  CollectedTrial trial({"sh", "-c", "echo hello"}, {.options = {"--log", "/nowhere/at/all"}});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.sql("SELECT log_bytes || ' ' || log_bytes_discarded FROM trial_totals") == "0 6");
}

TEST_CASE("standard input is at its end") {
  CollectedTrial trial({"sh", "-c", "cat; echo end"});
  CHECK(trial.run() == 0);
  CHECK(trial.log() == "end\n");
}

TEST_CASE("the command sees no descriptors but 0, 1 and 2, whatever the collector was given") {
  const int leaked = dup(STDERR_FILENO);  // not close-on-exec: the collector inherits it
  CollectedTrial trial({"python3", "-c",
                        "import os\n"
                        "print([fd for fd in range(1000) if os.path.exists(f'/proc/self/fd/{fd}')])\n"
                        "print(open('/proc/self/status').read())"});
  CHECK(trial.run() == 0);
  close(leaked);
  CHECK(trial.log().starts_with("[0, 1, 2]\n"));
  // Nor our signal mask: Python itself ignores SIGPIPE and SIGXFSZ.
  CHECK(trial.log().find("SigBlk:\t0000000000000000\n") != std::string::npos);
}

TEST_CASE("the command runs in its folder, in a group of its own, with the submitter's environment and path") {
  CollectedTrial trial({"only-on-the-submitters-path"},
                       {.environment = {{"SECRET", "4711"}, {"PATH", "tools:/usr/bin:/bin"}}});
  std::filesystem::create_directory(trial.path("tools"));
  std::ofstream(trial.path("tools/only-on-the-submitters-path"))
      << "#!/bin/sh\necho $SECRET $(pwd) $MEMTRACK_TRIAL $MEMTRACK_SWEEP ${WANDB_SWEEP_PARAM_PATH-none}\n"
      << "[ $(ps -o pgid= -p $$) = $$ ] && echo own group\n";
  std::filesystem::permissions(trial.path("tools/only-on-the-submitters-path"), std::filesystem::perms::owner_all);
  CHECK(trial.run() == 0);
  CHECK(trial.log() == "4711 " + std::filesystem::canonical(trial.path(".")).string() + " " + trial.trial().uid + " " +
                           trial.trial().sweep_uid + " none\nown group\n");
}

TEST_CASE("a trial with parameters finds them in the file that WANDB_SWEEP_PARAM_PATH names, gone afterwards") {
  CollectedTrial trial({"sh", "-c",
                        "cat $WANDB_SWEEP_PARAM_PATH; stat -c %a $WANDB_SWEEP_PARAM_PATH; echo $WANDB_RUN_ID "
                        "$WANDB_SWEEP_ID; cat \"$1\"; echo $WANDB_SWEEP_PARAM_PATH > where",
                        "sh", "${args_json_file}"},
                       {.parameters = R"({"lr":0.25,"depth":3})"});
  CHECK(trial.run() == 0);
  const std::string log = trial.log();
  CHECK(log.find("lr: {\"value\": 0.25}") != std::string::npos);
  CHECK(log.find("\n600\n") != std::string::npos);
  CHECK(log.find(trial.trial().uid + " " + trial.trial().sweep_uid) != std::string::npos);
  CHECK(log.find(R"({"lr":0.25,"depth":3})") != std::string::npos);
  std::string where = read_file(trial.path("where"));
  where.pop_back();
  CHECK_FALSE(where.empty());
  CHECK(std::filesystem::is_empty(std::filesystem::path(where).parent_path()));
}

TEST_CASE("another writer who holds the database for 3 s does not stop the sampling") {
  CollectedTrial trial({"sh", "-c", "while [ ! -e go ]; do sleep 0.01; done"}, {.interval = 20ms});
  trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT count(*) FROM samples") != "0"; }));
  trial.database().handle().exec("BEGIN IMMEDIATE");
  const std::int64_t locked_ns = now_ns();
  std::this_thread::sleep_for(3s);  // what is tested is the time
  trial.database().handle().exec("ROLLBACK");
  const std::int64_t freed_ns = now_ns();
  std::ofstream(trial.path("go")) << "";
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "done");
  const std::string meanwhile = "time_ns BETWEEN " + std::to_string(locked_ns) + " AND " + std::to_string(freed_ns);
  const double late = trial.number("SELECT late_ticks FROM trial_totals");
  CHECK(trial.number("SELECT count(*) FROM samples WHERE kind = 'tick' AND " + meanwhile) + late >= 148);
  CHECK(trial.sql("SELECT samples_thinned FROM trial_totals") == "0");
}

TEST_CASE("no transaction is left open between ticks so that others write and the log is merged while a trial runs") {
  CollectedTrial trial({"sh", "-c", "while [ ! -e go ]; do sleep 0.01; done"}, {.interval = 1ms});
  trial.start();
  REQUIRE(wait_until([&] { return trial.number("SELECT count(*) FROM samples") > 100; }));
  for (int i = 0; i < 50; ++i) {
    trial.database().handle().exec("BEGIN IMMEDIATE; ROLLBACK");
  }
  // Waits for writers and readers alike; the first column says whether it had to give up.
  CHECK(wait_until(
      [&] { return trial.database().handle().execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt() == 0; }));
  std::ofstream(trial.path("go")) << "";
  CHECK(trial.wait() == 0);
}

TEST_CASE("samples are committed while the trial runs, not at its end") {
  CollectedTrial trial({"sleep", "600"}, {.interval = 10ms});
  trial.start();
  CHECK(wait_until([&] { return trial.number("SELECT count(*) FROM samples") >= 100; }));
  CHECK(trial.sql("SELECT tick_count > 0 AND peak_rss_bytes > 0 FROM trial_memory") == "1");
  CHECK(trial.state() == "running");
}
