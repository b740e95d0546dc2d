#include "storage/environment_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <system_error>

#include "storage/private_file.h"
#include "tests/small_disk.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::string_literals;

TEST_CASE("an environment file is entries with a zero byte after each") {
  CHECK(parse_environment("A=1\0B=x=y\0C=\0=bad\0none\0D=two\nlines"s) ==
        Environment{{"A", "1"}, {"B", "x=y"}, {"C", ""}, {"D", "two\nlines"}});
  CHECK(parse_environment("").empty());
}

TEST_CASE("an environment comes back from its file as it was, and the file is its user's alone") {
  const TemporaryDirectory folder;
  const Environment environment = {{"A", "1"}, {"B", ""}, {"C", "x=y\nz"}};
  std::ofstream(folder / "file") << "of before, and with another mode";
  chmod((folder / "file").c_str(), 0644);
  write_environment_file(folder / "file", environment);
  CHECK(read_environment_file(folder / "file") == environment);
  struct stat status {};
  REQUIRE(stat((folder / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_THROWS_AS(read_environment_file(folder / "other"), std::system_error);
}

TEST_CASE("a private file that does not find room is told of and leaves nothing") {
  const auto disk = SmallDisk::make("1m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  const TemporaryDirectory folder;
  CHECK_THROWS_AS(write_private_file(folder / "file", std::string(2 << 20, 'x')), std::system_error);
  CHECK_FALSE(std::filesystem::exists(folder / "file"));
}
