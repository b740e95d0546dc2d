// What loading needs beside the data set: a real process of its own loads files in the published formats, and the
// kernel's high-water mark says how much was ever resident.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "datasets/catalog.h"
#include "tests/datasets/fixture.h"

namespace memtrack {
namespace {

using namespace testing;

constexpr std::int64_t kMib = std::int64_t{1} << 20;

struct LoadingMemory {
  std::int64_t dataset_bytes = 0;
  std::int64_t growth_bytes = 0;  // of the high-water mark, from before loading to its end
};

std::int64_t own_bytes(const std::string& key) {
  std::ifstream lines("/proc/self/status");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no " + key);
}

LoadingMemory load_here(const DatasetDescription& description, const std::filesystem::path& data) {
  std::ofstream("/proc/self/clear_refs") << 5;  // the mark starts anew
  const std::int64_t before = own_bytes("VmHWM");
  const Dataset dataset = load_dataset(description, data);
  return {dataset.bytes(), own_bytes("VmHWM") - before};
}

LoadingMemory load_in_a_process(const DatasetDescription& description, const std::filesystem::path& data) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const LoadingMemory memory = load_here(description, data);
      ::_exit(::write(ends[1], &memory, sizeof memory) == sizeof memory ? EXIT_SUCCESS : EXIT_FAILURE);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
      ::_exit(EXIT_FAILURE);
    }
  }
  ::close(ends[1]);
  LoadingMemory memory;
  const bool told = ::read(ends[0], &memory, sizeof memory) == sizeof memory;
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(told);
  return memory;
}

void check_loading(std::string_view dataset, const std::filesystem::path& data) {
  const LoadingMemory memory = load_in_a_process(describe_dataset(dataset), data);
  CAPTURE(memory.dataset_bytes);
  CAPTURE(memory.growth_bytes);
  REQUIRE(memory.dataset_bytes > 40 * kMib);  // so that a copy of it, or the packed file in memory, could not hide
  CHECK(memory.growth_bytes >= memory.dataset_bytes - kMib);
  CHECK(memory.growth_bytes <= memory.dataset_bytes + 10 * kMib);
}

void write_large_mnist(const std::filesystem::path& data, bool packed) {
  const auto write = [&](const std::string& name, const Bytes& bytes) {
    write_file(data / "mnist" / (packed ? name + ".gz" : name), packed ? gzip(bytes, 1) : bytes);
  };
  write("train-images-idx3-ubyte", idx_images(60000));
  write("train-labels-idx1-ubyte", idx_labels(60000));
  write("t10k-images-idx3-ubyte", idx_images(10000));
  write("t10k-labels-idx1-ubyte", idx_labels(10000));
}

}  // namespace

TEST_CASE("loading MNIST takes no more than its bytes and 10 MiB, packed and unpacked") {
  for (const bool packed : {true, false}) {
    CAPTURE(packed);
    const TemporaryFolder folder;
    write_large_mnist(folder.path(), packed);
    check_loading("mnist", folder.path());
  }
}

TEST_CASE("loading CIFAR-10 takes no more than its bytes and 10 MiB, from its folder and from its archive") {
  const auto members = cifar_members(2500);
  SUBCASE("folder") {
    const TemporaryFolder folder;
    for (const auto& [name, contents] : members) write_file(folder.path() / "cifar-10" / name, contents);
    check_loading("cifar-10", folder.path());
  }
  SUBCASE("packed archive") {
    const TemporaryFolder folder;
    write_file(folder.path() / "cifar-10/cifar-10-binary.tar.gz", gzip(tar(members), 1));
    check_loading("cifar-10", folder.path());
  }
  SUBCASE("archive") {
    const TemporaryFolder folder;
    write_file(folder.path() / "cifar-10/cifar-10-binary.tar", tar(members));
    check_loading("cifar-10", folder.path());
  }
}

TEST_CASE("loading the published data sets takes no more than their bytes and 10 MiB") {
  const char* data = std::getenv("MEMTRACK_DATA_DIR");
  for (const char* dataset : {"mnist", "fashion-mnist", "cifar-10"}) {
    if (data != nullptr && find_dataset(describe_dataset(dataset), data).is_complete()) {
      check_loading(dataset, data);
    } else {
      MESSAGE("skipped: MEMTRACK_DATA_DIR names no folder with ", std::string(dataset));
    }
  }
}

TEST_CASE("generating images takes no more than their bytes and 10 MiB") {
  const LoadingMemory memory = load_in_a_process(describe_dataset("generated-cifar-10"), "");
  CHECK(memory.growth_bytes <= memory.dataset_bytes + 10 * kMib);
}

}  // namespace memtrack
