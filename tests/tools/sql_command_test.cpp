// memtrack sql beside a query on its command line: files, standard input, the schema's help, Ctrl-C and the prompt.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"
#include "tools/sql/prompt.h"
#include "tools/sql/schema_help.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

// Talks to a program at a terminal: waits for a text, then types. Ends with the program's exit code; prints all that
// was shown. The terminal's settings must be at the end what they were.
constexpr const char* kDrive = R"py(
import os, pty, signal, sys, termios
signal.alarm(300)  # a text that never comes
steps = [(a, b.encode().decode('unicode_escape').encode()) for a, b in (s.split('|', 1) for s in sys.argv[2:])]
shown = b''
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    import fcntl
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2): os.dup2(slave, fd)
    os.environ['TERM'] = 'xterm'
    with open('suppressions', 'w') as file: file.write('leak:wcsdup')  # libedit never frees the names of its functions
    os.environ['LSAN_OPTIONS'] = 'suppressions=suppressions:print_suppressions=0'
    os.execvp('sh', ['sh', '-c', 'exec ' + sys.argv[1]])
seen = 0
for text, keys in steps:
    if text == 'a query runs':  # the terminal turns Ctrl-C into a signal again
        while not termios.tcgetattr(slave)[3] & termios.ISIG: pass
    else:
        while text.encode() not in shown[seen:]:
            shown += os.read(master, 4096)
        seen = shown.index(text.encode(), seen) + len(text)
    os.write(master, keys)
_, status = os.waitpid(pid, 0)
os.set_blocking(master, False)
try:
    while True: shown += os.read(master, 4096)
except (BlockingIOError, OSError): pass
assert termios.tcgetattr(slave) == before, 'the terminal was left changed'
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
)py";

}  // namespace

TEST_CASE("a query comes from a file or from standard input") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  session.write_file("q.sql", "-- how many\nSELECT count(*) AS n\nFROM trials;\n");
  const std::string answer = "n\n3\n";
  for (const char* command :
       {"memtrack sql --format csv --file q.sql", "memtrack sql --format csv < q.sql",
        "memtrack sql --format csv - < q.sql", "cat q.sql | memtrack sql --format csv --file -"}) {
    CAPTURE(command);
    session.output_of(fmt::format("export MEMTRACK_DB={}; {} > answer", sweep.path().string(), command));
    CHECK(session.output_of("cat answer") == answer);
  }
  const CommandResult missing = session.run(sweep.asked_by("memtrack sql --file nothing.sql"));
  CHECK(missing.exit_code == kUsage);
  CHECK(contains(missing.errors, "cannot read the query in nothing.sql"));
  CHECK(session.run(sweep.asked_by("memtrack sql --file q.sql 'SELECT 1'")).exit_code == kUsage);
  CHECK(session.run(sweep.asked_by("memtrack sql </dev/null")).exit_code == kUsage);
}

TEST_CASE("the functions of ours answer on the command line") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100, 1900}});
  CHECK(session.output_of(sweep.asked_by(
            "memtrack sql --format csv \"SELECT mib(median(used_bytes)) AS mib FROM samples WHERE kind = 'tick'\"")) ==
        "mib\n1100.0\n");
}

TEST_CASE("the schema's help is made of the comments in the schema") {
  CHECK(relation_meaning("CREATE TABLE t (\n  -- one row per thing;\n  -- bytes\n  a INTEGER  -- first\n)") ==
        "one row per thing; bytes");
  CHECK(relation_meaning("CREATE TABLE t (a INTEGER)").empty());
  const std::string definition =
      "CREATE TABLE t (\n  -- rows\n  a_bytes INTEGER NOT NULL,  -- of a\n  b      INTEGER,\n  -- a section\n"
      "  c INTEGER GENERATED ALWAYS AS (a_bytes - b) VIRTUAL,  -- the rest\n  d INTEGER, bb INTEGER, limit_bytes /* "
      "most "
      "of all */ INTEGER)";
  CHECK(column_meaning(definition, "a_bytes") == "of a");
  CHECK(column_meaning(definition, "b").empty());
  CHECK(column_meaning(definition, "c") == "= a_bytes - b; the rest");
  CHECK(column_meaning(definition, "limit_bytes") == "most of all");
  CHECK(column_meaning(definition, "nothing").empty());
}

