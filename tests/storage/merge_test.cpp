#include "storage/merge.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "storage/schema.h"
#include "storage/trial_queue.h"
#include "storage/trial_store.h"
#include "tests/small_disk.h"
#include "tests/storage/stored_rows.h"
#include "tests/temporary_directory.h"
#include "tests/text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

namespace fs = std::filesystem;

const int kNewest = static_cast<int>(migrations().size());

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const StorageError& error) {
    return error.what();
  }
  return "";
}

// Every file of a folder with its bytes.
std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

// What trials consist of, ids of one file left out: table -> rows that begin with the trial's uid.
std::map<std::string, std::vector<std::string>> parts_of_trials(SQLite::Database& handle,
                                                                const std::string& condition) {
  const std::set<std::string> own_ids = {"trial_id", "sweep_id", "host_id", "retry_of", "event_id", "metric_id"};
  std::map<std::string, std::vector<std::string>> parts;
  for (auto [relation, columns] : relations(handle)) {
    if (std::find(columns.begin(), columns.end(), "trial_id") == columns.end()) continue;
    std::erase_if(columns, [&](const std::string& name) { return own_ids.contains(name); });
    for (std::string& name : columns) name.insert(0, "x.");
    parts[relation] = rows_of(handle, fmt::format("SELECT t.uid, {} FROM {} x JOIN trials t ON t.trial_id = x.trial_id "
                                                  "WHERE t.{}",
                                                  fmt::join(columns, ", "), relation, condition));
  }
  return parts;
}

constexpr const char* kEnded = "state IN ('done', 'failed')";

// A database with a run of its own, so that ids of others are taken.
struct Target {
  TemporaryDirectory folder;
  fs::path path = folder / "all.db";
  Database database = Database::open_for_writing(path);
  Trial own = insert_run(database, "own", {"true"}, "/", std::chrono::seconds(1));

  std::vector<std::string> rows(const std::string& sql) { return rows_of(database.handle(), sql); }
};

}  // namespace

TEST_CASE("merged trials have all that belongs to them and the same answers as where they come from") {
  Target target;
  const TemporaryDirectory other;
  for (int version = 1; version <= kNewest; ++version) {
    CAPTURE(version);
    const fs::path path = other / fmt::format("{}.db", version);
    make_old_database(path, version);
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE)
        .exec(fmt::format("UPDATE trials SET uid = uid || {0}; UPDATE sweeps SET uid = uid || {0}", version));
    const MergeCount count = merge_database(target.database, path);
    CHECK(count.trials == 3);
    CHECK(count.samples == 14);
    CHECK(count.known_trials == 0);
    CHECK(count.unfinished_trials == 2);
    Database source = Database::open_for_writing(path);
    const std::string of_source = fmt::format("uid LIKE '%{}' AND length(t.uid) = 33 AND t.{}", version, kEnded);
    const auto parts = parts_of_trials(source.handle(), of_source);
    CHECK(parts_of_trials(target.database.handle(), of_source) == parts);
    for (const auto& [relation, rows] : parts) {
      CAPTURE(relation);
      CHECK_FALSE((rows.empty() && !(version == 1 && relation.starts_with("process"))));
    }
    const std::string belonging =
        "SELECT t.uid, s.uid, s.name, s.config, s.created_ns, h.name, h.boot_id, r.uid FROM trials t JOIN sweeps s "
        "USING (sweep_id) LEFT JOIN hosts h USING (host_id) LEFT JOIN trials r ON r.trial_id = t.retry_of WHERE t." +
        of_source;
    CHECK(target.rows(belonging) == rows_of(source.handle(), belonging));
  }
  CHECK(is_sound(target.database.handle()));
  CHECK(target.rows("SELECT name, state FROM sweeps WHERE name = 'own'") == std::vector<std::string>{"own|running"});
  CHECK(target.rows("SELECT count(*) FROM sweeps") == std::vector<std::string>{fmt::format("{}", kNewest + 1)});
  CHECK(target.rows("SELECT DISTINCT s.state = f.state FROM sweeps s JOIN sweep_states f USING (sweep_id)") ==
        std::vector<std::string>{"1"});
  CHECK(target.rows("SELECT count(*) FROM hosts") == std::vector<std::string>{"1"});  // the same machine and boot
}

