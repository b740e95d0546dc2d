// The real program, as a user types it.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "storage/trial_queue.h"
#include "sweeps/event.h"
#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

std::int64_t count_lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

// The database of a recorded sweep as the session's own.
void use(const Session& session, RecordedSweep& sweep) {
  session.output_of(
      fmt::format("sqlite3 {} \"VACUUM INTO 'memtrack.db'\" && sqlite3 memtrack.db 'PRAGMA journal_mode "
                  "= WAL' && sqlite3 -readonly {} 'PRAGMA user_version' | xargs -I V sqlite3 memtrack.db "
                  "'PRAGMA user_version = V'",
                  sweep.path().string(), sweep.path().string()));
}

// A datagram socket as a collector has it.
class EventSocket {
 public:
  explicit EventSocket(const std::filesystem::path& path) : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~EventSocket() { close(descriptor_); }
  EventSocket(const EventSocket&) = delete;
  EventSocket& operator=(const EventSocket&) = delete;

  // What waits there; empty: nothing.
  std::string take() {
    std::array<char, kMaxEventBytes> buffer{};
    const ssize_t size = recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size <= 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int descriptor_;
};

}  // namespace

TEST_CASE("every command has a help with an example") {
  const Session session;
  std::istringstream manual(session.output_of("memtrack completion manual"));
  std::vector<std::string> commands;
  for (std::string line; std::getline(manual, line);) {
    if (line.starts_with("### memtrack")) commands.push_back(line.substr(4));
  }
  CHECK(commands.size() > 30);
  for (const std::string& command : commands) {
    CAPTURE(command);
    const CommandResult help = session.run(command + " --help");
    CHECK(help.exit_code == 0);
    CHECK(contains(help.output, "Examples:\n  memtrack "));
    CHECK(help.errors.empty());
  }
  CHECK(session.output_of("memtrack --version") == "memtrack " MEMTRACK_VERSION "\n");
}

TEST_CASE("wrong usage gets one line and exit code 2, of run 125") {
  const Session session;
  session.write_file("s.yaml", "method: grid\nparameters: {epochs: {value: 1}}\n");
  const struct {
    const char* command;
    int exit_code;
    const char* message;
  } cases[] = {
      {"memtrack", 2, "subcommand"},
      {"memtrack sweeep s.yaml", 2, "did you mean 'sweep'?"},
      {"memtrack report --formt csv", 2, "--formt"},
      {"memtrack report --format xml", 2, "table, markdown, latex, html, csv or json"},
      {"memtrack report --metric rss", 2, "tree_rss"},
      {"memtrack report --statistic most", 2, "mean, median, p95 or peak"},
      {"memtrack report --form wide", 2, "full, columns or apart"},
      {"memtrack report --filter depth", 2, "NAME=VALUE"},
      {"memtrack report --metric tree_pss --minus-baseline", 2, "the trial's own"},
      {"memtrack report", 2, "there is no database"},
      {"memtrack sql --format xml", 2, "table, markdown, csv or json"},
      {"memtrack logs one", 2, "TRIAL"},
      {"memtrack sweep nothing.yaml", 2, "cannot read the sweep file nothing.yaml: No such file"},
      {"memtrack sweep .", 2, "it is a folder"},
      {"memtrack sweep s.yaml --set epochs", 2, "--set epochs is no name=value"},
      {"memtrack sweep s.yaml --repeats many", 2, "--repeats"},
      {"memtrack sweep s.yaml --dry-run --interval fast", 2, "fast"},
      {"memtrack cancel 1 --trial 2", 2, "not both"},
      {"memtrack log epoch=one", 2, "whole number"},
      {"memtrack datasets verify mist", 2, "mnist"},
      {"memtrack datasets download mnist --mirror ftp://host", 2, "would have to be like http://host/data"},
      {"MEMTRACK_MIRROR=host memtrack datasets download", 2, "would have to be like http://host/data"},
      {"memtrack datasets download mist", 2, "mnist"},
      {"memtrack sweep s.yaml", 3, "memtrack daemon start"},
      {"memtrack cancel", 3, "memtrack daemon start"},
      {"memtrack attach", 2, "PID is required"},
      {"memtrack attach python3", 2, "PID is 'python3', and would have to be the number of a process"},
      {"memtrack attach 0", 2, "PID is '0'"},
      {"memtrack attach 4294967297", 2, "PID is '4294967297'"},
      {"memtrack attach 1 --interval 1us", 2, "between 1ms and 24h"},
      {"sleep 0 & wait; memtrack attach $!", 2, "there is no process"},
      {"exec memtrack attach $$", 2, "is this memtrack itself"},
      {"memtrack run", 125, "no command to measure"},
      {"memtrack run --interval never -- true", 125, "never"},
      {"memtrack run --interval 1us -- true", 125, "between 1ms and 24h"},
      {"memtrack run --intervall 1s -- true", 125, "--intervall"},
      {"memtrack run --interval 25h -- true", 125, "between 1ms and 24h"},
      {"memtrack run --interval 0s -- true", 125, "between 1ms and 24h"},
      {"memtrack run --db s.yaml/memtrack.db -- true", 125, "name another file with --db"},
      {"memtrack run --db /proc/none/memtrack.db -- true", 125, "name another file with --db"},
      {"memtrack run --db . -- true", 125, "is a folder; name another file with --db"},
      {"XDG_RUNTIME_DIR=$PWD/$(printf '%0100d' 0) memtrack run -- true", 125, "at most 107"},
  };
  for (const auto& wrong : cases) {
    CAPTURE(wrong.command);
    const CommandResult result = session.run(wrong.command);
    CHECK(result.exit_code == wrong.exit_code);
    CHECK(result.output.empty());
    CHECK(contains(result.errors, wrong.message));
    CHECK(count_lines(result.errors) == 1);
  }
  CHECK_FALSE(std::filesystem::exists(session.folder() / "memtrack.db"));
}

