// memtrack export, merge, prune and backup, as their users run them.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/session.h"
#include "tests/small_disk.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

std::string count_of_trials(const Session& session, const std::string& database) {
  return session.output_of(fmt::format("sqlite3 -readonly {} 'SELECT count(*) FROM trials'", database));
}

// What lies in a folder, companions of open databases left out.
std::string listing(const Session& session, const std::string& folder) {
  return session.output_of(fmt::format("ls {} | grep -v -e -wal -e -shm -e command", folder));
}

}  // namespace

TEST_CASE("export writes every sample of a sweep and every column as the stock shell does") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100, 1300}});
  sweep.record({.used_mib = {2000}});
  const std::string ours = session.output_of(sweep.asked_by("memtrack export"));
  CHECK(ours ==
        session.output_of(fmt::format(
            "sqlite3 -readonly -header -csv {} 'SELECT * FROM samples ORDER BY trial_id, time_ns' | tr -d '\\r'",
            sweep.path().string())));
  CHECK(std::count(ours.begin(), ours.end(), '\n') == 1 + 4 + 2);
}

TEST_CASE("export takes trials or everything and any relation and writes an object a line") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100}, .test_accuracy = 0.5});
  const std::int64_t second = sweep.record({.used_mib = {2000}});
  std::istringstream lines(
      session.output_of(sweep.asked_by(fmt::format("memtrack export --trial {} --format jsonl", second))));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto object = nlohmann::json::parse(line);
    CHECK(object["trial_id"] == second);
    CHECK(object["tree_pss_bytes"].is_null());
    CHECK(object["used_bytes"].get<std::int64_t>() % kMiB == 0);
  }
  CHECK(count == 2);
  const auto lines_of = [&](const std::string& arguments) {
    return session.output_of(sweep.asked_by(fmt::format("memtrack export {} --format jsonl | wc -l", arguments)));
  };
  CHECK(lines_of("--trial 1,2") == "5\n");
  CHECK(lines_of("--all --relation trial_memory") == "3\n");
  CHECK(lines_of("'small list' --relation trials") == "3\n");
  CHECK(lines_of("--relation epochs") == "1\n");
  CHECK(lines_of("--relation sweeps") == "1\n");
  CHECK(lines_of("--relation hosts") == "1\n");
  CHECK(lines_of("--relation process_samples") == "0\n");
}

TEST_CASE("export writes a file beside its place and replaces one only where that is said") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000}});
  CHECK(contains(session.output_of(sweep.asked_by("memtrack export -o out.csv")), "out.csv: 2 rows of samples"));
  const std::string whole = session.output_of("cat out.csv");
  CHECK(whole == session.output_of(sweep.asked_by("memtrack export")));
  session.write_file("out.csv", "mine\n");
  const CommandResult refused = session.run(sweep.asked_by("memtrack export -o out.csv"));
  CHECK(refused.exit_code == kUsage);
  CHECK(contains(refused.errors, "out.csv exists; --force replaces it"));
  CHECK(session.output_of("cat out.csv") == "mine\n");
  session.output_of(sweep.asked_by("memtrack export -o out.csv --force"));
  CHECK(session.output_of("cat out.csv") == whole);
  const CommandResult device = session.run(sweep.asked_by("memtrack export -o /dev/null --force"));
  CHECK(device.exit_code == kUsage);
  CHECK(contains(device.errors, "not a regular file"));
  CHECK(contains(session.run(sweep.asked_by("memtrack export -o no/out.csv")).errors, "there is no folder no"));
  CHECK(listing(session, ".") == "data\nout.csv\nrun\n");
  session.output_of("ln -s out.csv link.csv && : > out.csv");
  session.output_of(sweep.asked_by("memtrack export -o link.csv --force"));
  CHECK(session.output_of("test -L link.csv && cat out.csv") == whole);
}