TEST_CASE("a merge that is done again changes nothing and brings what has ended since") {
  Target target;
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  merge_database(target.database, other / "1.db");
  const Relations all = relations(target.database.handle());
  const auto before = contents(target.database.handle(), all);
  const MergeCount again = merge_database(target.database, other / "1.db");
  CHECK(again.trials == 0);
  CHECK(again.known_trials == 3);
  CHECK(contents(target.database.handle(), all) == before);

  SQLite::Database((other / "1.db").string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE trials SET state = 'done', ended_ns = started_ns + 5 WHERE state = 'running'");
  const MergeCount later = merge_database(target.database, other / "1.db");
  CHECK(later.trials == 1);
  CHECK(later.known_trials == 3);
  CHECK(later.unfinished_trials == 1);
  CHECK(target.rows("SELECT name, state FROM sweeps ORDER BY sweep_id").size() == 3);
  CHECK(is_sound(target.database.handle()));
}

TEST_CASE("nothing of another file's queue is run here") {
  Target target;
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  SQLite::Database((other / "1.db").string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE trials SET state = 'done' WHERE state = 'running'; UPDATE sweeps SET paused = 1");
  merge_database(target.database, other / "1.db");
  CHECK(target.rows("SELECT count(*) FROM trials WHERE state = 'queued'") == std::vector<std::string>{"0"});
  CHECK(target.rows("SELECT count(*) FROM sweeps WHERE next_number IS NOT NULL OR paused") ==
        std::vector<std::string>{"0"});
}

TEST_CASE("a trial that was tried again in both files is merged and stands beside the attempt that is here") {
  Target target;
  const TemporaryDirectory other;
  const fs::path path = other / "1.db";
  Database source = Database::open_for_writing(path);
  const std::string file = "method: list\nprogram: t.py\ntrials: [{x: 1}, {x: 2}]\n";
  insert_sweeps(source, parse_sweep_file(file, "test.yaml", {}), {}, "/", "{}");
  source.handle().exec("UPDATE trials SET state = 'failed', started_ns = 1, ended_ns = 2");
  REQUIRE(retry_failed_trials(source, 1) == std::vector<std::int64_t>{3, 4});
  merge_database(target.database, path);
  const std::string first = target.rows("SELECT trial_id FROM trials WHERE number = 1 AND sweep_id = 2").at(0);
  const std::int64_t here = retry_trial(target.database, std::stoll(first));
  source.handle().exec("UPDATE trials SET state = 'done', started_ns = 3, ended_ns = 4 WHERE state = 'queued'");
  CHECK(merge_database(target.database, path).trials == 2);
  CHECK(target.rows("SELECT trial_id, retry_of FROM trials WHERE number = 1 AND attempt = 2 AND sweep_id = 2") ==
        std::vector<std::string>{fmt::format("{}|{}", here, first), fmt::format("{}|NULL", here + 1)});
  CHECK(target.rows("SELECT r.number FROM trials t JOIN trials r ON r.trial_id = t.retry_of WHERE t.state = 'done'") ==
        std::vector<std::string>{"2"});
  CHECK(is_sound(target.database.handle()));
  CHECK(merge_database(target.database, path).trials == 0);
}

TEST_CASE("the files that are merged stay as they are and nothing is left beside them") {
  for (int version = 1; version <= kNewest; ++version) {
    CAPTURE(version);
    Target target;
    const TemporaryDirectory other;
    make_old_database(other / "a folder's %3f #1?.db", version);
    const auto before = files_in(other.path());
    merge_database(target.database, other / "a folder's %3f #1?.db");
    CHECK((files_in(other.path()) == before));
    for (const auto& [name, bytes] : files_in(target.folder.path())) CHECK(name.starts_with("all.db"));
    CHECK(files_in(target.folder.path()).size() == 3);  // with its two companions
  }
}

TEST_CASE("a database that is being written to is merged as it is at that moment") {
  Target target;
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  Database writer = Database::open_for_writing(other / "1.db");
  writer.handle().exec("BEGIN IMMEDIATE; UPDATE trials SET reason = 'not committed'");
  CHECK(merge_database(target.database, other / "1.db").trials == 3);
  writer.handle().exec("ROLLBACK");
  CHECK(target.rows("SELECT count(*) FROM trials WHERE reason = 'not committed'") == std::vector<std::string>{"0"});
}

TEST_CASE("a file that cannot be merged is refused with one sentence") {
  Target target;
  const TemporaryDirectory other;
  const fs::path path = other / "1.db";
  const auto refusal = [&] { return message_of([&] { check_merge_source(target.path, path); }); };
  const auto change = [&](const std::string& sql) {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec(sql);
  };
  SUBCASE("it is not there") {
    CHECK(contains(refusal(), "there is no file"));
    CHECK_FALSE(fs::exists(path));
  }
  SUBCASE("it is the same file") {
    fs::create_symlink(target.path, path);
    CHECK(contains(refusal(), "into itself"));
  }
  SUBCASE("it is of another program") {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (a)");
    CHECK(contains(refusal(), "of another program"));
  }
  SUBCASE("it is no database") {
    std::ofstream(path) << "trial,used\n1,2\n" << std::string(4096, 'x');
    CHECK(contains(refusal(), "not a database"));
  }
  SUBCASE("it is empty") {
    std::ofstream{path};
    CHECK(contains(refusal(), "is empty"));
  }
  SUBCASE("it is newer") {
    make_old_database(path, kNewest);
    change("PRAGMA user_version = 99");
    CHECK(contains(refusal(), "99"));
    CHECK(contains(refusal(), "use a newer memtrack"));
  }
  SUBCASE("it says a version that it has not wholly") {
    make_old_database(path, 3);
    change("PRAGMA user_version = 4");
    CHECK(contains(refusal(), "its schema version is 4, and view sweep_states is missing"));
  }
  SUBCASE("it lacks a column") {
    make_old_database(path, kNewest);
    change("DROP TRIGGER claimed_trials_share_the_system; ALTER TABLE trials RENAME COLUMN settle_ns TO settled");
    CHECK(contains(refusal(), "is missing"));
  }
  CHECK(target.rows("SELECT count(*) FROM trials") == std::vector<std::string>{"1"});
}

TEST_CASE("a table or an index that a user has added hinders no merge") {
  Target target;
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  SQLite::Database((other / "1.db").string(), SQLite::OPEN_READWRITE)
      .exec("CREATE INDEX mine ON trials (dataset); CREATE TABLE notes (trial_id, note); ANALYZE");
  check_merge_source(target.path, other / "1.db");
  CHECK(merge_database(target.database, other / "1.db").trials == 3);
}

TEST_CASE("a merge that is killed at any of its statements leaves whole trials and is finished by the next") {
  const TemporaryDirectory folder;
  make_old_database(folder / "1.db", kNewest);
  Target reference;
  merge_database(reference.database, folder / "1.db");
  const auto wanted = parts_of_trials(reference.database.handle(), kEnded);
  const auto path = folder / "all.db";
  int nth = 0;
  for (bool killed = true; killed;) {
    CAPTURE(nth);
    for (const char* companion : {"", "-wal", "-shm"}) fs::remove(path.string() + companion);
    { Database::open_for_writing(path); }
    killed = is_killed_at_statement(++nth, [&] {
      Database database = Database::open_for_writing(path);
      merge_database(database, folder / "1.db");
    });
    Database database = Database::open_for_writing(path);
    CHECK(is_sound(database.handle()));
    // How many of them depends on how many its transaction took in time.
    const auto merged = rows_of(database.handle(), fmt::format("SELECT uid FROM trials WHERE {}", kEnded));
    for (const auto& [relation, rows] : parts_of_trials(database.handle(), kEnded)) {
      CAPTURE(relation);
      std::vector<std::string> whole = wanted.at(relation);
      std::erase_if(whole, [&](const std::string& row) {
        return std::find(merged.begin(), merged.end(), row.substr(0, row.find('|'))) == merged.end();
      });
      CHECK(rows == whole);
    }
    merge_database(database, folder / "1.db");
    CHECK(parts_of_trials(database.handle(), kEnded) == wanted);
  }
  CHECK(nth > 30);
}

TEST_CASE("a merge that throws between two trials keeps nothing of its transaction") {
  Target target;
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  const auto stop = [](std::int64_t done, std::int64_t) {
    if (done == 2) throw StorageError("enough", true);
  };
  CHECK_THROWS_AS(merge_database(target.database, other / "1.db", stop), StorageError);
  CHECK(target.rows("SELECT count(*) FROM trials") == std::vector<std::string>{"1"});
  CHECK(merge_database(target.database, other / "1.db").trials == 3);
}

TEST_CASE("a disk without room is told of before anything is merged") {
  const TemporaryDirectory other;
  make_old_database(other / "1.db", kNewest);
  const auto disk = SmallDisk::make("2m");
  if (!disk) {
    MESSAGE("this user may mount nothing here");
    return;
  }
  Target target;
  disk->fill();
  CHECK(contains(message_of([&] { merge_database(target.database, other / "1.db"); }), "make room"));
  disk->make_room();
  CHECK(target.rows("SELECT count(*) FROM trials") == std::vector<std::string>{"1"});
  CHECK(merge_database(target.database, other / "1.db").trials == 3);
}
