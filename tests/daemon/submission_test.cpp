#include "daemon/submission.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/api.h"
#include "storage/paths.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::read_file;
using memtrack::testing::sweep_of_commands;
using memtrack::testing::Workplace;
using nlohmann::json;
using namespace std::string_literals;

namespace {

SubmissionRequest request_in(const Workplace& place, const std::string& config) {
  return {.config = config,
          .file = "test.yaml",
          .cwd = place.path().string(),
          .environment = {{"PATH", "/usr/bin:/bin"}, {"SECRET", "a b\nc"}},
          .overrides = {}};
}

std::string message_of(const json& request) {
  try {
    parse_submission(request);
    return "";
  } catch (const SubmissionError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a request is read with all its overrides, and written back the same") {
  const json request = {{"config", "name: a"},
                        {"file", "a.yaml"},
                        {"cwd", "/"},
                        {"environment", {{"A", "1"}}},
                        {"unknown", 1},
                        {"overrides",
                         {{"set", {{"epochs", "1"}, {"layers", json::array({1, 2})}}},
                          {"interval", "100ms"},
                          {"timeout", "2h"},
                          {"repeats", 3},
                          {"order", "listed"},
                          {"seed", 18446744073709551615ULL},
                          {"jobs", 1},
                          {"method", "random"},
                          {"count", 5}}}};
  const SubmissionRequest parsed = parse_submission(request);
  CHECK(parsed.overrides.set == std::vector<std::pair<std::string, std::string>>{{"epochs", "1"}, {"layers", "[1,2]"}});
  CHECK(parsed.overrides.seed == 18446744073709551615ULL);
  json expected = request;
  expected.erase("unknown");
  expected["overrides"]["set"]["layers"] = "[1,2]";
  CHECK(to_json(parsed) == expected);
  CHECK(to_json(Overrides{}) == json::object());
}

TEST_CASE("a request that is no JSON or is nested beyond reason is refused") {
  CHECK_THROWS_WITH_AS(parse_request("{\"config\":"), "the request is not JSON", SubmissionError);
  // Of the largest size that is taken: had it been read, writing any part of it again would use up the stack.
  const std::string deep =
      "{\"config\": \"\", \"cwd\": \"/\", \"overrides\": {\"set\": {\"epochs\": " + std::string(kSweepBody / 2, '[') +
      std::string(kSweepBody / 2, ']') + "}}}";
  const json reply = json::parse(run_submitter("/nowhere/memtrack.db", deep));
  CHECK(reply == json{{"status", 400}, {"body", {{"error", "the request is nested more than 100 deep"}}}});
}

TEST_CASE("a request at fault is refused with what would be right") {
  const json good = {{"config", "name: a"}, {"cwd", "/"}};
  const auto with = [&](const char* name, const json& value) {
    json changed = good;
    changed[name] = value;
    return message_of(changed);
  };
  CHECK(message_of(good) == "");
  CHECK(message_of(json::array()) == "the request would have to be a JSON object with \"config\" and \"cwd\"");
  CHECK(message_of({{"cwd", "/"}}) == "the request has no \"config\"");
  CHECK(with("config", 3) == "\"config\" is number, and would have to be a string");
  CHECK(with("overrides", {{"repeats", "3"}}) == "overrides.repeats is \"3\", and would have to be a whole number");
  CHECK(with("overrides", {{"repeats", 1.5}}) == "overrides.repeats is 1.5, and would have to be a whole number");
  CHECK(with("overrides", {{"seed", -1}}) == "overrides.seed is -1, and would have to be a whole number from 0");
  CHECK(with("overrides", {{"repeat", 3}}).find("there is no override \"repeat\"") == 0);
  CHECK(with("overrides", json::array()) == "\"overrides\" would have to be an object");
  CHECK(with("overrides", {{"set", "epochs=1"}}).find("overrides.set would have to be") == 0);
  CHECK(with("environment", json::array({"A=1"})).find("\"environment\" would have to be") == 0);
  CHECK(with("environment", {{"A=B", "1"}}) == "\"A=B\" is no name of an environment variable");
  CHECK(with("environment", {{"A", 1}}) == "environment variable \"A\" would have to be a string without NUL");
  CHECK(with("environment", {{"A", "x\0y"s}}) == "environment variable \"A\" would have to be a string without NUL");
}

TEST_CASE("a value that is not said cannot leak: messages never hold an environment's values") {
  CHECK(message_of({{"config", ""}, {"cwd", "/"}, {"environment", {{"TOKEN", "hush\0hush"s}}}}).find("hush") ==
        std::string::npos);
}

TEST_CASE("a submitted sweep is queued, its environment beside the database and readable by us alone") {
  Workplace place;
  const json reply = submit(place.database(), request_in(place, sweep_of_commands({"true", "false"})));
  CHECK(reply["sweeps"][0]["sweep_id"] == 1);
  CHECK(reply["sweeps"][0]["name"] == "test");
  CHECK(reply["sweeps"][0]["trials"] == 2);
  CHECK(reply["sweeps"][0]["warnings"] == json::array());
  CHECK(place.sql("SELECT count(*) FROM trials WHERE state = 'queued'") == "2");
  const auto path = environment_path(place.database(), 1);
  CHECK(read_file(path) == "PATH=/usr/bin:/bin\0SECRET=a b\nc\0"s);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("each document of a file is a sweep with an environment of its own") {
  Workplace place;
  const std::string one = sweep_of_commands({"true"});
  const json reply = submit(place.database(), request_in(place, one + "---\n" + one));
  CHECK(reply["sweeps"].size() == 2);
  CHECK(std::filesystem::exists(environment_path(place.database(), 1)));
  CHECK(std::filesystem::exists(environment_path(place.database(), 2)));
}

TEST_CASE("an environment file that a broken submission left is replaced, mode and all") {
  Workplace place;
  const auto path = environment_path(place.database(), 1);
  std::ofstream(path) << "OLD=1";
  std::filesystem::permissions(path, std::filesystem::perms::all);
  submit(place.database(), request_in(place, sweep_of_commands({"true"})));
  CHECK(read_file(path).find("OLD") == std::string::npos);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("where the environment cannot be written, nothing is queued") {
  Workplace place;
  const auto path = environment_path(place.database(), 1);
  std::filesystem::create_directories(path / "in the way");
  CHECK_THROWS(submit(place.database(), request_in(place, sweep_of_commands({"true"}))));
  CHECK(place.sql("SELECT count(*) FROM sweeps") == "0");
  CHECK(place.sql("SELECT count(*) FROM trials") == "0");
}

TEST_CASE("a wrong sweep file, or a folder that is not there, makes no database") {
  Workplace place;
  CHECK_THROWS_AS(submit(place.database(), request_in(place, "name: [")), SweepError);
  SubmissionRequest elsewhere = request_in(place, sweep_of_commands({"true"}));
  elsewhere.cwd = "/nowhere/at/all";
  CHECK_THROWS_AS(submit(place.database(), elsewhere), SubmissionError);
  elsewhere.cwd = "relative";
  CHECK_THROWS_AS(submit(place.database(), elsewhere), SubmissionError);
  CHECK_FALSE(std::filesystem::exists(place.database()));
}

TEST_CASE("the submitter answers every request, however wrong, with a status and a body") {
  Workplace place;
  const auto status_of = [&](const std::string& request) {
    return json::parse(run_submitter(place.database(), request)).at("status").get<int>();
  };
  CHECK(status_of("") == 400);
  CHECK(status_of("not json") == 400);
  CHECK(status_of("{}") == 400);
  CHECK(status_of("\xff\xfe") == 400);
  CHECK(status_of(json{{"config", "name: ["}, {"cwd", "/"}}.dump()) == 400);
  CHECK(status_of(to_json(request_in(place, sweep_of_commands({"true"}))).dump()) == 201);
}

TEST_CASE("bytes that are no UTF-8 do not keep an environment from being sent") {
  Workplace place;
  SubmissionRequest request = request_in(place, sweep_of_commands({"true"}));
  request.environment["LATIN"] = "caf\xe9";
  CHECK(to_json(request)["environment"]["LATIN"] == "caf\uFFFD");
}

TEST_CASE("memory that jobs must fit into is the machine's or what a group above them allows and the smaller counts") {
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  const Workplace place;
  const auto cgroups = place / "cgroup";
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((place / name).parent_path());
    std::ofstream(place / name) << text;
  };
  const auto room = [&](const std::string& own_groups, bool as_root = false) {
    write("proc/self/cgroup", own_groups);
    return memory_room(8 * kGiB, place / "proc", cgroups, as_root);
  };
  CHECK(room("").bytes == 8 * kGiB);
  CHECK(room("0::/\n").bound == "this machine has");
  CHECK(room("nonsense\n\n:\n").bytes == 8 * kGiB);

  write("cgroup/memory.max", "max\n");
  write("cgroup/a/memory.max", "3221225472\n");
  write("cgroup/a/b/memory.max", "max\n");
  CHECK(room("0::/a/b\n").bytes == 3 * kGiB);
  CHECK(room("0::/a/b\n").bound == "the cgroup " + (cgroups / "a").string() + " allows");
  CHECK(room("0::/\n").bytes == 8 * kGiB);
  CHECK(room("0::/a/b\n", true).bytes == 8 * kGiB);  // root's trials are made at the top

  write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("cgroup/memory/x/memory.limit_in_bytes", "1073741824\n");
  CHECK(room("5:cpu,memory:/x/not/there\n0::/\n", true).bytes == kGiB);
  CHECK(room("5:cpu,memory:/elsewhere\n0::/\n").bytes == 8 * kGiB);
  CHECK(room("5:memoryless:/x\n").bytes == 8 * kGiB);
  write("cgroup/memory/memory.limit_in_bytes", "2147483648\n");  // a container's, which sees its own group as the top
  CHECK(room("5:memory:/docker/0123\n").bytes == 2 * kGiB);
}