TEST_CASE("export that is asked for what is not there says so and leaves nothing") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  const struct {
    const char* arguments;
    const char* message;
  } cases[] = {{"nothing", "no sweep in"},
               {"--trial 99", "99"},
               {"--relation sample", "did you mean 'samples'?"},
               {"--format xml", "csv or jsonl"},
               {"1 --all", "one of these"},
               {"--force", "--output"},
               {"-o missing/out.csv", "missing/out.csv"}};
  for (const auto& one : cases) {
    CAPTURE(one.arguments);
    const CommandResult result = session.run(sweep.asked_by(fmt::format("memtrack export {}", one.arguments)));
    CHECK(result.exit_code == kUsage);
    CHECK(contains(result.errors, one.message));
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  }
  const CommandResult none = session.run(sweep.asked_by("memtrack export"));  // none has begun
  CHECK(none.exit_code == kRight);
  CHECK(std::count(none.output.begin(), none.output.end(), '\n') == 1);
  CHECK(contains(none.errors, "no samples were kept"));
  CHECK(session.run(sweep.asked_by("memtrack export --relation trials | head -n 1")).exit_code == kRight);
  CHECK(listing(session, ".") == "data\nrun\n");
}

TEST_CASE("a full disk leaves neither a half export nor a half backup and keeps what was there") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = std::vector<std::int64_t>(3000, 1000)});
  const auto disk = SmallDisk::make("1m");
  if (!disk) {
    MESSAGE("this user may mount nothing here");
    return;
  }
  const TemporaryDirectory folder;
  const std::string file = folder / "out";
  session.output_of("echo mine > " + file);
  disk->fill();
  for (const std::string command : {"memtrack export --force -o ", "memtrack backup --force "}) {
    CAPTURE(command);
    const CommandResult result = session.run(sweep.asked_by(command + file));
    CHECK(result.exit_code == kFailed);
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  }
  disk->make_room();
  CHECK(session.output_of("cat " + file) == "mine\n");
  CHECK(listing(session, folder.path().string()) == "out\n");
}

TEST_CASE("merge takes the trials of other files and says what it did") {
  const Session session;
  RecordedSweep first(list_sweep()), second(list_sweep());
  first.record({.used_mib = {1000, 1100}});
  for (int i = 0; i < 3; ++i) second.record({.used_mib = {3000}});
  const std::string command =
      fmt::format("memtrack merge --db all.db {} {}", first.path().string(), second.path().string());
  CHECK(session.output_of(command) ==
        fmt::format("{}: 1 trial merged, with 3 samples; 2 left out that have not ended: merge again later\n"
                    "{}: 3 trials merged, with 6 samples\n",
                    first.path().string(), second.path().string()));
  CHECK(session.output_of(command) ==
        fmt::format("{}: nothing new; 1 there already; 2 left out that have not ended: merge again later\n"
                    "{}: nothing new; 3 there already\n",
                    first.path().string(), second.path().string()));
  CHECK(count_of_trials(session, "all.db") == "4\n");
  CHECK(contains(session.output_of("memtrack report --db all.db 2"), "3000.00"));
}

TEST_CASE("on a terminal the progress of a merge stays on one line whatever the file's name") {
  const Session session;
  RecordedSweep other(list_sweep());
  other.record({.used_mib = {1000}});
  const std::string name = "\x1b[2J" + std::string(100, 'x') + ".db";
  session.output_of(fmt::format("sqlite3 {} \".backup copy.db\" && mv copy.db '{}'", other.path().string(), name));
  const std::string drawn = session.output_of(
      fmt::format("TERM=xterm script -qec \"stty cols 60; memtrack merge --db all.db '{}'\" /dev/null", name));
  const std::size_t bar = drawn.find("\r[");
  REQUIRE(bar != std::string::npos);
  const std::string line = drawn.substr(bar + 1, drawn.find("\x1b[K", bar) - bar - 1);
  CHECK(contains(line, "trials of \\x1b"));
  CHECK(display_width(line) == 59);
}

TEST_CASE("merge looks at all files before it takes the first") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000}});
  session.write_file("notes.txt", std::string(2000, 'x'));
  for (const char* wrong : {"notes.txt", "missing.db", "all.db"}) {
    CAPTURE(wrong);
    const CommandResult result =
        session.run(fmt::format("memtrack merge --db all.db {} {}", sweep.path().string(), wrong));
    CHECK(result.exit_code == kUsage);
    CHECK(contains(result.errors, wrong));
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    CHECK(result.output.empty());
    CHECK(listing(session, ".") == "data\nnotes.txt\nrun\n");
  }
}

