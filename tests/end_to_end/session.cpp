#include "tests/end_to_end/session.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace memtrack::testing {
namespace fs = std::filesystem;
namespace {

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// An image of `pixels` bytes: dark, with a bright tenth that belongs to its class, and a little noise.
std::string image_of_class(int label, int index, std::size_t pixels) {
  std::string image(pixels, '\x10');
  const std::size_t stripe = pixels / 10;
  for (std::size_t i = 0; i < stripe; ++i) {
    image[static_cast<std::size_t>(label) * stripe + i] =
        static_cast<char>(180 + (index * 7 + static_cast<int>(i)) % 60);
  }
  return image;
}

void write_gzip(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "wb"), gzclose);
  REQUIRE(file);
  REQUIRE(gzwrite(file.get(), content.data(), static_cast<unsigned>(content.size())) ==
          static_cast<int>(content.size()));
}

void write_idx_pair(const fs::path& folder, const std::string& part, int count) {
  std::string images =
      big_endian(0x803) + big_endian(static_cast<std::uint32_t>(count)) + big_endian(28) + big_endian(28);
  std::string labels = big_endian(0x801) + big_endian(static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) {
    images += image_of_class(i % 10, i, 784);
    labels += static_cast<char>(i % 10);
  }
  write_gzip(folder / (part + "-images-idx3-ubyte.gz"), images);
  write_gzip(folder / (part + "-labels-idx1-ubyte.gz"), labels);
}

}  // namespace

Session::Session() {
  fs::create_directories(folder_ / "run");
  fs::permissions(folder_ / "run", fs::perms::owner_all);
  fs::create_directories(folder_ / "data");
}

Session::~Session() {
  // A test that failed half-way may have left a trial running.
  if (fs::exists(folder_ / "run/memtrack")) {
    run("for sweep in $(sqlite3 memtrack.db \"SELECT sweep_id FROM sweeps WHERE state IN ('queued', 'running')\"); do "
        "memtrack cancel $sweep; done; memtrack daemon stop");
  }
}

CommandResult Session::run(const std::string& shell_command) const {
  const fs::path script = folder_ / "command.sh";
  const fs::path output = folder_ / "command.out";
  const fs::path errors = folder_ / "command.err";
  std::ofstream(script) << "cd " << folder_.path().string() << "\n"
                        << "export PATH=" << MEMTRACK_BUILD_DIR << "/bin:$PATH\n"
                        << "export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state MEMTRACK_DB=$PWD/memtrack.db\n"
                        << "export MEMTRACK_CONFIG=/dev/null MEMTRACK_DATA_DIR=$PWD/data NO_COLOR=1\n"
                        << "unset MEMTRACK_SOCKET MEMTRACK_EVENTS MEMTRACK_TRIAL MEMTRACK_SWEEP\n"
                        << shell_command << "\n";
  const int status =
      std::system(fmt::format("sh {} </dev/null >{} 2>{}", script.string(), output.string(), errors.string()).c_str());
  CommandResult result{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                       .output = read_file(output),
                       .errors = read_file(errors)};
  return result;
}

std::string Session::output_of(const std::string& shell_command) const {
  const CommandResult result = run(shell_command);
  INFO(shell_command, "\nstdout: ", result.output, "\nstderr: ", result.errors);
  REQUIRE(result.exit_code == 0);
  return result.output;
}

std::string Session::sql(const std::string& query) const {
  std::string answer = output_of(fmt::format("sqlite3 -readonly -cmd '.timeout 10000' memtrack.db \"{}\"", query));
  while (!answer.empty() && answer.back() == '\n') {
    answer.pop_back();
  }
  return answer;
}

void Session::write_file(const std::string& name, const std::string& text) const {
  fs::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << text;
}

void write_small_mnist(const Session& session, int train_count, int test_count) {
  write_idx_pair(session.folder() / "data/mnist", "train", train_count);
  write_idx_pair(session.folder() / "data/mnist", "t10k", test_count);
}

void write_small_cifar_10(const Session& session, int count_per_batch) {
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string records;
    for (int i = 0; i < count_per_batch; ++i) {
      records += static_cast<char>(i % 10) + image_of_class(i % 10, i, 3072);
    }
    session.write_file(fmt::format("data/cifar-10/cifar-10-batches-bin/{}.bin", name), records);
  }
}

}  // namespace memtrack::testing
