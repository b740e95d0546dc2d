// memtrackd's settings as its administrators meet them: flags, environment, config file, SIGHUP.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <fstream>

#include "daemon/settings.h"
#include "storage/paths.h"
#include "tests/daemon/fixture.h"
#include "tests/text.h"

using namespace memtrack;
using memtrack::testing::contains;
using memtrack::testing::Daemon;
using memtrack::testing::EndedDaemon;
using memtrack::testing::read_file;
using memtrack::testing::run_memtrackd;
using memtrack::testing::Variable;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;

namespace {

std::string write_config(const Workplace& place, const std::string& text) {
  const std::filesystem::path file = place / "memtrackd.conf";
  std::ofstream(file) << text;
  return file.string();
}

}  // namespace

TEST_CASE("a flag beats the environment which beats the config file and --print-config tells which it was") {
  const Workplace place;
  const std::string config =
      write_config(place, "# ours\ndb: /from/file.db\nlog_level: debug\nsocket: /from/file.sock\n");
  const Variable database("MEMTRACK_DB", "/from/environment.db");
  const Variable level("MEMTRACK_LOG_LEVEL", "warning");
  const EndedDaemon printed = run_memtrackd(place, {"--print-config", "--config", config, "--log-level", "error"});
  CHECK(printed.exit_code == 0);
  CHECK(printed.output == fmt::format("db: /from/environment.db  # MEMTRACK_DB\n"
                                      "socket: /from/file.sock   # {}:4:9\n"
                                      "log_level: error          # --log-level\n"
                                      "drain: 0s                 # MEMTRACK_DRAIN\n"
                                      "log_cap: 64MiB            # default\n",
                                      config));
}

TEST_CASE("what nobody set is printed with its default and what is printed is a config file") {
  const Workplace place;
  const EndedDaemon printed = run_memtrackd(place, {"--print-config"});
  CHECK(contains(printed.output, "memtrack/memtrackd.sock"));
  CHECK(contains(printed.output, "log_level: info"));
  CHECK(contains(printed.output, "# default\n"));
  const std::string odd = (place / "a: folder, #1/my \"own\".db").string();
  const std::string config = write_config(place, run_memtrackd(place, {"--print-config", "--db", odd}).output);
  const std::string again = run_memtrackd(place, {"--print-config", "--config", config}).output;
  CHECK(contains(again, config + ":1:5"));
  CHECK(contains(again, R"(a: folder, #1/my \"own\".db")"));
}

TEST_CASE("the user's config folder is looked into when no file is named") {
  const Workplace place;
  const Variable unnamed("MEMTRACK_CONFIG", "");
  const Variable folder("XDG_CONFIG_HOME", place.path().string());
  std::filesystem::create_directory(place / "memtrack");
  std::ofstream(place / "memtrack/memtrackd.conf") << "log_level: debug\n";
  CHECK(contains(run_memtrackd(place, {"--print-config"}).output,
                 fmt::format("# {}:1:12\n", (place / "memtrack/memtrackd.conf").string())));
}

TEST_CASE("what is wrong in a config file is told with its place and what would be right") {
  const Workplace place;
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"socket: /x.sock\nlog_levl: info\n", ":2:1: memtrackd has no 'log_levl'; did you mean 'log_level'?"},
      {"colour: red\n", ":1:1: memtrackd has no 'colour'; it has db, socket, log_level, drain"},
      {"log_level: loud\n", ":1:12: log_level is 'loud', and would have to be one of debug, info, warning, error"},
      {"log_level: 3\n", ":1:12: log_level is 3, and would have to be one of debug, info, warning, error"},
      {"drain: 5\n", ":1:8: drain is 5, and would have to be a time from 0s to 8760h with its unit, such as 5s"},
      {"db: runs.db\n", ":1:5: db is 'runs.db', and would have to be an absolute path such as "},
      {"db: [/x.db]\n", ":1:5: db is [\"/x.db\"], and would have to be a text such as "},
      {"db: /x.db\ndb: /y.db\n", ":2:1: db stands here a second time (first on line 1)"},
      {"db = /x.db\n", ":1:1: a config file holds one list of 'name: value' lines, such as log_level: info"},
      {"db: {/x.db\n", ":2:1: this is not YAML: "},
  };
  for (const Row& row : rows) {
    const std::string config = write_config(place, row.text);
    const EndedDaemon ended = run_memtrackd(place, {"--config", config});
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(ended.output.find("memtrackd: " + config + row.message) == 0);
  }
  CHECK_FALSE(std::filesystem::exists(place.database()));
}

TEST_CASE("a wrong flag or variable is named in the message and a missing config file too") {
  const Workplace place;
  CHECK(run_memtrackd(place, {"--log-level", "loud"}).output.find("memtrackd: --log-level: log_level is 'loud'") == 0);
  const std::string nowhere = (place / "nowhere.conf").string();
  const EndedDaemon missing = run_memtrackd(place, {"--config", nowhere});
  CHECK(missing.exit_code == 2);
  CHECK(contains(missing.output, nowhere + ": No such file or directory"));
  const Variable level("MEMTRACK_LOG_LEVEL", "loud");
  CHECK(run_memtrackd(place, {}).output.find("memtrackd: MEMTRACK_LOG_LEVEL: log_level is 'loud'") == 0);
}

