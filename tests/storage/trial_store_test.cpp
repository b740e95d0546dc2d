#include "storage/trial_store.h"

#include <doctest/doctest.h>

#include "storage/query.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

namespace {

constexpr const char* kSweep = R"(
name: four
method: grid
parameters:
  dataset: {value: mnist}
  learning_rate: {values: [0.001, 0.01]}
  hidden_layers: {values: [[128, 64], [32]]}
memtrack: {order: listed, interval: 100ms, timeout: 2h}
)";

struct Store {
  TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");

  std::int64_t submit(const std::string& yaml = kSweep) {
    return insert_sweeps(database, parse_sweep_file(yaml, "f.yaml", {}),
                         {.environment = {}, .trainer = "/x/memtrack-trainer"}, "/work", "{}")
        .at(0)
        .sweep_id;
  }
  std::string state_of_sweep(std::int64_t sweep_id) {
    return std::get<std::string>(
        query(database, "SELECT state FROM sweeps WHERE sweep_id = ?1", {sweep_id}).rows.at(0).at(0));
  }
};

}  // namespace

TEST_CASE("a submitted sweep is queued with one row a trial and its hyperparameters in columns") {
  Store store;
  const std::int64_t sweep_id = store.submit();
  const ResultTable rows = query(store.database,
                                 "SELECT number, state, learning_rate, hidden_layers, depth, hidden_nodes, "
                                 "parameter_count, interval_ns, timeout_ns, cwd FROM trials ORDER BY trial_id");
  REQUIRE(rows.rows.size() == 4);
  CHECK(rows.rows[0] == std::vector<Value>{std::int64_t{1}, "queued", 0.001, "[128,64]", std::int64_t{2},
                                           std::int64_t{192}, std::int64_t{109386}, std::int64_t{100'000'000},
                                           std::int64_t{7'200'000'000'000}, "/work"});
  CHECK(store.state_of_sweep(sweep_id) == "queued");
}

TEST_CASE("a memory limit goes with each trial of its sweep, and with a run") {
  Store store;
  store.submit("name: one\nmethod: list\ntrials: [{epochs: 1}]\nmemtrack: {memory_limit: 2GiB}\n");
  CHECK(query(store.database, "SELECT memory_limit_bytes, settings ->> '$.memory_limit' FROM trials").rows.at(0) ==
        std::vector<Value>{std::int64_t{2} << 30, "2GiB"});
  CHECK(find_trial(store.database, 1).memory_limit_bytes == std::int64_t{2} << 30);
  CHECK(insert_run(store.database, "test", {"true"}, "/", std::chrono::seconds(1), 5 << 20).memory_limit_bytes ==
        5 << 20);
  CHECK_FALSE(insert_run(store.database, "test", {"true"}, "/", std::chrono::seconds(1)).memory_limit_bytes);
}

TEST_CASE("a sweep is found by its id, by its name (the latest of that name), or as the latest") {
  Store store;
  CHECK_FALSE(find_sweep(store.database, ""));
  const std::int64_t first = store.submit();
  const std::int64_t second = store.submit();
  CHECK(find_sweep(store.database, "") == second);
  CHECK(find_sweep(store.database, "four") == second);
  CHECK(find_sweep(store.database, std::to_string(first)) == first);
  CHECK_FALSE(find_sweep(store.database, "five"));
}

TEST_CASE("a submission that breaks off leaves nothing behind") {
  Store store;
  const auto sweeps = parse_sweep_file(kSweep, "f.yaml", {});
  const ExpansionContext context{.environment = {}, .trainer = "/x/memtrack-trainer"};
  const auto fail = [](const std::vector<SubmittedSweep>& submitted) {
    CHECK(submitted.at(0).trial_count == 4);
    throw std::runtime_error("the disk is full");
  };
  CHECK_THROWS_WITH(insert_sweeps(store.database, sweeps, context, "/work", "{}", fail), "the disk is full");
  CHECK(query(store.database, "SELECT * FROM sweeps").rows.empty());
  CHECK(query(store.database, "SELECT * FROM trials").rows.empty());
}

TEST_CASE("a run is a trial of its own sweep, already running") {
  Store store;
  const Trial trial = insert_run(store.database, "mine", {"echo", "a b"}, "/tmp", std::chrono::seconds(1));
  CHECK(trial.state == TrialState::running);
  CHECK(trial.command == std::vector<std::string>{"echo", "a b"});
  CHECK(store.state_of_sweep(trial.sweep_id) == "running");
  CHECK_THROWS_WITH_AS(find_trial(store.database, 99), doctest::Contains("there is no trial 99"), StorageError);
}