TEST_CASE("the dry run shows the trials, and needs no daemon and no database") {
  const Session session;
  session.write_file("s.yaml", list_sweep() +
                                   "---\nname: second\nmethod: grid\nprogram: train.py\n"
                                   "parameters: {lr: {values: [0.1, 0.2]}}\n");
  const std::string text = session.output_of("memtrack sweep s.yaml --dry-run");
  CHECK(contains(text, "Sweep 'small list' (list): 3 trials, interval 100ms, order listed"));
  CHECK(contains(text, "285-389-423-173-61"));
  CHECK(contains(text, "2516.31"));
  CHECK(contains(text, "In all trials: dataset mnist, optimizer adam, seed 0\n"));
  CHECK(contains(text, "Sweep 'second' (grid): 2 trials"));
  CHECK(contains(text, "train.py --lr=0."));
  const auto trials = nlohmann::json::parse(session.output_of("memtrack sweep s.yaml --dry-run --json --set epochs=3"));
  REQUIRE(trials.size() == 5);
  CHECK(trials[0]["parameters"]["epochs"] == 3);
  CHECK(trials[0]["command"].is_array());
  CHECK(session.output_of("memtrack sweep - --dry-run < s.yaml") == text);
  CHECK_FALSE(std::filesystem::exists(session.folder() / "memtrack.db"));
}

TEST_CASE("a dry run of many trials streams") {
  const Session session;
  session.write_file("s.yaml",
                     "method: grid\nprogram: p\nparameters: {a: {min: 1, max: 100}, b: {min: 1, max: 50}}\n"
                     "memtrack: {order: listed}\n");
  CHECK(count_lines(session.output_of("memtrack sweep s.yaml --dry-run")) == 5000 + 4);
  CHECK(session.output_of("memtrack sweep s.yaml --dry-run | head -n 1") ==
        "Sweep 's' (grid): 5000 trials, interval 5s, order listed, seed 0\n");
}

