#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "datasets/catalog.h"
#include "tests/datasets/fixture.h"
#include "tests/text.h"

namespace memtrack {
namespace {

using namespace testing;

const DatasetDescription& mnist() {
  return describe_dataset("mnist");
}
const DatasetDescription& cifar() {
  return describe_dataset("cifar-10");
}

// The real files, or nullopt with a message.
std::optional<std::filesystem::path> real_data(const DatasetDescription& description) {
  const char* directory = std::getenv("MEMTRACK_DATA_DIR");
  if (directory != nullptr && find_dataset(description, directory).is_complete()) return directory;
  MESSAGE("skipped: MEMTRACK_DATA_DIR names no folder with ", std::string(description.name));
  return std::nullopt;
}

void check_small_mnist(const Dataset& dataset) {
  CHECK(dataset.shape() == ImageShape{1, 28, 28});
  CHECK(dataset.classes() == 10);
  REQUIRE(dataset.train().count() == 20);
  REQUIRE(dataset.test().count() == 10);
  CHECK(dataset.bytes() == 30 * 785);
  CHECK(dataset.train().pixels[0] == 0);
  CHECK(dataset.train().pixels[784 * 19 + 783] == (19 + 783) % 256);
  CHECK(dataset.test().pixels[784 * 9 + 5] == 14);
  CHECK(dataset.train().labels[13] == 3);
  CHECK(dataset.test().labels[9] == 9);
}

void check_small_cifar(const Dataset& dataset) {
  CHECK(dataset.shape() == ImageShape{3, 32, 32});
  REQUIRE(dataset.train().count() == 50);
  REQUIRE(dataset.test().count() == 10);
  for (const std::size_t image : {0u, 9u, 10u, 37u, 49u}) {
    CAPTURE(image);
    CHECK(dataset.train().labels[image] == image % 10);
    CHECK(dataset.train().pixels[image * 3072] == image);
    CHECK(dataset.train().pixels[image * 3072 + 3071] == (image + 3071) % 256);
  }
  CHECK(dataset.test().pixels[0] == 50);
  CHECK(dataset.test().labels[4] == 4);
}

}  // namespace

TEST_CASE("MNIST loads from its original .gz files and from the same files unpacked") {
  for (const bool packed : {true, false}) {
    CAPTURE(packed);
    const TemporaryFolder data;
    write_mnist(data.path(), packed);
    check_small_mnist(load_dataset(mnist(), data.path()));
  }
}

TEST_CASE("a .gz file of several members, one after the other, is read as one") {
  const TemporaryFolder data;
  write_mnist(data.path(), true);
  const Bytes labels = idx_labels(20);
  Bytes members = gzip({labels.begin(), labels.begin() + 11});
  const Bytes second = gzip({labels.begin() + 11, labels.end()});
  members.insert(members.end(), second.begin(), second.end());
  write_file(data.path() / "mnist/train-labels-idx1-ubyte.gz", members);
  check_small_mnist(load_dataset(mnist(), data.path()));
}

TEST_CASE("CIFAR-10 loads from its folder") {
  const TemporaryFolder data;
  write_cifar_folder(data.path());
  check_small_cifar(load_dataset(cifar(), data.path()));
}

TEST_CASE("CIFAR-10 loads from its archive, whatever the order of the members") {
  for (const bool packed : {true, false}) {
    auto members = cifar_members();
    members.emplace_back("cifar-10-batches-bin/readme.html", Bytes{1, 2, 3});
    do {
      const TemporaryFolder data;
      const Bytes archive = tar(members);
      write_file(data.path() / "cifar-10" / (packed ? "cifar-10-binary.tar.gz" : "cifar-10-binary.tar"),
                 packed ? gzip(archive) : archive);
      check_small_cifar(load_dataset(cifar(), data.path()));
      std::ranges::rotate(members, members.begin() + 3);
    } while (members.front().first != "cifar-10-batches-bin/data_batch_1.bin");
  }
}

TEST_CASE("an archive is used where the folder is incomplete") {
  const TemporaryFolder data;
  write_cifar_folder(data.path());
  std::filesystem::remove(data.path() / "cifar-10/cifar-10-batches-bin/data_batch_4.bin");
  write_file(data.path() / "cifar-10/cifar-10-binary.tar.gz", gzip(tar(cifar_members())));
  check_small_cifar(load_dataset(cifar(), data.path()));
}

TEST_CASE("the data directory follows MEMTRACK_DATA_DIR, XDG_DATA_HOME and HOME, in this order") {
  const auto remembered = [](const char* name) {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  const auto own = remembered("MEMTRACK_DATA_DIR"), xdg = remembered("XDG_DATA_HOME"), home = remembered("HOME");
  ::setenv("MEMTRACK_DATA_DIR", "/own", 1);
  ::setenv("XDG_DATA_HOME", "/xdg", 1);
  ::setenv("HOME", "/home/me", 1);
  CHECK(data_directory() == "/own");
  ::setenv("MEMTRACK_DATA_DIR", "", 1);
  CHECK(data_directory() == "/xdg/memtrack/datasets");
  ::unsetenv("XDG_DATA_HOME");
  CHECK(data_directory() == "/home/me/.local/share/memtrack/datasets");
  ::unsetenv("HOME");
  CHECK(contains(error_of(data_directory), "set MEMTRACK_DATA_DIR"));
  const auto restore = [](const char* name, const std::optional<std::string>& value) {
    value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
  };
  restore("MEMTRACK_DATA_DIR", own);
  restore("XDG_DATA_HOME", xdg);
  restore("HOME", home);
}

TEST_CASE("a name that is no dataset is answered with those that are") {
  const std::string error = error_of([] { describe_dataset("mnits"); });
  CHECK(error ==
        "there is no dataset 'mnits'; known are mnist, fashion-mnist, cifar-10, generated-mnist, "
        "generated-cifar-10");
}

TEST_CASE("the real datasets have their published counts and every class equally often where it is so") {
  for (const std::string_view name : {"mnist", "fashion-mnist", "cifar-10"}) {
    CAPTURE(std::string(name));
    const DatasetDescription& description = describe_dataset(name);
    const auto directory = real_data(description);
    if (!directory) continue;
    const Dataset dataset = load_dataset(description, *directory);
    CHECK(dataset.train().count() == description.train_count);
    CHECK(dataset.test().count() == description.test_count);
    if (name != "mnist") CHECK(std::ranges::count(dataset.train().labels, 7) == description.train_count / 10);
    if (name == "mnist") CHECK(dataset.train().labels[0] == 5);
  }
}

}  // namespace memtrack
