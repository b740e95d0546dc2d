// memtrack attach, with the real collector and real processes.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/end_to_end/session.h"
#include "tests/text.h"

using memtrack::testing::CommandResult;
using memtrack::testing::contains;
using memtrack::testing::Session;

namespace {

// In a shell script: `trial_runs` waits until an attached trial is measured, `ticks N` until it has so many.
constexpr const char* kFunctions =
    "ask() { sqlite3 -readonly -cmd '.timeout 10000' memtrack.db \"$1\" 2>/dev/null; }\n"
    "ticks() { while ! n=$(ask \"SELECT coalesce(max(tick_count), 0) FROM trial_memory\") || [ \"${n:-0}\" -lt $1 ]; "
    "do "
    "sleep 0.05; done; }\n";

}  // namespace

TEST_CASE("attach measures a process until it ends, and what only a parent knows stays unknown") {
  const Session session;
  session.write_file("child", "while [ ! -e stop ]; do sleep 0.05; done; exit 7\n");
  const CommandResult result =
      session.run(std::string(kFunctions) +
                  "sh child & watched=$!\n"
                  "memtrack attach $watched --interval 20ms --name mine & attached=$!\n"
                  "ticks 5; touch stop; wait $watched; echo child $?; wait $attached; echo attach $?; echo $watched");
  CAPTURE(result.errors);
  CHECK(contains(result.output, "child 7\nattach 0\n"));
  CHECK(contains(result.errors, "Ctrl-C stops watching\n"));
  CHECK(contains(result.errors, "MEMTRACK_EVENTS="));
  CHECK(contains(result.errors, "the process has ended\n"));
  CHECK(session.sql("SELECT state || ' ' || reason FROM trials") == "done the process has ended");
  CHECK(session.sql("SELECT count(*) FROM trials WHERE exit_code IS NULL AND term_signal IS NULL AND max_rss_bytes IS "
                    "NULL AND user_ns IS NULL AND system_ns IS NULL AND oom_kill_count IS NULL") == "1");
  CHECK(session.sql("SELECT name || ' ' || method || ' ' || state FROM sweeps") == "mine attach done");
  CHECK(session.sql("SELECT command FROM trials") == "[\"sh\",\"child\"]");
  CHECK(session.sql("SELECT cwd FROM trials") == session.folder().string());
  CHECK(session.sql("SELECT min(tree_rss_bytes) > 100000 FROM samples WHERE kind = 'tick'") == "1");
  CHECK(session.sql("SELECT peak_source FROM trial_memory") == "samples");
  CHECK(session.sql("SELECT group_concat(DISTINCT kind) FROM samples WHERE kind <> 'tick'") == "start,final");
  CHECK(contains(session.run("memtrack logs 1").errors, "has no log"));
}

TEST_CASE("attach stops watching by signal, and the process runs on") {
  for (const char* signal : {"INT", "TERM", "HUP"}) {
    CAPTURE(signal);
    const Session session;
    // By env: a shell's own background processes ignore SIGINT.
    const CommandResult result = session.run(fmt::format(
        "{}sleep 600 & watched=$!\n"
        "env --default-signal=INT memtrack attach $watched --interval 20ms & attached=$!\n"
        "ticks 3; kill -{} $attached; wait $attached; echo attach $?; kill -0 $watched && echo alive; kill $watched",
        kFunctions, signal));
    CAPTURE(result.errors);
    CHECK(result.output == "attach 0\nalive\n");
    CHECK(contains(result.errors, "stopped watching; the process runs on\n"));
    CHECK(session.sql("SELECT state FROM trials") == "done");
    CHECK(session.sql("SELECT state FROM sweeps") == "done");
  }
}

TEST_CASE("a killed collector of an attached process leaves a lost trial, and the process alone") {
  const Session session;
  const CommandResult result =
      session.run(std::string(kFunctions) +
                  "sleep 600 & watched=$!\n"
                  "memtrack attach $watched --interval 20ms & attached=$!\n"
                  "ticks 3; kill -9 $(ask 'SELECT collector_pid FROM trials'); wait $attached; echo attach $?\n"
                  "memtrack attach $watched --interval 20ms & attached=$!\n"
                  "ticks 3; while [ -z \"$(ask 'SELECT collector_pid FROM trials WHERE trial_id = 2 AND started_ns > "
                  "0')\" ]; do sleep "
                  "0.05; done\n"
                  "kill -9 $attached; kill -9 $(ask 'SELECT collector_pid FROM trials WHERE trial_id = 2')\n"
                  "memtrack run -- true; kill -0 $watched && echo alive; kill $watched");
  CAPTURE(result.errors);
  CHECK(result.output == "attach 1\nalive\n");
  CHECK(session.sql("SELECT group_concat(state, ' ') FROM (SELECT state FROM trials ORDER BY trial_id)") ==
        "lost lost done");
}

TEST_CASE("attach leaves memtrack's own processes out of the tree, and takes events from anywhere") {
  const Session session;
  // The shell is measured, and memtrack descends from it.
  const CommandResult result = session.run(
      std::string(kFunctions) +
      "memtrack attach $$ --interval 20ms 2>told & attached=$!\n"
      "ticks 3; export $(grep -o 'MEMTRACK_EVENTS=.*' told); memtrack log phase=late epoch=3 train_loss=0.5\n"
      "ticks 8; kill $attached; wait $attached; grep -c 'stopped watching' told");
  CAPTURE(result.errors);
  CHECK(result.output == "1\n");
  CHECK(session.sql("SELECT count(*) FROM processes WHERE name LIKE 'memtrack-coll%'") == "0");
  CHECK(session.sql("SELECT epoch || ' ' || train_loss FROM epochs") == "3 0.5");
  CHECK(session.sql("SELECT count(*) > 0 FROM samples WHERE phase = 'late'") == "1");
}

TEST_CASE("a zombie and a thread are refused, and nothing is written") {
  const Session session;
  const CommandResult zombie = session.run(
      "(sleep 0 & echo $! >pid; exec sleep 600) & holder=$!\n"
      "while ! grep -qs 'State:.Z' /proc/$(cat pid 2>/dev/null)/status; do sleep 0.05; done\n"
      "memtrack attach $(cat pid); code=$?; kill $holder; exit $code");
  CHECK(zombie.exit_code == 2);
  CHECK(contains(zombie.errors, "(a zombie"));
  const CommandResult thread = session.run(
      "python3 -c \"import subprocess, sys, threading\n"
      "def ask(): codes.append(subprocess.run(['memtrack', 'attach', str(threading.get_native_id())])"
      ".returncode)\n"
      "codes = []\n"
      "worker = threading.Thread(target=ask)\n"
      "worker.start()\n"
      "worker.join()\n"
      "sys.exit(codes[0])\"");
  CHECK(thread.exit_code == 2);
  CHECK(contains(thread.errors, "is a thread of process"));
  CHECK_FALSE(std::filesystem::exists(session.folder() / "memtrack.db"));
}
