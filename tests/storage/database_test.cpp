#include "storage/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "storage/query.h"
#include "storage/schema.h"
#include "storage/sqlite_error.h"
#include "tests/temporary_directory.h"

using memtrack::Database;
using memtrack::StorageError;
using memtrack::testing::TemporaryDirectory;

namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const StorageError& error) {
    return error.what();
  }
  return "";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a new database is WAL, synchronous FULL, marked as ours, and of the newest version") {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "sub/memtrack.db");
  CHECK(database.handle().execAndGet("PRAGMA journal_mode").getString() == "wal");
  CHECK(database.handle().execAndGet("PRAGMA synchronous").getInt() == 2);
  CHECK(database.handle().execAndGet("PRAGMA application_id").getInt() == memtrack::kApplicationId);
  CHECK(database.handle().execAndGet("PRAGMA user_version").getInt() ==
        static_cast<int>(memtrack::migrations().size()));
  CHECK(database.handle().execAndGet("PRAGMA integrity_check").getString() == "ok");
}

TEST_CASE("a new database and its companions are readable by their user alone whatever the umask says") {
  TemporaryDirectory folder;
  const auto path = folder / "memtrack.db";
  const mode_t old_mask = umask(0);
  Database database = Database::open_for_writing(path);
  umask(old_mask);
  for (const char* companion : {"", "-wal", "-shm"}) {
    CAPTURE(companion);
    struct stat status {};
    REQUIRE(stat((path.string() + companion).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a database that its user has opened to others stays so") {
  TemporaryDirectory folder;
  const auto path = folder / "memtrack.db";
  { Database::open_for_writing(path); }
  chmod(path.c_str(), 0640);
  { Database::open_for_writing(path); }
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("opening an existing database again changes nothing in it") {
  TemporaryDirectory folder;
  const auto path = folder / "memtrack.db";
  { Database::open_for_writing(path); }
  const std::string before = read_file(path);
  { Database::open_for_writing(path); }
  CHECK(read_file(path) == before);
}

TEST_CASE("a database of version 1 is brought up to date when it is opened for writing, with its rows") {
  TemporaryDirectory folder;
  const auto path = folder / "memtrack.db";
  {
    SQLite::Database old(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    old.exec(std::string(memtrack::migrations()[0]));
    old.exec("INSERT INTO hosts (name, boot_id) VALUES ('box', 'b')");
    old.exec(
        "INSERT INTO sweeps (uid, name, method, effective_method, config, overrides, seed, state, created_ns) "
        "VALUES ('u', 'mine', 'list', 'list', 'name: mine', '{}', 7, 'running', 5)");
    for (const char* uid : {"'a'", "'b'"}) {
      old.exec(std::string("INSERT INTO trials (uid, sweep_id, number, repeat, state, parameters, settings, command, "
                           "cwd, interval_ns, queued_ns) VALUES (") +
               uid + ", 1, 1, 1, 'queued', '{}', '{}', '[]', '/', 1, 1)");
    }
    old.exec("PRAGMA application_id = " + std::to_string(memtrack::kApplicationId) + "; PRAGMA user_version = 1");
  }
  Database database = Database::open_for_writing(path);
  CHECK(database.handle().execAndGet("PRAGMA user_version").getInt() ==
        static_cast<int>(memtrack::migrations().size()));
  CHECK(database.handle().execAndGet("SELECT name FROM hosts").getString() == "box");
  CHECK_NOTHROW(memtrack::query(database, "SELECT pss_skipped, process_rows_thinned FROM trial_totals"));
  CHECK(database.handle()
            .execAndGet("SELECT name || ' ' || config || ' ' || seed || ' ' || jobs || ' ' || state FROM sweeps")
            .getString() == "mine name: mine 7 1 running");
  CHECK(memtrack::query(database, "SELECT * FROM pragma_foreign_key_check").rows.empty());
  database.handle().exec("UPDATE trials SET state = 'cancelled'");
  CHECK(database.handle().execAndGet("SELECT state FROM sweeps").getString() == "cancelled");
}

TEST_CASE("every table is STRICT and says the units of its figures in .schema") {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  const auto loose = memtrack::query(
      database,
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT "
      "LIKE 'sqlite_%'");
  CHECK(loose.rows.empty());
  const std::string samples =
      database.handle().execAndGet("SELECT sql FROM sqlite_schema WHERE name = 'samples'").getString();
  CHECK(samples.find("bytes where no other unit is named") != std::string::npos);
  const std::string trials =
      database.handle().execAndGet("SELECT sql FROM sqlite_schema WHERE name = 'trials'").getString();
  CHECK(trials.find("memory_limit_bytes /* of the trial's cgroup") != std::string::npos);  // columns added later too
}

TEST_CASE("the relations and columns that users rely on are there") {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  const char* const selects[] = {
      "SELECT host_id, name, boot_id, kernel, cpu_model, cores, mem_total_bytes, cgroup_version FROM hosts",
      "SELECT sweep_id, uid, name, method, effective_method, config, seed, state, created_ns FROM sweeps",
      "SELECT trial_id, uid, sweep_id, host_id, number, repeat, attempt, retry_of, warmup, state, reason, dataset, "
      "learning_rate, epochs, batch_size, hidden_layers, depth, hidden_nodes, parameter_count, parameters, settings, "
      "command, cwd, interval_ns, system_shared, reported_memory_mib, queued_ns, started_ns, ended_ns, exit_code, "
      "term_signal, oom_kill_count, max_rss_bytes, user_ns, system_ns, memory_limit_bytes, settle_ns, baseline_ns, "
      "cgroup FROM trials",
      "SELECT trial_id, time_ns, kind, phase, mem_total_bytes, mem_free_bytes, mem_available_bytes, buffers_bytes, "
      "cached_bytes, sreclaimable_bytes, shmem_bytes, anon_bytes, slab_bytes, dirty_bytes, active_bytes, "
      "swap_total_bytes, swap_free_bytes, pcp_free_bytes, used_bytes, used_psutil_bytes, used_available_bytes, "
      "used_corrected_bytes, tree_rss_bytes, tree_rss_anon_bytes, tree_rss_file_bytes, tree_rss_shmem_bytes, "
      "tree_pss_bytes, tree_pss_anon_bytes, tree_pss_file_bytes, tree_pss_shmem_bytes, tree_uss_bytes, "
      "tree_swap_bytes, "
      "tree_major_faults, process_count, thread_count, cpu_ns, cgroup_bytes FROM samples",
      "SELECT trial_id, time_ns, pid, parent_pid, name, rss_bytes, rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, "
      "peak_rss_bytes, pss_bytes, uss_bytes, swap_bytes, threads, cpu_ns FROM process_samples",
      "SELECT trial_id, epoch, time_ns, train_loss, loss_state, test_accuracy, seconds, tensor_bytes_peak FROM epochs",
      "SELECT trial_id, time_ns, phase, epoch, name, value FROM metrics",
      "SELECT trial_id, time_ns, event, body FROM events",
      "SELECT trial_id, phase, kind, layer, bytes, peak_bytes FROM tensor_memory",
      "SELECT trial_id, tick_count, late_ticks, avg_used_bytes, min_used_bytes, max_used_bytes, avg_used_psutil_bytes, "
      "avg_used_available_bytes, avg_used_corrected_bytes, used_corrected_count, avg_tree_rss_bytes, "
      "avg_tree_rss_anon_bytes, avg_tree_pss_bytes, tree_pss_count, baseline_used_bytes, baseline_used_psutil_bytes, "
      "baseline_used_available_bytes, baseline_used_corrected_bytes, peak_rss_bytes, peak_rss_upper_bytes, "
      "peak_cgroup_bytes, peak_anon_bytes, peak_source FROM trial_memory",
      "SELECT trial_id, phase, seconds, tick_count, avg_used_bytes, avg_tree_rss_bytes, avg_tree_pss_bytes, "
      "peak_rss_bytes, peak_anon_bytes, peak_source FROM phase_memory"};
  for (const char* select : selects) {
    CHECK_NOTHROW(memtrack::query(database, select));
  }
}

TEST_CASE("a database that cannot be used is refused with the reason and the next step, and left as it is") {
  TemporaryDirectory folder;
  const auto path = folder / "other.db";
  SUBCASE("of another program") {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (a)");
    const std::string before = read_file(path);
    CHECK(message_of([&] { Database::open_for_writing(path); }).find("of another program") != std::string::npos);
    CHECK(message_of([&] { Database::open_for_reading(path); }).find("--db") != std::string::npos);
    CHECK(read_file(path) == before);
  }
  SUBCASE("of a newer version: both numbers are said") {
    { Database::open_for_writing(path); }
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
    const std::string message = message_of([&] { Database::open_for_writing(path); });
    CHECK(message.find("99") != std::string::npos);
    CHECK(message.find(fmt::format("up to {}", memtrack::migrations().size())) != std::string::npos);
  }
  SUBCASE("not SQLite at all") {
    std::ofstream(path) << std::string(4096, 'x');
    CHECK(message_of([&] { Database::open_for_writing(path); }).find("not a database") != std::string::npos);
    CHECK(message_of([&] { Database::open_for_writing(path); }).find("sqlite3 FILE .recover") != std::string::npos);
    CHECK(read_file(path) == std::string(4096, 'x'));
  }
  SUBCASE("damaged behind its first page") {
    { Database::open_for_writing(path); }
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(4096) << std::string(65536, 'x');
    const auto use = [&] {
      Database database = Database::open_for_writing(path);
      memtrack::query(database, "SELECT * FROM trials");
    };
    CHECK(message_of(use).find("sqlite3 FILE .recover") != std::string::npos);
  }
  SUBCASE("missing, where it is only read") {
    CHECK(message_of([&] { Database::open_for_reading(path); }).find("memtrack run") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path));
  }
}

TEST_CASE("a reader cannot write, by SQL or by pragma") {
  TemporaryDirectory folder;
  { Database::open_for_writing(folder / "memtrack.db"); }
  Database reader = Database::open_for_reading(folder / "memtrack.db");
  for (const char* sql : {"DELETE FROM trials", "INSERT INTO phases VALUES (1, 'a', 1)", "DROP TABLE samples",
                          "PRAGMA user_version = 7", "SELECT 1; DELETE FROM trials", "VACUUM"}) {
    CAPTURE(sql);
    CHECK_THROWS_AS(memtrack::query(reader, sql), StorageError);
  }
}

TEST_CASE("a wrong query is answered with SQLite's own words, and trying again will not help") {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  try {
    memtrack::query(database, "SELECT colour FROM trials");
    FAIL("a wrong query was answered");
  } catch (const StorageError& error) {
    CHECK_FALSE(error.is_transient());
    CHECK(std::string(error.what()) ==
          "cannot answer the query: no such column: colour (" + (folder / "memtrack.db").string() + ")");
  }
}

TEST_CASE(
    "of what SQLite reports what others do and what is full may pass, what is damaged does not, and each says so") {
  struct Row {
    int code;
    bool may_pass;
    const char* remedy;
  };
  const char* const held = "; another program holds it: wait for that, or end it";
  const char* const damaged =
      "; it is damaged or no database: move it away and put a copy in its place, or rescue what is in it with "
      "'sqlite3 FILE .recover'";
  const Row rows[] = {
      {SQLITE_BUSY, true, held},
      {SQLITE_LOCKED, true, held},
      {SQLITE_PROTOCOL, true, held},
      {SQLITE_FULL, true, "; make room on its disk"},
      {SQLITE_READONLY, true, "; see that it, its folder and its file system may be written"},
      {SQLITE_IOERR, true, "; its disk may be full or failing: the system's log knows"},
      {SQLITE_CANTOPEN, true, "; see that its folder may be written, and that the program has descriptors left"},
      {SQLITE_NOMEM, true, ""},
      {SQLITE_CORRUPT, false, damaged},
      {SQLITE_NOTADB, false, damaged},
      {SQLITE_CONSTRAINT, false, ""},
      {SQLITE_ERROR, false, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.code);
    const StorageError error = memtrack::to_storage_error(SQLite::Exception("so", row.code), "write", "/x.db");
    CHECK(error.is_transient() == row.may_pass);
    CHECK(error.what() == fmt::format("cannot write: so (/x.db){}", row.remedy));
  }
}

TEST_CASE("uids are 32 hexadecimal digits and differ") {
  const std::string one = memtrack::make_uid();
  CHECK(one.size() == 32);
  CHECK(one.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(one != memtrack::make_uid());
}
