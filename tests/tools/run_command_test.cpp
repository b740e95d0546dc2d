// memtrack run, with the real collector.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tests/end_to_end/session.h"
#include "tests/text.h"

using memtrack::testing::CommandResult;
using memtrack::testing::contains;
using memtrack::testing::Session;
using memtrack::testing::wait_until;

TEST_CASE("run gives back the command's exit code and sums up on standard error") {
  const Session session;
  const struct {
    const char* command;
    int exit_code;
    const char* summary;
  } cases[] = {
      {"memtrack run --interval 1h -- true", 0, "exit code 0"},
      {"memtrack run --interval 1h false", 1, "exited with code 1"},
      {"memtrack run --interval 1h -- sh -c 'exit 7'", 7, "exited with code 7"},
      {"memtrack run --interval 1h -- sh -c 'kill -9 $$'", 137, "SIGKILL"},
      {"memtrack run --interval 1h -- sh -c 'kill -TERM $$'", 143, "SIGTERM"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.command);
    const CommandResult result = session.run(c.command);
    CHECK(result.exit_code == c.exit_code);
    CHECK(result.output.empty());
    CHECK(contains(result.errors, c.summary));
    CHECK(contains(result.errors, "no average: it was shorter than the interval of 1h"));
    CHECK(contains(result.errors, "memtrack sql \"SELECT * FROM trial_memory WHERE trial_id = "));
  }
  CHECK(session.sql("SELECT group_concat(name, ' ') FROM (SELECT name FROM sweeps ORDER BY sweep_id)") ==
        "true false sh sh sh");
}

TEST_CASE("a command that is not there gets 127 and one line, one that cannot be run 126") {
  const Session session;
  for (const auto& [command, exit_code] :
       {std::pair{"./nothing-here", 127}, std::pair{"no-such-command", 127}, std::pair{"/etc/passwd", 126}}) {
    CAPTURE(command);
    const CommandResult result = session.run(fmt::format("memtrack run -- {}", command));
    CHECK(result.exit_code == exit_code);
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    CHECK(contains(result.errors, command));
  }
}

TEST_CASE("the command's words reach it as they are") {
  const Session session;
  CHECK(session.output_of("memtrack run --name words -- printf '%s\\n' --db '[a, b]' -- '{x}' '' '*'") ==
        "--db\n[a, b]\n--\n{x}\n\n*\n");
  CHECK(session.output_of("memtrack run printf '%s\\n' --help -n") == "--help\n-n\n");
  CHECK(session.output_of("memtrack run printf '%s\\n' one -- two") == "one\n--\ntwo\n");
  CHECK(session.sql("SELECT name FROM sweeps WHERE sweep_id = 1") == "words");
}

TEST_CASE("the command keeps input, output, errors and the descriptors that the caller left open") {
  const Session session;
  CHECK(session.output_of("echo hello | memtrack run -- tr a-z A-Z") == "HELLO\n");
  CHECK(session.output_of("echo five >f; memtrack run -- sh -c 'cat <&5' 5<f") == "five\n");
  CHECK(contains(session.run("memtrack run -- sh -c 'echo seen >&2'").errors, "seen\n"));
  // Nothing of ours is open in it beside what any child of the shell has.
  CHECK(session.output_of("memtrack run -- ls /proc/self/fd") == session.output_of("ls /proc/self/fd"));
}

TEST_CASE("signals are as the caller left them") {
  const Session session;
  // Signals 1 to 28; beyond lie some of the C library's own.
  const std::string mask = "sed -nE 's/^(Sig(Blk|Ign|Cgt)).*(.{7})$/\\1 \\3/p' /proc/self/status";
  CHECK(session.output_of("memtrack run -- " + mask) == session.output_of(mask));
}

