// memtrack sweep --local --shard: several machines run one submission.

#include <doctest/doctest.h>

#include <string>

#include "tests/end_to_end/session.h"
#include "tests/text.h"

using namespace memtrack::testing;

namespace {

constexpr const char* kSweep =
    "name: five\nmethod: grid\nprogram: sh\ncommand: [sh, -c, 'exit 0', '${args}']\nparameters: {x: {values: [1, 2, 3, "
    "4, "
    "5]}}\n"
    "memtrack: {interval: 20ms, repeats: 2, order: shuffled}\n";
constexpr const char* kRun = "memtrack sweep five.yaml --local --submission night ";

}  // namespace

TEST_CASE("the shares of a submission are merged into one sweep in which every trial ran once") {
  const Session session;
  session.write_file("five.yaml", kSweep);
  for (const char* share : {"--shard 1/3 --db 1.db", "--shard 2/3 --db 2.db", "--shard 3/3 --db 3.db"}) {
    session.output_of(std::string(kRun) + share);
  }
  session.output_of("memtrack merge 1.db 2.db 3.db");
  CHECK(session.sql("SELECT count(*) FROM sweeps") == "1");
  CHECK(session.sql("SELECT count(*) || ' ' || count(DISTINCT number || ' ' || repeat) FROM trials") == "10 10");
  CHECK(session.sql("SELECT group_concat(DISTINCT state) FROM trials") == "done");
  CHECK(session.output_of("memtrack merge 1.db 2.db 3.db").find("merged") == std::string::npos);
}

TEST_CASE("a share that is run again does what is left of it, and other shares may join it") {
  const Session session;
  session.write_file("five.yaml", kSweep);
  const std::string first = session.output_of(std::string(kRun) + "--shard 1/2");
  CHECK(contains(first, "sweep 1 'five': 5 trials"));
  session.output_of("sqlite3 memtrack.db \"UPDATE trials SET state = 'queued', started_ns = NULL WHERE trial_id = 2\"");
  CHECK(contains(session.output_of(std::string(kRun) + "--shard 1/2"), "sweep 1 'five': 1 trial\n"));
  CHECK(contains(session.output_of(std::string(kRun) + "--shard 1/2"), "sweep 1 'five': 0 trials"));
  CHECK(contains(session.output_of(std::string(kRun) + "--shard 2/2"), "sweep 1 'five': 5 trials"));
  CHECK(session.sql("SELECT group_concat(number || ' ' || repeat, ', ') FROM (SELECT number, repeat FROM trials WHERE "
                    "state = 'done' ORDER BY 1, 2)") == "1 1, 1 2, 2 1, 2 2, 3 1, 3 2, 4 1, 4 2, 5 1, 5 2");
  CHECK(session.sql("SELECT state FROM sweeps") == "done");
}

TEST_CASE("another file or flag is another submission whatever its name") {
  const Session session;
  session.write_file("five.yaml", kSweep);
  session.output_of(std::string(kRun) + "--shard 1/5");
  session.output_of(std::string(kRun) + "--shard 1/5 --repeats 1");
  session.output_of("memtrack sweep five.yaml --local --submission noon --shard 1/5");
  CHECK(session.sql("SELECT count(*) FROM sweeps") == "3");
}

TEST_CASE("a share that cannot be is refused in a sentence, and nothing is stored") {
  const Session session;
  session.write_file("five.yaml", kSweep);
  session.write_file("open.yaml", "method: random\nprogram: sh\nparameters: {x: {min: 0.0, max: 1.0}}\n");
  const struct {
    const char* command;
    const char* told;
  } cases[] = {
      {"memtrack sweep five.yaml --local --submission night --shard 4/3", "'4/3' is no share"},
      {"memtrack sweep five.yaml --local --shard 1/3", "--submission"},
      {"memtrack sweep five.yaml --submission night --shard 1/3", "--local"},
      {"memtrack sweep five.yaml --local --submission night", "--shard"},
      {"memtrack sweep open.yaml --local --submission night --shard 1/3", "has no end, and so no shares"},
      {"memtrack sweep open.yaml --local --submission night --shard 1/3 --dry-run", "has no end, and so no shares"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.command);
    const CommandResult result = session.run(one.command);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.errors, one.told));
    CHECK(session.run("memtrack sql --format csv 'SELECT name FROM sweeps'").output.size() <=
          std::string("name\n").size());
  }
  CHECK(contains(session.output_of(std::string(kRun) + "--shard 2/3 --dry-run"), "Of these share 2 of 3:"));
}
