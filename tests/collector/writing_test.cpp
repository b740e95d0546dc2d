// What becomes of a trial whose database cannot be written for a while: the trial goes on, what was measured meanwhile
// comes later, and what had to be given up is counted.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "collector/trial_writer.h"
#include "sweeps/event.h"
#include "tests/collector/collected_trial.h"
#include "tests/no_descriptors.h"
#include "tests/small_disk.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// Makes a file unchangeable, also through descriptors that are open. False: not here, or not by this user.
bool set_immutable(const fs::path& path, bool immutable) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int flags = 0;
  const bool known = ioctl(file, FS_IOC_GETFLAGS, &flags) == 0;
  flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  const bool done = known && ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
  close(file);
  return done;
}

bool can_make_open_files_immutable(const fs::path& folder) {
  const fs::path path = folder / "probe";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const bool done = set_immutable(path, true);
  const bool refused = write(file, "x", 1) < 0;
  set_immutable(path, false);
  close(file);
  return done && refused;
}

std::vector<std::string> until_told() {
  return {"sh", "-c", "while [ ! -e end ]; do sleep 0.01; done; exit 3"};
}

void tell(CollectedTrial& trial) {
  std::ofstream(trial.path("end")) << "";
}

// Of a process, by its own page tables.
[[maybe_unused]] double private_mib(pid_t pid) {
  const std::string smaps = read_file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  const std::size_t line = smaps.find("Private_Dirty:");
  return line == std::string::npos ? 0 : std::stod(smaps.substr(line + std::strlen("Private_Dirty:"))) / 1024;
}