TEST_CASE("sql answers in four formats, reads only, and tells SQLite's own errors") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  use(session, sweep);
  const std::string ask = "memtrack sql \"SELECT number, batch_size, reason FROM trials ORDER BY number LIMIT 2\"";
  CHECK(session.output_of(ask) ==
        "number  batch_size  reason\n------  ----------  ------\n     1           8    NULL\n     2          40    "
        "NULL\n");
  CHECK(session.output_of(ask + " --format csv") == "number,batch_size,reason\n1,8,\n2,40,\n");
  CHECK(session.output_of(ask + " --format json") ==
        "[\n{\"number\":1,\"batch_size\":8,\"reason\":null},\n{\"number\":2,\"batch_size\":40,\"reason\":null}\n]\n");
  CHECK(session.output_of(ask + " --format markdown") ==
        "| number | batch_size | reason |\n| --- | --- | --- |\n| 1 | 8 | NULL |\n| 2 | 40 | NULL |\n");
  for (const auto& [sql, message] :
       {std::pair{"SELECT colour FROM trials", "no such column: colour"}, std::pair{"SELEC 1", "syntax error"},
        std::pair{"DELETE FROM trials", "only read"}, std::pair{"SELECT 1; SELECT 2", "one statement"}}) {
    CAPTURE(sql);
    const CommandResult result = session.run(fmt::format("memtrack sql \"{}\"", sql));
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    CHECK(contains(result.errors, message));
    CHECK(count_lines(result.errors) == 1);
  }
  CHECK(session.sql("SELECT count(*) FROM trials") == "3");
}

TEST_CASE("who reads only the beginning harms nothing") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  use(session, sweep);
  const std::string many =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT i FROM n";
  for (const char* format : {"csv", "json", "table", "markdown"}) {
    CAPTURE(format);
    const CommandResult result = session.run(
        fmt::format("(memtrack sql --format {} \"{}\"; echo $? >code) | head -n 2 >/dev/null", format, many));
    CHECK(result.errors.empty());
    CHECK(session.output_of("cat code") == "0\n");
  }
  CHECK(contains(session.run("memtrack sql 'SELECT 1' >/dev/full").errors, "No space left"));
}

TEST_CASE("a report is filtered and sorted and grouped and told of one phase") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  for (const std::int64_t mib : {1000, 2000, 1500}) {
    sweep.record({.used_mib = std::vector<std::int64_t>(10, mib)});
  }
  use(session, sweep);
  CHECK(session.output_of("memtrack report --format csv --sort=-memory --filter 'batch_size<60' | cut -d, -f2") ==
        "number\n2\n1\n");
  const std::string grouped = session.output_of("memtrack report --group-by dataset");
  CHECK(contains(grouped, "1500.00 ± 1242.07"));  // sd 500, t(0.975, 2) / sqrt(3) = 2.484138
  CHECK(contains(grouped, "of phase train"));
  CHECK(contains(session.output_of("memtrack report --group-by dataset --whole-trial"), "the paper's form"));
  const auto json = nlohmann::json::parse(session.output_of("memtrack report --group-by dataset --format json"));
  REQUIRE(json.size() == 1);
  CHECK(json[0]["trials"] == 3);
  CHECK(json[0]["sd_mib"] == 500.0);
  CHECK(contains(session.output_of("memtrack report --format latex"), "\\begin{tabular}{rrrrlrrrlrr}"));
  CHECK(contains(session.output_of("memtrack report --form apart"), "Layer 5"));
  for (const auto& [options, message] :
       {std::pair{"--phase trian", "did you mean 'train'?"},
        std::pair{"--group-by batchsize", "did you mean 'batch_size'?"},
        std::pair{"--sort=-depht", "did you mean 'depth'?"}, std::pair{"--filter depth=9", "no trial of sweep 1"}}) {
    CAPTURE(options);
    const CommandResult result = session.run(fmt::format("memtrack report {}", options));
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    CHECK(contains(result.errors, message));
  }
}

TEST_CASE("a report comes in four formats") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1000, 1001}, .test_accuracy = 0.9123, .peak_source = "kernel"});
  use(session, sweep);
  const std::string table = session.output_of("memtrack report");
  CHECK(contains(table, "1000.33*"));
  CHECK(contains(table, "2516.31"));
  CHECK(contains(session.output_of("COLUMNS=200 memtrack report"), "accuracy"));
  const std::string markdown = session.output_of("memtrack report 'small list' --format markdown");
  CHECK(contains(markdown, "| 1 | 0.7886 | 18 | 8 | 285-389-423-173-61 | 1000.33* | 2516.31 | 3 | done |"));
  const std::string csv = session.output_of("memtrack report 1 --format csv --metric tree_rss");
  CHECK(count_lines(csv) == 4);
  CHECK(contains(csv, ",tree_rss,104857600.0,100.0,3,3,100000000,2516.309735,"));
  const auto json = nlohmann::json::parse(session.output_of("memtrack report --format json"));
  REQUIRE(json.size() == 3);
  CHECK(json[0]["memory_bytes"].get<double>() == 3001.0 * kMiB / 3);
  CHECK(session.run("memtrack report nothing").exit_code == 2);
}

