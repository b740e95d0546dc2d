#include "tools/output_file.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/small_disk.h"
#include "tests/temporary_directory.h"
#include "tools/exit_codes.h"

using namespace memtrack;
using memtrack::testing::SmallDisk;
using memtrack::testing::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a file that is asked for is there whole with the rights that any new file gets") {
  const TemporaryDirectory folder;
  write_output_file(folder / "a.svg", "picture", false);
  CHECK(text_of(folder / "a.svg") == "picture");
  const fs::perms open_to_all = fs::perms::owner_read | fs::perms::owner_write;
  CHECK((fs::status(folder / "a.svg").permissions() & open_to_all) == open_to_all);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a file that exists is replaced only by force") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "a.svg") << "old";
  CHECK_THROWS_WITH_AS(write_output_file(folder / "a.svg", "new", false),
                       ((folder / "a.svg").string() + " exists; --force replaces it").c_str(), UsageError);
  CHECK(text_of(folder / "a.svg") == "old");
  write_output_file(folder / "a.svg", "new", true);
  CHECK(text_of(folder / "a.svg") == "new");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a link stays a link and what it leads to is replaced") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "real.svg") << "old";
  fs::create_symlink("real.svg", folder / "a.svg");
  write_output_file(folder / "a.svg", "new", true);
  CHECK(fs::is_symlink(folder / "a.svg"));
  CHECK(text_of(folder / "real.svg") == "new");
}

TEST_CASE("what is no file is left alone even by force") {
  const TemporaryDirectory folder;
  CHECK_THROWS_AS(write_output_file("/dev/null", "new", true), UsageError);
  CHECK_THROWS_AS(write_output_file(folder.path(), "new", true), UsageError);
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a file in a folder that is not there is refused by the folder's name") {
  const TemporaryDirectory folder;
  CHECK_THROWS_WITH_AS(
      check_output_file(folder / "no/a.svg", false),
      ((folder / "no/a.svg").string() + " cannot be made: there is no folder " + (folder / "no").string()).c_str(),
      UsageError);
}

TEST_CASE("a full disk leaves neither half a file nor a draft and what was there before stays") {
  const auto disk = SmallDisk::make("1m");
  if (!disk) {
    MESSAGE("not tried: this user may not mount a small disk");
    return;
  }
  const TemporaryDirectory folder;
  std::ofstream(folder / "a.svg") << "old";
  disk->fill();
  const std::string large(std::size_t{4} << 20, 'x');
  CHECK_THROWS_AS(write_output_file(folder / "a.svg", large, true), std::runtime_error);
  CHECK_THROWS_AS(write_output_file(folder / "b.svg", large, false), std::runtime_error);
  CHECK(files_in(folder.path()) == 1);
}