TEST_CASE("an empty config file changes nothing") {
  const Workplace place;
  const std::string config = write_config(place, "# nothing yet\n");
  CHECK(run_memtrackd(place, {"--print-config", "--config", config}).output ==
        run_memtrackd(place, {"--print-config"}).output);
}

TEST_CASE("SIGHUP takes what can change while the daemon runs and names what needs a restart") {
  const Workplace place;
  const std::string config = write_config(place, "");
  const Variable named("MEMTRACK_CONFIG", config);
  Daemon daemon(place);
  const auto logged = [&](const std::string& line) { return wait_until([&] { return contains(daemon.log(), line); }); };
  write_config(place, "log_level: debug\nsocket: /tmp/another.sock\n");
  kill(daemon.pid(), SIGHUP);
  CHECK(logged("the settings were read again"));
  CHECK(logged("log_level is debug now, and was info\n"));
  CHECK(
      logged("socket is /tmp/another.sock now, and was " + daemon_socket_path("").string() + "; that takes a restart"));
  write_config(place, "log_level: loud\n");
  kill(daemon.pid(), SIGHUP);
  CHECK(logged("the settings stay as they were: " + config + ":1:12: log_level is 'loud'"));
  CHECK(daemon.client().get("/v1/health").status == 200);
  CHECK(daemon.end(SIGTERM) == 0);
}

TEST_CASE("SIGHUP to a graver log level silences what is less grave, and back to info it is told again") {
  const Workplace place;
  const std::string config = write_config(place, "");
  const Variable named("MEMTRACK_CONFIG", config);
  Daemon daemon(place);
  const auto take = [&](const std::string& text, const std::string& line) {
    write_config(place, text);
    kill(daemon.pid(), SIGHUP);
    REQUIRE(wait_until([&] { return contains(daemon.log(), line); }));
  };
  take("log_level: error\n", "log_level is error now, and was info\n");
  REQUIRE(daemon.submit({"true"}).status == 201);
  REQUIRE(wait_until([&] { return daemon.client().get("/v1/health").body["trials"]["ended"] == 1; }));
  take("log_level: loud\n", "the settings stay as they were");  // which comes behind all that was to be told before
  CHECK_FALSE(contains(daemon.log(), "the settings were read again"));
  CHECK_FALSE(contains(daemon.log(), "trial 1"));
  take("log_level: info\n", "the settings were read again");
  REQUIRE(daemon.submit({"true"}).status == 201);
  CHECK(wait_until([&] { return contains(daemon.log(), "trial 2 ended: done"); }));
}

TEST_CASE("a drain that SIGHUP made longer is how long SIGTERM waits for the running trial") {
  const Workplace place;
  const std::string config = write_config(place, "drain: 0s\n");
  const Variable named("MEMTRACK_CONFIG", config);
  const Variable unset("MEMTRACK_DRAIN", "");
  Daemon daemon(place);
  REQUIRE(daemon.submit({"touch begun; while [ ! -e go ]; do sleep 0.05; done", "true"}).status == 201);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "begun") && place.collector_pid(1) > 0; }));
  write_config(place, "drain: 1h\n");
  kill(daemon.pid(), SIGHUP);
  REQUIRE(wait_until([&] { return contains(daemon.log(), "drain is 1h now, and was 0s\n"); }));
  kill(daemon.pid(), SIGTERM);
  REQUIRE(wait_until([&] { return contains(daemon.log(), "waiting 1h for them"); }));
  const auto states = [&] {
    return place.sql("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)");
  };
  CHECK(states() == "running,queued");
  place.make_file("go");
  CHECK(daemon.end(SIGCONT) == 0);  // a signal that does nothing: it ends by itself
  CHECK(states() == "done,queued");
}

TEST_CASE("log_cap bounds what is kept of a trial's output") {
  const Workplace place;
  const Variable cap("MEMTRACK_LOG_CAP", "8KiB");
  Daemon daemon(place);
  REQUIRE(daemon.submit({"head -c 100000 /dev/zero | tr '\\0' x; echo end"}).status == 201);
  REQUIRE(wait_until([&] { return place.sql("SELECT state FROM trials") == "done"; }));
  const std::filesystem::path log = trial_log_path(place.database(), 1);
  CHECK(read_file(log).ends_with("xend\n"));
  CHECK(std::filesystem::file_size(log) + std::filesystem::file_size(older_log_path(log)) < 9000);
  CHECK(place.sql("SELECT log_bytes + log_bytes_discarded FROM trial_totals") == "100004");
  CHECK(run_memtrackd(place, {"--log-cap", "8"}).output.find("memtrackd: --log-cap: log_cap is '8'") == 0);
}

TEST_CASE("the administrator's guide has a line for each setting") {
  const std::string guide =
      memtrack::testing::read_file(std::filesystem::path(MEMTRACK_SOURCE_DIR) / "docs/operations.md");
  for (const Setting& setting : all_settings()) {
    CAPTURE(setting.name);
    CHECK(contains(guide, fmt::format("\n| `{}` | ", setting.name)));
    CHECK(contains(guide, fmt::format("\n{}: ", setting.name)));
  }
}