TEST_CASE("status counts, and tells a trial without its collector as lost") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000}});
  const std::string uid = claim_next_trial(sweep.database(), std::nullopt).trial.value().uid;
  use(session, sweep);
  const std::string text = session.output_of("memtrack status");
  CHECK(contains(text, "1 queued, 1 running, 1"));
  CHECK(contains(text, "trial 2 of sweep 1 (number 2): lost (not yet recovered)"));
  const std::string locked =
      session.output_of(fmt::format("flock run/memtrack/{}.lock memtrack status --json 'small list'", uid));
  const auto json = nlohmann::json::parse(locked);
  CHECK(json["sweeps"][0]["trials"] == nlohmann::json({{"queued", 1}, {"running", 1}, {"done", 1}}));
  CHECK(json["running"][0]["lost"] == false);
}

TEST_CASE("logs are what a trial printed, of a sweep's trials") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000}});
  use(session, sweep);
  session.output_of("mkdir -m 700 memtrack.logs && printf 'one\\ntwo' > memtrack.logs/1.log");
  CHECK(session.output_of("memtrack logs 1") == "one\ntwo");
  CHECK(session.output_of("memtrack logs 1 -f") == "one\ntwo");
  CHECK(session.run("memtrack logs 2").exit_code == 2);
  CHECK(session.run("memtrack logs 99").exit_code == 2);
}

TEST_CASE("log sends events to the collector's socket") {
  const Session session;
  EventSocket socket(session.folder() / "ev");
  session.output_of("MEMTRACK_EVENTS=ev memtrack log phase=train epoch=1 train_loss=0.5");
  CHECK(decode_event(socket.take()).name() == "phase");
  const Event epoch = decode_event(socket.take());
  CHECK(std::get<EpochEvent>(epoch.what).epoch == 1);
  CHECK(epoch.seq == 2);
  session.output_of("MEMTRACK_EVENTS=ev memtrack log tensor_bytes_peak=123");
  CHECK(std::get<MetricEvent>(decode_event(socket.take()).what).value == 123);
  CHECK(socket.take().empty());
}

TEST_CASE("log never fails a program: that nobody takes its events is said, and no error") {
  const Session session;
  for (const char* environment : {"", "MEMTRACK_EVENTS=", "MEMTRACK_EVENTS=nobody", "MEMTRACK_EVENTS=."}) {
    CAPTURE(environment);
    const CommandResult result = session.run(fmt::format("{} memtrack log x=1", environment));
    CHECK(result.exit_code == 0);
    CHECK(contains(result.errors, "nothing was sent"));
    CHECK(count_lines(result.errors) == 1);
  }
  // Nobody reads: the queue of the socket fills, and the sender is told instead of held.
  EventSocket socket(session.folder() / "ev");
  const CommandResult full = session.run(
      "for i in $(seq 1 600); do MEMTRACK_EVENTS=ev timeout 60 memtrack log x=1 2>err || exit $?; [ -s err ] && break; "
      "done; cat err");
  CHECK(full.exit_code == 0);
  CHECK(contains(full.output, "the collector at ev does not take it now"));
  CHECK(session.run("MEMTRACK_EVENTS=ev memtrack log x=one").exit_code == 2);
}

TEST_CASE("datasets are listed and verified where they lie") {
  const Session session;
  write_small_mnist(session, 100, 100);
  const std::string list = session.output_of("memtrack datasets list");
  CHECK(contains(list, "mnist"));
  CHECK(contains(list, "generated"));
  CHECK(contains(list, "missing"));
  const auto json = nlohmann::json::parse(session.output_of("memtrack datasets list mnist cifar-10 --json"));
  REQUIRE(json.size() == 2);
  CHECK(json[0]["complete"] == true);
  CHECK(json[1]["complete"] == false);
  const CommandResult verified = session.run("memtrack datasets verify");  // right in form, not what was published
  CHECK(verified.exit_code == 1);
  CHECK(contains(verified.output, "WRONG: sha256 is"));
  CHECK(contains(verified.output, "cifar-10: not there"));
  CHECK(session.run("memtrack datasets verify cifar-10").exit_code == 1);
}
