#include "tests/datasets/fixture.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <stdexcept>

namespace memtrack::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTarBlock = 512;

void append_number(Bytes& bytes, std::uint32_t number) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(number >> shift & 255));
}

void append(Bytes& bytes, std::string_view text, std::size_t width) {
  const std::size_t end = bytes.size() + width;
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.resize(end, 0);
}

// POSIX 1003.1-1990, ustar: numbers are octal text, the checksum is that of the header with blanks in its place.
Bytes tar_header(std::string_view name, std::size_t size) {
  const auto header = [&](std::string_view checksum) {
    Bytes bytes;
    append(bytes, name, 100);
    append(bytes, "0000644", 8);
    append(bytes, "0000000", 8);
    append(bytes, "0000000", 8);
    append(bytes, fmt::format("{:011o}", size), 12);
    append(bytes, "00000000000", 12);
    append(bytes, checksum, 8);
    append(bytes, "0", 1);
    append(bytes, "", 100);
    append(bytes, "ustar", 6);
    append(bytes, "00", 2);
    bytes.resize(kTarBlock, 0);
    return bytes;
  };
  const Bytes blank = header("        ");
  return header(fmt::format("{:06o}", std::accumulate(blank.begin(), blank.end(), 0u)) + std::string("\0 ", 2));
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "memtrack-datasets-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, const Bytes& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

Bytes gzip(const Bytes& bytes, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  Bytes packed(deflateBound(&stream, bytes.size()) + 64);
  Bytes input = bytes;
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib does not pack");
  return packed;
}

Bytes idx_images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
  Bytes bytes;
  for (const std::uint32_t number : {0x803u, count, rows, columns}) append_number(bytes, number);
  for (std::uint32_t image = 0; image < count; ++image) {
    for (std::uint32_t pixel = 0; pixel < rows * columns; ++pixel) {
      bytes.push_back(static_cast<std::uint8_t>(image + pixel));
    }
  }
  return bytes;
}

Bytes idx_labels(std::uint32_t count) {
  Bytes bytes;
  append_number(bytes, 0x801);
  append_number(bytes, count);
  for (std::uint32_t image = 0; image < count; ++image) bytes.push_back(static_cast<std::uint8_t>(image % 10));
  return bytes;
}

Bytes cifar_batch(int records, int first) {
  Bytes bytes;
  for (int record = first; record < first + records; ++record) {
    bytes.push_back(static_cast<std::uint8_t>(record % 10));
    for (int pixel = 0; pixel < 3072; ++pixel) bytes.push_back(static_cast<std::uint8_t>(record + pixel));
  }
  return bytes;
}

Bytes tar(const std::vector<std::pair<std::string, Bytes>>& members) {
  Bytes archive;
  for (const auto& [name, contents] : members) {
    const Bytes header = tar_header(name, contents.size());
    archive.insert(archive.end(), header.begin(), header.end());
    archive.insert(archive.end(), contents.begin(), contents.end());
    archive.resize((archive.size() + kTarBlock - 1) / kTarBlock * kTarBlock, 0);
  }
  archive.resize(archive.size() + 2 * kTarBlock, 0);
  return archive;
}

void write_mnist(const fs::path& data, bool packed) {
  const auto write = [&](const std::string& name, const Bytes& bytes) {
    write_file(data / "mnist" / (packed ? name + ".gz" : name), packed ? gzip(bytes) : bytes);
  };
  write("train-images-idx3-ubyte", idx_images(20));
  write("train-labels-idx1-ubyte", idx_labels(20));
  write("t10k-images-idx3-ubyte", idx_images(10));
  write("t10k-labels-idx1-ubyte", idx_labels(10));
}

std::vector<std::pair<std::string, Bytes>> cifar_members(int records) {
  std::vector<std::pair<std::string, Bytes>> members;
  for (int batch = 0; batch < 5; ++batch) {
    members.emplace_back(fmt::format("cifar-10-batches-bin/data_batch_{}.bin", batch + 1),
                         cifar_batch(records, batch * records));
  }
  members.emplace_back("cifar-10-batches-bin/test_batch.bin", cifar_batch(records, 5 * records));
  return members;
}

void write_cifar_folder(const fs::path& data) {
  for (const auto& [name, contents] : cifar_members()) write_file(data / "cifar-10" / name, contents);
}

}  // namespace memtrack::testing