TEST_CASE("merge and prune and backup beside a trial that runs cost it no sample") {
  const Session session;
  RecordedSweep other(list_sweep());
  for (int i = 0; i < 3; ++i) other.record({.used_mib = std::vector<std::int64_t>(500, 1000)});
  session.output_of("memtrack run --interval 10ms -- true");
  session.output_of(
      "mkfifo gate; memtrack run --interval 10ms -- sh -c 'read line < gate' 2>/dev/null &\n"
      "until [ \"$(sqlite3 -cmd '.timeout 9999' memtrack.db 'SELECT count(*) > 5 FROM samples WHERE trial_id = "
      "2')\" = 1 ]; do :; done");
  session.output_of("memtrack merge " + other.path().string());
  session.output_of("memtrack backup copy.db");
  CHECK(contains(session.output_of("memtrack prune --older-than 0s --keep-summaries"), " of 4 trials"));
  session.output_of("echo > gate");
  REQUIRE(wait_until([&] { return session.sql("SELECT state FROM trials WHERE trial_id = 2") == "done"; }));
  CHECK(session.sql("SELECT samples_thinned FROM trial_totals WHERE trial_id = 2") == "0");
  CHECK(session.sql("SELECT (SELECT count(*) FROM samples WHERE trial_id = 2) = (SELECT sum(sample_count) FROM "
                    "memory_totals WHERE trial_id = 2)") == "1");
  CHECK(session.sql("SELECT count(*) FROM samples WHERE trial_id <> 2") == "0");
  CHECK(session.sql("PRAGMA integrity_check") == "ok");
  CHECK(session.output_of("sqlite3 copy.db 'PRAGMA integrity_check'") == "ok\n");
  CHECK(count_of_trials(session, "copy.db") == "5\n");
}

TEST_CASE("prune says what it would do and does nothing unless it is told what stays") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100}});
  CHECK(session.output_of(sweep.asked_by("memtrack prune --older-than 90d --keep-summaries --dry-run")) ==
        "would delete 3 samples of 1 trial, and 0 rows of their processes\n");
  CHECK(session.run(sweep.asked_by("memtrack prune --older-than 90d")).exit_code == kUsage);
  for (const char* age : {"90", "d", "-1d", "1.5d", "99999999w", "soon"}) {
    CAPTURE(age);
    const CommandResult result =
        session.run(sweep.asked_by(fmt::format("memtrack prune --keep-summaries --older-than={}", age)));
    CHECK(result.exit_code == kUsage);
    CHECK(contains(result.errors, "90d"));
  }
  CHECK(session.output_of(sweep.asked_by("memtrack prune --older-than 5200w --keep-summaries")) ==
        "deleted 0 samples of 0 trials, and 0 rows of their processes\n");
  const std::string before = session.output_of(sweep.asked_by("memtrack report"));
  CHECK(session.output_of(sweep.asked_by("memtrack prune --older-than 90d --keep-summaries")) ==
        "deleted 3 samples of 1 trial, and 0 rows of their processes\n");
  CHECK(session.output_of(sweep.asked_by("memtrack report")) == before);
  const CommandResult missing = session.run("memtrack prune --older-than 90d --keep-summaries");
  CHECK(missing.exit_code == kUsage);
  CHECK(listing(session, ".") == "data\nrun\n");
}

TEST_CASE("backup makes a copy that reads the same and overwrites nothing unasked") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100}});
  CHECK(contains(session.output_of(sweep.asked_by("memtrack backup copy.db")), "copy.db: "));
  CHECK(session.output_of("memtrack report --db copy.db") == session.output_of(sweep.asked_by("memtrack report")));
  const CommandResult again = session.run(sweep.asked_by("memtrack backup copy.db"));
  CHECK(again.exit_code == kUsage);
  CHECK(contains(again.errors, "copy.db is there already; --force replaces it"));
  sweep.record({.used_mib = {1000}});
  session.output_of(sweep.asked_by("memtrack backup --force copy.db"));
  CHECK(session.output_of("memtrack report --db copy.db") == session.output_of(sweep.asked_by("memtrack report")));
  const CommandResult itself = session.run(fmt::format("memtrack backup --db {0} --force {0}", sweep.path().string()));
  CHECK(itself.exit_code == kUsage);
  CHECK(contains(itself.errors, "is the database itself"));
  session.write_file("copy.db-wal", "in use");
  CHECK(contains(session.run(sweep.asked_by("memtrack backup --force copy.db")).errors, "copy.db-wal"));
  CHECK(session.run("memtrack backup nothing.db").exit_code == kUsage);
}
