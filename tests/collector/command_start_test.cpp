#include "collector/command_start.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "collector/options.h"
#include "collector/trial_files.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

namespace {

CommandSpec command(std::vector<std::string> arguments, const std::string& directory = "/") {
  CommandSpec spec{.arguments = std::move(arguments), .environment = {"PATH=/usr/bin:/bin"}, .directory = directory};
  spec.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
  getrlimit(RLIMIT_NOFILE, &spec.to_restore.open_files);
  return spec;
}

// The exit code of a command that could be started; else the reason why not.
std::string outcome_of(const CommandSpec& spec) {
  const auto started = start_command(spec);
  if (const auto* failure = std::get_if<StartFailure>(&started)) {
    return std::to_string(failure->exit_code) + " " + failure->reason();
  }
  int status = 0;
  waitpid(std::get<pid_t>(started), &status, 0);
  return std::to_string(WEXITSTATUS(status));
}

CollectorOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "memtrack-collector");
  return parse_collector_options(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("a program is looked for on the path, unless it has a slash") {
  using Paths = std::vector<std::string>;
  CHECK(executable_candidates("sh", "/usr/bin:/bin") == Paths{"/usr/bin/sh", "/bin/sh"});
  CHECK(executable_candidates("./sh", "/usr/bin") == Paths{"./sh"});
  CHECK(executable_candidates("sh", ":/bin:") == Paths{"./sh", "/bin/sh", "./sh"});
  CHECK(executable_candidates("sh", "") == Paths{"./sh"});
  CHECK(executable_candidates("", "/bin") == Paths{""});
}

TEST_CASE("a command is started, or it is said why not") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "script-without-a-first-line") << "exit 7\n";
  std::ofstream(folder / "no-permission") << "x\n";
  chmod((folder / "script-without-a-first-line").c_str(), 0755);
  chmod((folder / "no-permission").c_str(), 0644);
  const std::string here = folder.path();
  CHECK(outcome_of(command({"sh", "-c", "exit 3"})) == "3");
  CHECK(outcome_of(command({"./script-without-a-first-line"}, here)) == "7");
  CHECK(outcome_of(command({"no-such-program"})) == "127 could not start 'no-such-program': No such file or directory");
  CHECK(outcome_of(command({"./no-such-program"})) ==
        "127 could not start './no-such-program': No such file or directory");
  CHECK(outcome_of(command({""})) == "127 could not start '': No such file or directory");
  CHECK(outcome_of(command({"./no-permission"}, here)) == "126 could not start './no-permission': Permission denied");
  CHECK(outcome_of(command({"/"})) == "126 could not start '/': Permission denied");
  CHECK(outcome_of(command({"sh"}, here + "/nowhere")) ==
        "125 could not enter the folder '" + here + "/nowhere': No such file or directory");
  CHECK(outcome_of(command({})) == "125 there is no command to start");
}

TEST_CASE("the program is searched on the command's own path, in its own folder") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "only-here") << "#!/bin/sh\nexit 5\n";
  chmod((folder / "only-here").c_str(), 0755);
  CommandSpec spec = command({"only-here"}, folder.path());
  CHECK(outcome_of(spec).starts_with("127"));
  spec.environment = {"PATH=/bin:."};
  CHECK(outcome_of(spec) == "5");
}

TEST_CASE("a command has its submitter's environment, and ours where there is none") {
  CHECK_THROWS_AS(read_environment("/nowhere/at/all"), std::runtime_error);
  CHECK(read_environment("").contains("PATH"));
  CHECK(environment_entries({{"A", "1"}, {"B", ""}}) == std::vector<std::string>{"A=1", "B="});
}

TEST_CASE("the collector's arguments are checked") {
  const CollectorOptions options =
      parse({"--db", "/x/memtrack.db", "--trial", "12", "--lock-fd", "3", "--log", "/x/12.log", "--log-cap", "100"});
  CHECK(options.database == "/x/memtrack.db");
  CHECK(options.trial_id == 12);
  CHECK(options.lock_descriptor == 3);
  CHECK(options.log == "/x/12.log");
  CHECK(options.log_cap_bytes == 100);
  CHECK(options.environment.empty());
  CHECK_FALSE(options.in_foreground);
  CHECK(parse({"--foreground", "--db", "x", "--trial", "1", "--lock-fd", "0"}).in_foreground);
  for (const std::vector<const char*>& wrong : {std::vector<const char*>{},
                                                {"--db", "x"},
                                                {"--db", "x", "--trial", "1", "--lock-fd", "x"},
                                                {"--db", "x", "--trial", "-1", "--lock-fd", "3"},
                                                {"--db"},
                                                {"--bogus", "1"},
                                                {"--help"},
                                                {"--db", "x", "--trial", "99999999999999999999", "--lock-fd", "3"}}) {
    CHECK_THROWS_AS(parse(wrong), std::runtime_error);
  }
}
