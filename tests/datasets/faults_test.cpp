// Every way in which a file can be wrong, and what is said about it: file, offset, remedy.

#include <doctest/doctest.h>

#include <functional>

#include "datasets/catalog.h"
#include "tests/datasets/fixture.h"
#include "tests/text.h"

namespace memtrack {
namespace {

using namespace testing;
namespace fs = std::filesystem;

struct Fault {
  const char* what;
  const char* file;  // below the dataset's folder
  std::function<Bytes()> contents;
  std::vector<const char*> says;
};

Bytes changed(Bytes bytes, std::size_t offset, std::uint8_t value) {
  bytes.at(offset) = value;
  return bytes;
}

Bytes cut(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes with_tail(Bytes bytes, Bytes tail) {
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kPackedImages = "train-images-idx3-ubyte.gz";
constexpr const char* kLabels = "t10k-labels-idx1-ubyte";
constexpr const char* kPackedLabels = "t10k-labels-idx1-ubyte.gz";
constexpr const char* kBatch = "cifar-10-batches-bin/data_batch_3.bin";
constexpr const char* kArchive = "cifar-10-binary.tar.gz";

const std::vector<Fault>& idx_faults() {
  static const std::vector<Fault> faults = {
      {"empty file", kImages, [] { return Bytes{}; }, {"byte 0", "truncated"}},
      {"cut in the header", kImages, [] { return cut(idx_images(20), 9); }, {"byte 9", "truncated"}},
      {"cut in the pixels", kImages, [] { return cut(idx_images(20), 5000); }, {"byte 4", "20 images", "holds 6"}},
      {"bytes after the pixels", kImages, [] { return with_tail(idx_images(20), {0}); }, {"byte 15696", "more bytes"}},
      {"labels given as images", kImages, [] { return idx_labels(20); }, {"byte 0", "0x00000801", "0x00000803"}},
      {"a batch of CIFAR-10",
       kImages,
       [] { return cifar_batch(10, 0); },
       {"byte 0", "IDX images begin with 0x00000803"}},
      {"packed CIFAR-10",
       kPackedImages,
       [] { return gzip(tar(cifar_members())); },
       {"byte 0", "IDX images begin with"}},
      {"27 rows", kImages, [] { return idx_images(20, 27, 28); }, {"byte 8", "27 rows, expected 28"}},
      {"29 columns", kImages, [] { return idx_images(20, 28, 29); }, {"byte 12", "29 columns, expected 28"}},
      {"no images", kImages, [] { return idx_images(0); }, {"byte 4", "no images"}},
      {"an absurd count", kImages, [] { return changed(idx_images(20), 4, 255); }, {"byte 4", "4278190100 images"}},
      {"an absurd count in .gz", kPackedImages, [] { return gzip(changed(idx_images(20), 4, 255)); }, {"byte 4"}},
      {"too few labels", kLabels, [] { return idx_labels(9); }, {"byte 4", "9 labels, but 10 images", "t10k-images"}},
      {"a label of 10",
       kLabels,
       [] { return changed(idx_labels(10), 15, 10); },
       {"byte 15", "image 7 is 10", "0 to 9"}},
      {"bytes after the labels", kLabels, [] { return with_tail(idx_labels(10), {0}); }, {"byte 18", "more bytes"}},
      {"cut .gz", kPackedImages, [] { return cut(gzip(idx_images(20)), 300); }, {"byte 300", "truncated"}},
      {"wrong checksum",
       kPackedLabels,
       [] {
         Bytes packed = gzip(idx_labels(10));
         packed[packed.size() - 8] ^= 1;
         return packed;
       },
       {"of the packed file", "18 when unpacked", "incorrect data check"}},
      {"wrong length at the end",
       kPackedLabels,
       [] {
         Bytes packed = gzip(idx_labels(10));
         packed[packed.size() - 4] ^= 1;
         return packed;
       },
       {"of the packed file", "incorrect length check"}},
      {"cut in the checksum",
       kPackedLabels,
       [] {
         const Bytes packed = gzip(idx_labels(10));
         return cut(packed, packed.size() - 3);
       },
       {"truncated"}},
      {"a .gz that is not packed", kPackedLabels, [] { return idx_labels(10); }, {"byte 2", "incorrect header check"}},
      {"bytes behind the .gz",
       kPackedLabels,
       [] {
         return with_tail(gzip(idx_labels(10)), {1, 2, 3});
       },
       {"not gzip"}},
      {"more labels in a second member",
       kPackedLabels,
       [] { return with_tail(gzip(idx_labels(10)), gzip({1})); },
       {"byte 18", "more bytes"}},
  };
  return faults;
}

Bytes archive_of(const std::function<void(std::vector<std::pair<std::string, Bytes>>&)>& change) {
  auto members = cifar_members();
  change(members);
  return gzip(tar(members));
}

const std::vector<Fault>& cifar_faults() {
  static const std::vector<Fault> faults = {
      {"empty batch", kBatch, [] { return Bytes{}; }, {"byte 0", "empty"}},
      {"images of MNIST", kBatch, [] { return idx_images(20); }, {"byte 15365", "a record of 3073 bytes"}},
      {"as many images of MNIST as fit",
       kBatch,
       [] { return cut(idx_images(40), 30730); },
       {"data_batch_3.bin", "labels go from 0 to 9"}},
      {"an archive of something else",
       kArchive,
       [] {
         return gzip(tar({{"notes.txt", Bytes(700, 'n')}}));
       },
       {"no member data_batch_1.bin"}},
      {"cut in a record", kBatch, [] { return cut(cifar_batch(10, 20), 20000); }, {"byte 18438", "middle of a record"}},
      {"a byte too many", kBatch, [] { return with_tail(cifar_batch(10, 20), {0}); }, {"byte 30730", "record"}},
      {"a record too few", kBatch, [] { return cifar_batch(9, 20); }, {"byte 27657", "9 records", "holds 10"}},
      {"a label of 11", kBatch, [] { return changed(cifar_batch(10, 20), 3073 * 4, 11); }, {"byte 12292", "4 is 11"}},
      {"cut archive", kArchive, [] { return cut(archive_of([](auto&) {}), 1000); }, {"byte 1000", "truncated"}},
      {"not an archive", kArchive, [] { return gzip(Bytes(5000, 77)); }, {"archive"}},
      {"archive not packed", kArchive, [] { return tar(cifar_members()); }, {"not gzip"}},
      {"an archive without one batch",
       kArchive,
       [] { return archive_of([](auto& members) { members.erase(members.begin() + 2); }); },
       {"no member data_batch_3.bin"}},
      {"a batch twice",
       kArchive,
       [] { return archive_of([](auto& members) { members.push_back(members[1]); }); },
       {"data_batch_2.bin", "twice"}},
      {"a short batch in the archive",
       kArchive,
       [] { return archive_of([](auto& members) { members[2].second.resize(5000); }); },
       {"data_batch_3.bin", "byte 3073"}},
      {"a wrong label in the archive",
       kArchive,
       [] { return archive_of([](auto& members) { members[5].second[3073] = 200; }); },
       {"test_batch.bin", "byte 3073", "image 1 is 200"}},
      {"a wrong checksum behind the last member",
       kArchive,
       [] {
         Bytes packed = archive_of([](auto&) {});
         packed[packed.size() - 8] ^= 1;
         return packed;
       },
       {"incorrect data check"}},
      {"bytes behind the archive's end",
       kArchive,
       [] { return gzip(with_tail(tar(cifar_members()), Bytes(70000, 9))); },
       {"more bytes follow"}},
      {"an archive cut inside",
       kArchive,
       [] { return gzip(cut(tar(cifar_members()), 100000)); },
       {"data_batch_4.bin", "runcated"}},
      {"a huge member",
       kArchive,
       [] {
         Bytes archive = tar(cifar_members());
         const std::string size = "77777777777";
         std::copy(size.begin(), size.end(), archive.begin() + 124);
         return gzip(archive);
       },
       {"archive"}},
  };
  return faults;
}

void check_faults(const DatasetDescription& description, const std::vector<Fault>& faults,
                  const std::function<void(const fs::path&, const Fault&)>& write_rest) {
  for (const Fault& fault : faults) {
    CAPTURE(std::string(fault.what));
    const TemporaryFolder data;
    write_rest(data.path(), fault);
    write_file(data.path() / description.name / fault.file, fault.contents());
    const std::string error = error_of([&] { load_dataset(description, data.path()); });
    CAPTURE(error);
    CHECK(contains(error, (data.path() / description.name / fault.file).string()));
    CHECK(contains(error, std::string("memtrack datasets download ").append(description.name)));
    CHECK(contains(error, std::string("memtrack datasets verify ").append(description.name)));
    for (const char* part : fault.says) CHECK(contains(error, part));
  }
}

}  // namespace

TEST_CASE("a fault in an IDX file names the file, the offset and the remedy") {
  check_faults(describe_dataset("mnist"), idx_faults(), [](const fs::path& data, const Fault& fault) {
    write_mnist(data, fs::path(fault.file).extension() == ".gz");
  });
}

TEST_CASE("a fault in a CIFAR-10 batch or archive names the file, the offset and the remedy") {
  check_faults(describe_dataset("cifar-10"), cifar_faults(), [](const fs::path& data, const Fault& fault) {
    if (fault.file == kBatch) write_cifar_folder(data);
  });
}

TEST_CASE("missing files are all named, with where they belong and where they come from") {
  const TemporaryFolder data;
  write_mnist(data.path(), true);
  fs::remove(data.path() / "mnist/t10k-labels-idx1-ubyte.gz");
  const std::string one = error_of([&] { load_dataset(describe_dataset("mnist"), data.path()); });
  CAPTURE(one);
  CHECK(contains(one, (data.path() / "mnist").string() + ": "));
  CHECK(contains(one, "t10k-labels-idx1-ubyte.gz missing"));
  CHECK_FALSE(contains(one, "train-images"));
  CHECK(contains(one, "`memtrack datasets download mnist`"));
  CHECK(contains(one, "http://yann.lecun.com/exdb/mnist/"));
  CHECK(contains(one, "--dataset=generated-mnist"));

  const std::string all = error_of([&] { load_dataset(describe_dataset("cifar-10"), data.path()); });
  CHECK(contains(all, "cifar-10-binary.tar.gz missing"));
  CHECK(contains(all, "--dataset=generated-cifar-10"));
}

TEST_CASE("a batch missing from the folder is named") {
  const TemporaryFolder data;
  write_cifar_folder(data.path());
  fs::remove(data.path() / "cifar-10/cifar-10-batches-bin/data_batch_5.bin");
  const std::string error = error_of([&] { load_dataset(describe_dataset("cifar-10"), data.path()); });
  CHECK(contains(error, "cifar-10-batches-bin/data_batch_5.bin missing"));
}

}  // namespace memtrack