// Returns when the collector has it.
void send_event(const CollectedTrial& trial, std::string_view event) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  trial.event_socket().string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(connect(sender, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(send(sender, event.data(), event.size(), 0) == static_cast<ssize_t>(event.size()));
  CHECK(wait_until([&] {
    int unread = 1;
    return ioctl(sender, SIOCOUTQ, &unread) == 0 && unread == 0;
  }));
  close(sender);
}

// While it lives, this process may take that much address space beyond what it has.
class [[maybe_unused]] MemoryLimit {
 public:
  explicit MemoryLimit(rlim_t room_bytes) {
    const rlim_t now_bytes = std::stoull(read_file("/proc/self/statm")) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
    const rlimit limit{.rlim_cur = now_bytes + room_bytes, .rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &before_);
    setrlimit(RLIMIT_AS, &limit);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

std::string samples(CollectedTrial& trial) {
  return trial.sql("SELECT count(*) FROM samples");
}

// From the start to the end each tick is a sample, late or thinned. A sample's time is a little behind its tick's, more
// on a busy machine.
void check_all_ticks_are_accounted_for(CollectedTrial& trial, std::chrono::nanoseconds interval) {
  const double elapsed_ns = trial.number(
      "SELECT time_ns - (SELECT time_ns FROM samples WHERE kind = 'start') FROM samples WHERE kind = 'final'");
  const double accounted = trial.number(
      "SELECT (SELECT count(*) FROM samples WHERE kind = 'tick') + late_ticks + samples_thinned FROM trial_totals");
  CHECK(std::abs(accounted * static_cast<double>(interval.count()) - elapsed_ns) < 300e6);
}

}  // namespace

TEST_CASE("a disk that is full for a while costs no sample, and the exit code is the command's") {
  const auto disk = SmallDisk::make("16m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  CollectedTrial trial(until_told(), {.interval = 10ms});
  trial.start();
  REQUIRE(wait_until([&] { return samples(trial) != "0"; }));
  disk->fill();
  const std::string before = samples(trial);
  std::this_thread::sleep_for(2s);  // what is tested is the time
  CHECK(samples(trial) == before);
  disk->make_room();
  CHECK(wait_until([&] { return samples(trial) != before; }));
  tell(trial);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT exit_code FROM trials") == "3");
  CHECK(trial.sql("SELECT samples_thinned FROM trial_totals") == "0");
  check_all_ticks_are_accounted_for(trial, 10ms);
  CHECK(trial.sql("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a trial that ends while the disk is full is recorded when there is room again") {
  const auto disk = SmallDisk::make("16m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  CollectedTrial trial(until_told(), {.interval = 10ms});
  trial.start();
  REQUIRE(wait_until([&] { return samples(trial) != "0"; }));
  disk->fill();
  tell(trial);
  CHECK(wait_until([&] { return !trial.has_processes(); }));
  CHECK(trial.state() == "running");
  disk->make_room();
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "failed");
  CHECK(trial.sql("SELECT exit_code FROM trials") == "3");
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE kind = 'final'") == "1");
  check_all_ticks_are_accounted_for(trial, 10ms);
}

TEST_CASE("files that cannot be written for a while cost no sample") {
  CollectedTrial trial(until_told(), {.interval = 10ms});
  if (!can_make_open_files_immutable(trial.path("."))) {
    MESSAGE("files cannot be made immutable here: not tested");
    return;
  }
  trial.start();
  REQUIRE(wait_until([&] { return samples(trial) != "0"; }));
  const std::vector<fs::path> files = {trial.path("memtrack.db"), trial.path("memtrack.db-wal")};
  for (const fs::path& file : files) {
    CHECK(set_immutable(file, true));
  }
  const std::string before = samples(trial);
  std::this_thread::sleep_for(2s);  // what is tested is the time
  CHECK(samples(trial) == before);
  for (const fs::path& file : files) {
    CHECK(set_immutable(file, false));
  }
  CHECK(wait_until([&] { return samples(trial) != before; }));
  tell(trial);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT exit_code FROM trials") == "3");
  CHECK(trial.sql("SELECT samples_thinned FROM trial_totals") == "0");
  check_all_ticks_are_accounted_for(trial, 10ms);
}

TEST_CASE("what does not fit into memory while the database is locked is thinned and counted") {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  const Trial trial = insert_run(database, "test", {"true"}, "/", 100ms);
  TrialRecorder recorder(Database::open_for_writing(folder / "memtrack.db", 10ms), trial.trial_id);
  recorder.begin({.started_ns = 1});
  TrialLog log({}, 0);
  TrialWriter writer(recorder, log, {.queue_bytes = 1000 * sizeof(Sample), .timing = {.gather = 10ms, .retry = 10ms}});
  const std::int64_t count = 20'000;
  database.handle().exec("BEGIN IMMEDIATE");
  for (std::int64_t i = 1; i <= count; ++i) {
    Sample sample;
    sample.kind = i == 1 ? SampleKind::start : SampleKind::tick;
    sample.time_ns = i;
    writer.add(std::move(sample), {});
  }
  database.handle().exec("ROLLBACK");
  CHECK_FALSE(writer.finish({.state = TrialState::done, .ended_ns = count + 1}, 60s));
  const auto number = [&](const std::string& sql) {
    return std::get<std::int64_t>(query(database, sql).rows.at(0).at(0));
  };
  const std::int64_t thinned = number("SELECT samples_thinned FROM trial_totals");
  CHECK(thinned > 0);
  CHECK(number("SELECT count(*) FROM samples") + thinned == count);
  CHECK(number("SELECT count(*) FROM samples WHERE kind = 'start'") == 1);
  CHECK(number("SELECT max(time_ns) FROM samples") == count);
  CHECK(number("SELECT sum(sample_count) FROM memory_totals") == count - thinned);
}

TEST_CASE("what waited in memory while the database was locked is given back afterwards") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  MESSAGE("the sanitizer's memory is not the program's: not tested");
#else
  CollectedTrial trial(until_told(), {.interval = 1ms});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.number("SELECT count(*) FROM samples") > 1000; }));
  const double before = private_mib(collector);
  trial.database().handle().exec("BEGIN IMMEDIATE");
  CHECK(wait_until([&] { return private_mib(collector) > before + 2; }));
  trial.database().handle().exec("ROLLBACK");
  CHECK(wait_until([&] { return private_mib(collector) < before + 1; }));
  tell(trial);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT samples_thinned FROM trial_totals") == "0");
#endif
}

TEST_CASE("a collector that cannot go on ends its trial with all that it has measured") {
  CollectedTrial trial(until_told(), {.interval = 10ms});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT max(peak_rss_bytes) FROM trial_totals") != "NULL"; }));
  trial.database().handle().exec("BEGIN IMMEDIATE");
  send_event(trial, R"({"event":"metric","name":"in memory","value":1})");
  // Fewer than it waits for: the kernel refuses.
  const rlimit too_few{.rlim_cur = 1, .rlim_max = 1};
  REQUIRE(prlimit(collector, RLIMIT_NOFILE, &too_few, nullptr) == 0);
  trial.database().handle().exec("ROLLBACK");
  CHECK(trial.wait() == kEndWithoutDescriptors);
  CHECK(trial.state() == "failed");
  CHECK(trial.reason() == "cannot wait: Invalid argument");
  CHECK(trial.sql("SELECT count(*) FROM metrics WHERE name = 'in memory'") == "1");
  CHECK(trial.sql("SELECT peak_rss_bytes > 0 AND peak_source IS NOT NULL FROM trial_totals") == "1");
  CHECK(wait_until([&] { return !trial.has_processes(); }));
}

TEST_CASE("a batch that cannot be written for want of memory is kept and ends nothing") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  MESSAGE("the sanitizer's memory is not the program's: not tested");
#else
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  const Trial trial = insert_run(database, "test", {"true"}, "/", 100ms);
  TrialRecorder recorder(Database::open_for_writing(folder / "memtrack.db", 10ms), trial.trial_id);
  recorder.begin({.started_ns = 1});
  TrialLog log({}, 0);
  TrialWriter writer(recorder, log, {.timing = {.gather = 1h, .interval = 100ms}});
  ReceivedEvent event{.time_ns = 1, .event = decode_event(encode_metric({.name = "loss", .value = 1, .epoch = {}}))};
  event.phase = std::string(std::size_t{64} << 20, 'x');  // is copied to be written
  writer.add(std::move(event));
  const MemoryLimit limit(rlim_t{16} << 20);
  CHECK(writer.finish({.state = TrialState::done, .ended_ns = 2}, 0s) == "std::bad_alloc");
  CHECK(query(database, "SELECT state FROM trials").rows[0][0] == Value(std::string("running")));
#endif
}