TEST_CASE("SIGTERM and SIGHUP to memtrack run reach the command, which may answer in its own time") {
  for (const std::string name : {"TERM", "HUP"}) {
    const Session session;
    session.write_file("command",
                       "trap 'echo got it; exit 9' " + name + "\necho $$ >ready\nwhile :; do sleep 0.05; done\n");
    const CommandResult result = session.run(
        "memtrack run -- sh command & while [ ! -s ready ]; do sleep 0.05; done; kill -" + name + " $!; wait $!");
    CAPTURE(name);
    CAPTURE(result.errors);
    CHECK(result.output == "got it\n");
    CHECK(result.exit_code == 9);
  }
}

TEST_CASE("a collector that is killed leaves a trial that is lost, and nothing of its tree") {
  const Session session;
  for (const char* first : {"true", "memtrack daemon start"}) {  // with a daemon, too, it is the caller who cleans up
    CAPTURE(first);
    session.output_of(first);
    const CommandResult result = session.run(
        "memtrack run -- sh -c 'setsid sleep 600 & sleep 600' & while ! collector=$(sqlite3 -readonly memtrack.db "
        "\"SELECT collector_pid FROM trials WHERE state = 'running' AND started_ns > 0\" 2>/dev/null) || [ -z "
        "\"$collector\" ]; do sleep 0.05; done; kill -9 $collector; wait $!");
    CHECK(result.exit_code == 125);
    CHECK(contains(result.errors, "lost: its collector was killed by signal 9"));
    CHECK(session.sql("SELECT state FROM trials ORDER BY trial_id DESC LIMIT 1") == "lost");
    const std::string marker = "MEMTRACK_TRIAL=" + session.sql("SELECT uid FROM trials ORDER BY trial_id DESC LIMIT 1");
    CHECK(session.run("grep -qsaz '" + marker + "' /proc/[0-9]*/environ").exit_code != 0);
  }
}

TEST_CASE("words that could not be stored as they are are refused") {
  const Session session;
  const CommandResult result = session.run("memtrack run -- true \"$(printf '\\377')\"");
  CHECK(result.exit_code == 125);
  CHECK(contains(result.errors, "'\\xff' is no UTF-8"));
}

TEST_CASE("nobody who hears the summary is no failure") {
  const Session session;
  CHECK(session.run("memtrack run -- sh -c 'exit 7' 2>&-").exit_code == 7);
  CHECK(session.run("memtrack run --interval never 2>&-").exit_code == 125);
}

TEST_CASE("a shell loop of many logs loses none, nor do many at once") {
  const Session session;
  session.output_of(
      "memtrack run --interval 20ms -- sh -ec 'memtrack log phase=loop; for i in $(seq 1 100); do memtrack log "
      "epoch=$i "
      "train_loss=0.$i; done; memtrack log phase=crowd; for i in $(seq 1 20); do memtrack log crowd=$i & done; wait'");
  CHECK(session.sql("SELECT count(*) || ' ' || min(epoch) || ' ' || max(epoch) FROM epochs") == "100 1 100");
  CHECK(session.sql("SELECT count(DISTINCT value) FROM metrics WHERE name = 'crowd' AND phase = 'crowd'") == "20");
  CHECK(session.sql("SELECT events_missing + events_malformed FROM trial_totals") == "0");
  CHECK(session.sql("SELECT group_concat(phase, ' ') FROM (SELECT phase FROM phases ORDER BY phase)") == "crowd loop");
}

TEST_CASE("a command that logs outlives a collector that is stopped") {
  const Session session;
  // As many as the system queues (10, or 512 where systemd is), and one more.
  session.output_of(
      "memtrack run -- sh -ec 'kill -STOP $PPID; n=0; while [ ! -s errors ] && [ $n -lt 2000 ]; do n=$((n + 1)); "
      "memtrack "
      "log x=$n 2>errors; done; echo $n >sent; kill -CONT $PPID'");
  CHECK(contains(session.output_of("cat errors"), "does not take it now"));
  CHECK(session.sql("SELECT count(*) + 1 FROM metrics") + "\n" == session.output_of("cat sent"));
}
