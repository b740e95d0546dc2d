#include "daemon/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <regex>
#include <sstream>

#include "storage/file_descriptor.h"
#include "storage/paths.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::read_file;
using memtrack::testing::Variable;
using memtrack::testing::Workplace;

namespace {

std::string stream_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

void check_lines(const std::string& log, const std::string& form) {
  std::istringstream lines(log);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CAPTURE(line);
    CHECK(std::regex_match(line, std::regex(form)));
  }
  CHECK(count > 0);
}

}  // namespace

TEST_CASE("a line for people has time and level and one for the journal has the priority of syslog") {
  const auto time = spdlog::log_clock::from_time_t(1'700'000'000) + std::chrono::milliseconds(7);
  CHECK(log_line(spdlog::level::info, time, "a b", true) == "<6>a b");
  CHECK(log_line(spdlog::level::debug, time, "a b", true) == "<7>a b");
  CHECK(log_line(spdlog::level::warn, time, "a b", true) == "<4>a b");
  CHECK(log_line(spdlog::level::err, time, "a b", true) == "<3>a b");
  const std::string line = log_line(spdlog::level::warn, time, "a b", false);
  CAPTURE(line);
  CHECK(std::regex_match(line, std::regex(R"(2023-11-1[45] \d\d:\d\d:20\.007 warning a b)")));
}

TEST_CASE("a message that holds control characters stays one line") {
  const std::string line = log_line(spdlog::level::info, {}, "name\n<0>forged\x1b[31m\x7f é", true);
  CHECK(line == "<6>name?<0>forged?[31m? é");
}

TEST_CASE("the journal is known by its device and inode and by nothing less") {
  Workplace place;
  place.make_file("a");
  place.make_file("b");
  const FileDescriptor file(open((place / "a").c_str(), O_WRONLY | O_CLOEXEC));
  CHECK(is_journal(file.get(), stream_of(place / "a")));
  CHECK_FALSE(is_journal(file.get(), stream_of(place / "b")));
  CHECK_FALSE(is_journal(file.get(), ""));
  CHECK_FALSE(is_journal(file.get(), "8:"));
  CHECK_FALSE(is_journal(-1, "8:1"));
}

TEST_CASE("why memtrackd cannot start is an error in the journal and not an unmarked line") {
  Workplace place;
  Daemon first(place);
  place.make_file("output");
  setenv("JOURNAL_STREAM", stream_of(place / "output").c_str(), 1);
  const std::string second =
      fmt::format("{} --db {} --socket {} 2>> {}", sibling_program("memtrackd").string(), place.database().string(),
                  (place / "other.sock").string(), (place / "output").string());
  const int status = std::system(second.c_str());
  unsetenv("JOURNAL_STREAM");
  CHECK(WEXITSTATUS(status) == 78);
  CHECK(read_file(place / "output").starts_with("\n<3>the trials of "));
}

TEST_CASE("log_level debug tells each request and its answer") {
  Workplace place;
  const Variable level("MEMTRACK_LOG_LEVEL", "debug");
  Daemon daemon(place);
  CHECK(daemon.client().get("/v1/trials?sweep=7").status == 404);
  CHECK(daemon.log().find("debug   GET /v1/trials?sweep=7: 404\n") != std::string::npos);
}

TEST_CASE("memtrackd writes lines for people to a file and lines for the journal to the journal") {
  Workplace place;
  std::string form = R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (info|warning)\s+\S.*)";
  SUBCASE("a file") {}
  SUBCASE("the journal") {
    place.make_file("memtrackd.log");
    setenv("JOURNAL_STREAM", stream_of(place / "memtrackd.log").c_str(), 1);
    form = R"(|<[46]>\S.*)";  // the first line is what makes the file
  }
  Daemon daemon(place);
  unsetenv("JOURNAL_STREAM");
  daemon.end(SIGTERM);
  check_lines(daemon.log(), form);
}
