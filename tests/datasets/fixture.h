#pragma once

// Small files in the real formats, written by the tests into a folder of their own.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace memtrack::testing {

using Bytes = std::vector<std::uint8_t>;

// A folder that is empty at first and removed with all its contents at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const Bytes& bytes);
Bytes gzip(const Bytes& bytes, int level = 9);  // level: 1, the fastest, to 9

// IDX of `count` images of 28 x 28, pixel p of image i is (i + p) % 256; label i is i % 10.
Bytes idx_images(std::uint32_t count, std::uint32_t rows = 28, std::uint32_t columns = 28);
Bytes idx_labels(std::uint32_t count);

// A CIFAR-10 batch: record i has label (i + first) % 10 and pixels (i + first + p) % 256.
Bytes cifar_batch(int records, int first);

// A tar archive (ustar) of these members.
Bytes tar(const std::vector<std::pair<std::string, Bytes>>& members);

// The four files of MNIST in DATA/mnist, 20 training and 10 test images; packed with their .gz names, or plain.
void write_mnist(const std::filesystem::path& data, bool packed);

// The six batches by name, with so many records each.
std::vector<std::pair<std::string, Bytes>> cifar_members(int records = 10);
void write_cifar_folder(const std::filesystem::path& data);

// What `function` throws as a std::exception, or "" where it throws nothing.
template <typename Function>
std::string error_of(Function&& function) {
  try {
    function();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace memtrack::testing
