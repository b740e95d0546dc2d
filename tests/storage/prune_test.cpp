#include "storage/prune.h"

#include <doctest/doctest.h>

#include <limits>

#include "storage/schema.h"
#include "tests/storage/stored_rows.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr std::int64_t kLater = std::numeric_limits<std::int64_t>::max();

struct Filled {
  TemporaryDirectory folder;
  Database database = open();

  Database open() const {
    make_old_database(folder / "memtrack.db", static_cast<int>(migrations().size()));
    return Database::open_for_writing(folder / "memtrack.db");
  }
  std::vector<std::string> rows(const std::string& sql) { return rows_of(database.handle(), sql); }
};

}  // namespace

TEST_CASE("pruning deletes what was sampled of ended trials and keeps all that was made of it") {
  Filled filled;
  Relations kept = relations(filled.database.handle());
  for (const char* sampled : {"samples", "processes", "process_readings", "process_samples"}) kept.erase(sampled);
  const auto before = contents(filled.database.handle(), kept);
  const auto running = filled.rows("SELECT * FROM samples JOIN process_readings USING (trial_id) WHERE trial_id = 4");
  REQUIRE_FALSE(running.empty());

  const PruneCount expected = count_prunable(filled.database, kLater);
  const PruneCount pruned = prune_samples(filled.database, kLater);
  CHECK(pruned.trials == 2);
  CHECK(pruned.samples == 14);
  CHECK(pruned.process_rows == 6);
  CHECK(expected.trials == pruned.trials);
  CHECK(expected.samples == pruned.samples);
  CHECK(expected.process_rows == pruned.process_rows);

  CHECK(contents(filled.database.handle(), kept) == before);
  CHECK(filled.rows("SELECT * FROM samples JOIN process_readings USING (trial_id)") == running);
  CHECK(filled.rows("SELECT count(*) FROM processes WHERE trial_id <> 4") == std::vector<std::string>{"0"});
  CHECK(is_sound(filled.database.handle()));
  CHECK(prune_samples(filled.database, kLater).trials == 0);
}

TEST_CASE("pruning leaves trials that ended later alone") {
  Filled filled;
  filled.database.handle().exec("UPDATE trials SET ended_ns = ended_ns + 1000 WHERE trial_id = 3");
  const std::int64_t ended = std::stoll(filled.rows("SELECT ended_ns FROM trials WHERE trial_id = 1").front());
  CHECK(count_prunable(filled.database, ended).trials == 0);
  CHECK(prune_samples(filled.database, ended + 1).trials == 1);
  CHECK(filled.rows("SELECT DISTINCT trial_id FROM samples") == std::vector<std::string>{"3", "4"});
}

TEST_CASE("a trial of many samples is pruned in pieces and wholly") {
  Filled filled;
  filled.database.handle().exec(
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 25000) INSERT INTO samples "
      "(trial_id, "
      "time_ns, kind) SELECT 1, i, 'tick' FROM n; "
      "INSERT INTO process_readings (trial_id, time_ns, process) SELECT 1, time_ns / 2, time_ns % 2 FROM samples WHERE "
      "trial_id = 1 AND time_ns <= 25000");
  CHECK(prune_samples(filled.database, kLater).samples == 25014);
  CHECK(filled.rows("SELECT DISTINCT trial_id FROM process_samples") == std::vector<std::string>{"4"});
}

TEST_CASE("pruning that is killed is finished by the next") {
  const TemporaryDirectory folder;
  const auto path = folder / "memtrack.db";
  bool killed = true;
  for (int nth = 1; killed; ++nth) {
    CAPTURE(nth);
    for (const char* companion : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + companion);
    make_old_database(path, static_cast<int>(migrations().size()));
    killed = is_killed_at_statement(nth, [&] {
      Database database = Database::open_for_writing(path);
      prune_samples(database, kLater);
    });
    Database database = Database::open_for_writing(path);
    CHECK(is_sound(database.handle()));
    prune_samples(database, kLater);
    CHECK(rows_of(database.handle(), "SELECT DISTINCT trial_id FROM samples") == std::vector<std::string>{"4"});
  }
}