TEST_CASE("ticks that a stopped collector missed are counted, and the command goes on") {
  CollectedTrial trial(until_told(), {.interval = 10ms});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return samples(trial) != "0"; }));
  kill(collector, SIGSTOP);
  std::this_thread::sleep_for(1s);  // what is tested is the time
  const std::string of_later = "SELECT count(*) FROM samples WHERE time_ns > " + std::to_string(now_ns());
  kill(collector, SIGCONT);
  CHECK(wait_until([&] { return trial.sql(of_later) != "0"; }));
  tell(trial);
  CHECK(trial.wait() == 0);
  CHECK(trial.sql("SELECT exit_code FROM trials") == "3");
  CHECK(trial.number("SELECT late_ticks FROM trial_totals") >= 90);
  check_all_ticks_are_accounted_for(trial, 10ms);
}

TEST_CASE("ticks that a stopped collector missed are counted also where the command ended meanwhile") {
  CollectedTrial trial(until_told(), {.interval = 10ms});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return samples(trial) != "0"; }));
  kill(collector, SIGSTOP);
  tell(trial);
  CHECK(wait_until([&] { return !trial.has_processes(); }));
  std::this_thread::sleep_for(1s);  // what is tested is the time
  kill(collector, SIGCONT);
  CHECK(trial.wait() == 0);
  CHECK(trial.number("SELECT late_ticks FROM trial_totals") >= 90);
  check_all_ticks_are_accounted_for(trial, 10ms);
}

TEST_CASE("an interval of 1 ms is kept, and what was missed is counted") {
  CollectedTrial trial({"sleep", "2"}, {.interval = 1ms});
  CHECK(trial.run() == 0);
  check_all_ticks_are_accounted_for(trial, 1ms);
  CHECK(trial.number("SELECT tick_count + late_ticks FROM trial_memory") >= 1700);
}

TEST_CASE("an interval of 24 h has the first and the last sample of a shorter trial") {
  CollectedTrial trial({"sleep", "0.2"}, {.interval = 24h});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT group_concat(kind, ' ') FROM (SELECT kind FROM samples ORDER BY time_ns)") == "start final");
  CHECK(trial.sql("SELECT late_ticks FROM trial_totals") == "0");
}