TEST_CASE("sql --schema tells relations and functions and one relation's columns") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  const std::string all = session.output_of(sweep.asked_by("COLUMNS=200 memtrack sql --schema"));
  for (const char* part : {"trial_memory", "one row per sample", "percentile(x, p)", "phase_memory"}) {
    CAPTURE(part);
    CHECK(contains(all, part));
  }
  const std::string trials = session.output_of(sweep.asked_by("COLUMNS=200 memtrack sql --schema trials"));
  for (const char* part : {"1-based place in the sweep file", "of the trial's cgroup", "a published figure, MiB"}) {
    CAPTURE(part);
    CHECK(contains(trials, part));
  }
  const CommandResult wrong = session.run(sweep.asked_by("memtrack sql --schema trial_memoy"));
  CHECK(wrong.exit_code == kUsage);
  CHECK(contains(wrong.errors, "did you mean 'trial_memory'?"));
}

TEST_CASE("Ctrl-C stops a query that runs away with exit code 130") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  session.write_file("interrupt.py", R"py(
import signal, subprocess, sys
query = 'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
child = subprocess.Popen(['memtrack', 'sql', query], stderr=subprocess.PIPE)
def blocks_sigint():
    with open(f'/proc/{child.pid}/status') as status:
        return any(int(line.split()[1], 16) & 2 for line in status if line.startswith('SigBlk:'))
while not blocks_sigint(): pass
child.send_signal(signal.SIGINT)
print(child.communicate()[1].decode(), child.returncode)
)py");
  const std::string told = session.output_of(sweep.asked_by("python3 interrupt.py"));
  CHECK(contains(told, "the query was stopped"));
  CHECK(contains(told, " 130\n"));
}

TEST_CASE("completion goes on from the last word whatever its case") {
  const std::vector<std::string> words = {"SELECT", "trial_id", "trial_memory", "trials"};
  CHECK(completions("sel", words) == std::vector<std::string>{"ECT"});
  CHECK(completions("SELECT trial_", words) == std::vector<std::string>{"id", "memory"});
  CHECK(completions("SELECT ", words).empty());
  CHECK(completions("count(tri", words) == std::vector<std::string>{"al_id", "al_memory", "als"});
}

TEST_CASE("at a terminal sql prompts and completes and remembers and leaves the terminal as it was") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  session.write_file("drive.py", kDrive);
  const std::string drive = sweep.asked_by("python3 drive.py 'memtrack sql --format csv' ");
  // Tab makes trial_memory of trial_me, a statement takes two lines, Ctrl-C gives one up, an error is survived.
  const std::string shown = session.output_of(
      drive + R"('memtrack> |SELECT count(*) AS n\n' '...> |FROM trial_me\t;\n' 'n|' 'memtrack> |SELECT broken\x03')"
              R"( 'memtrack> |SELECT nosuch;\n' 'no such column|' 'memtrack> |.schema trialz\n' 'did you mean|' )"
              R"('memtrack> |.quit\n')");
  CHECK(contains(shown, "n\r\n3\r\n"));
  // The arrow up finds what the last session asked.
  const std::string again =
      session.output_of(drive + R"('memtrack> |\x1b[A\x1b[A\x1b[A\n' 'no such column|' 'memtrack> |\x04')");
  CHECK(contains(again, "nosuch"));
}

TEST_CASE("Ctrl-C at the prompt stops the query and not the prompt") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  session.write_file("drive.py", kDrive);
  const std::string shown = session.output_of(sweep.asked_by(
      R"(python3 drive.py 'memtrack sql --format csv' 'memtrack> |WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT )"
      R"(i + 1 FROM n) SELECT count(*) FROM n;\n' 'FROM n;|' 'a query runs|\x03' 'the query was stopped|' )"
      R"('memtrack> |SELECT 6 * 7;\n' '42|' 'memtrack> |.quit\n')"));
  CHECK(contains(shown, "42"));
}
