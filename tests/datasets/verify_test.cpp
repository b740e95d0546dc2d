#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "datasets/catalog.h"
#include "datasets/cifar.h"
#include "tests/datasets/download_fixture.h"
#include "tests/text.h"

namespace memtrack {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::vector<std::string_view> wrong_contents(const DatasetDescription& description, const fs::path& data) {
  std::vector<std::string_view> names;
  for (const VerifiedContent& content : verify_dataset(description, data)) {
    if (!content.is_right()) names.push_back(content.name);
  }
  return names;
}

}  // namespace

TEST_CASE("sha256 gives the digests of FIPS 180-4's examples") {
  CHECK(digest({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest({'a', 'b', 'c'}) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("verify computes the same digest for a file and for the same packed") {
  const DatasetDescription& mnist = describe_dataset("mnist");
  for (const bool packed : {true, false}) {
    const TemporaryFolder data;
    write_mnist(data.path(), packed);
    const auto contents = verify_dataset(mnist, data.path());
    REQUIRE(contents.size() == 4);
    CHECK(contents[0].sha256 == digest(idx_images(20)));
    CHECK(contents[3].sha256 == digest(idx_labels(10)));
    CHECK(contents[3].expected == mnist.contents[3].sha256);
    CHECK(contents[0].error.empty());
    CHECK_FALSE(contents[0].is_right());  // not the real MNIST
  }
}

TEST_CASE("verify computes the same digests for a folder and for the archive") {
  const DatasetDescription& cifar = describe_dataset("cifar-10");
  const TemporaryFolder folder, archive;
  write_cifar_folder(folder.path());
  auto members = cifar_members();
  std::ranges::reverse(members);
  write_file(archive.path() / "cifar-10/cifar-10-binary.tar.gz", gzip(tar(members)));
  const auto from_folder = verify_dataset(cifar, folder.path());
  const auto from_archive = verify_dataset(cifar, archive.path());
  REQUIRE(from_folder.size() == 6);
  REQUIRE(from_archive.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(from_folder[i].sha256 == digest(cifar_batch(10, static_cast<int>(i) * 10)));
    CHECK(from_archive[i].sha256 == from_folder[i].sha256);
    CHECK(from_archive[i].path.filename() == "cifar-10-binary.tar.gz");
  }
}

TEST_CASE("verify finds one flipped bit wherever it is and however the file is packed") {
  const Publication mnist = published_mnist();
  const Bytes labels = idx_labels(10);
  for (const std::size_t byte : {std::size_t{0}, std::size_t{7}, labels.size() - 1}) {
    CAPTURE(byte);
    for (const bool packed : {true, false}) {
      const TemporaryFolder data;
      write_mnist(data.path(), packed);
      CHECK(wrong_contents(mnist.description(), data.path()).empty());
      const Bytes wrong = flipped(labels, byte);
      write_file(data.path() / "mnist" / (packed ? "t10k-labels-idx1-ubyte.gz" : "t10k-labels-idx1-ubyte"),
                 packed ? gzip(wrong) : wrong);
      CHECK(wrong_contents(mnist.description(), data.path()) ==
            std::vector<std::string_view>{"t10k-labels-idx1-ubyte.gz"});
    }
  }
}

TEST_CASE("verify finds one flipped bit in a batch, in a folder and in the archive") {
  const Publication cifar = published_cifar();
  for (const std::size_t batch : {std::size_t{0}, std::size_t{3}, std::size_t{5}}) {
    auto members = cifar_members();
    members[batch].second = flipped(members[batch].second, 3073 * batch + 1);
    const TemporaryFolder folder, archive;
    write_cifar_folder(folder.path());
    write_file(folder.path() / "cifar-10" / members[batch].first, members[batch].second);
    write_file(archive.path() / "cifar-10/cifar-10-binary.tar.gz", gzip(tar(members)));
    const std::vector<std::string_view> expected = {kCifarBatches[batch]};
    CHECK(wrong_contents(cifar.description(), folder.path()) == expected);
    CHECK(wrong_contents(cifar.description(), archive.path()) == expected);
  }
}

TEST_CASE("verify finds any flipped bit of the packed files themselves") {
  const Publication mnist = published_mnist();
  for (const auto& [name, bytes] : mnist.files()) {
    // From behind gzip's header, whose time and name are no contents, to the last byte.
    for (std::size_t byte = 10; byte < bytes.size(); byte += bytes.size() / 40 + 1) {
      CAPTURE(byte);
      const TemporaryFolder data;
      write_mnist(data.path(), true);
      write_file(data.path() / "mnist" / name, flipped(bytes, byte));
      CHECK(wrong_contents(mnist.description(), data.path()) == std::vector<std::string_view>{name});
    }
  }
}

TEST_CASE("what is missing or damaged does not keep verify from checking the rest") {
  const TemporaryFolder data;
  write_mnist(data.path(), true);
  fs::remove(data.path() / "mnist/train-images-idx3-ubyte.gz");
  Bytes damaged = gzip(idx_labels(20));
  damaged[damaged.size() - 8] ^= 1;
  write_file(data.path() / "mnist/train-labels-idx1-ubyte.gz", damaged);
  const auto contents = verify_dataset(describe_dataset("mnist"), data.path());
  CHECK(contains(contents[0].error, "missing"));
  CHECK(contents[0].path.empty());
  CHECK(contains(contents[1].error, "incorrect data check"));
  CHECK(contents[1].sha256.empty());
  CHECK(contents[2].sha256 == digest(idx_images(10)));
  CHECK(contents[2].error.empty());
}

TEST_CASE("a fault at an archive's end makes every content of it doubtful") {
  const TemporaryFolder data;
  Bytes packed = gzip(tar(cifar_members()));
  packed[packed.size() - 8] ^= 1;
  write_file(data.path() / "cifar-10/cifar-10-binary.tar.gz", packed);
  for (const VerifiedContent& content : verify_dataset(describe_dataset("cifar-10"), data.path())) {
    CHECK_FALSE(content.is_right());
    CHECK(contains(content.error, "incorrect data check"));
  }
}

TEST_CASE("find_dataset tells what lies where and how large it is, packed") {
  const TemporaryFolder data;
  write_mnist(data.path(), true);
  fs::remove(data.path() / "mnist/t10k-images-idx3-ubyte.gz");
  const FoundDataset found = find_dataset(describe_dataset("mnist"), data.path());
  CHECK(found.folder == data.path() / "mnist");
  REQUIRE(found.files.size() == 3);
  CHECK(found.files[1].path.filename() == "train-labels-idx1-ubyte.gz");
  CHECK(found.files[1].bytes == static_cast<std::int64_t>(gzip(idx_labels(20)).size()));
  CHECK(found.missing == std::vector<std::string>{"t10k-images-idx3-ubyte.gz"});
  CHECK_FALSE(found.is_complete());
  CHECK(find_dataset(describe_dataset("generated-mnist"), data.path()).is_complete());
}

TEST_CASE("the real datasets verify") {
  const char* directory = std::getenv("MEMTRACK_DATA_DIR");
  for (const std::string_view name : {"mnist", "fashion-mnist", "cifar-10"}) {
    const DatasetDescription& description = describe_dataset(name);
    if (directory == nullptr || !find_dataset(description, directory).is_complete()) {
      MESSAGE("skipped: MEMTRACK_DATA_DIR names no folder with ", std::string(name));
      continue;
    }
    for (const VerifiedContent& content : verify_dataset(description, directory)) {
      CAPTURE(std::string(content.name));
      CHECK(content.is_right());
    }
  }
}

}  // namespace memtrack
