#pragma once

// A file's contents as a stream of bytes, unpacked on the way where the file is gzip. Every error names the file and
// the offset of the byte that is wrong.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace memtrack {

class ByteSource {
 public:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Reads until `target` is full or the contents end; returns how many bytes were read. Throws DatasetError.
  std::size_t read(std::span<std::uint8_t> target);

  // Fills `target`, or throws DatasetError: "FILE: byte N: the contents end here, WHAT is cut off ...".
  void read_exactly(std::span<std::uint8_t> target, std::string_view what);

  // Throws DatasetError unless the contents end here. For gzip this also checks the checksum at the file's end.
  void expect_end();

  const std::string& name() const { return name_; }      // path, or "archive: member"
  std::int64_t offset() const { return offset_; }        // of the next byte, in the unpacked contents
  virtual std::int64_t most_bytes_possible() const = 0;  // an upper bound of the contents' size, from the file's size

  // Throws DatasetError: "FILE: byte N: what".
  [[noreturn]] void fail_at(std::int64_t offset, std::string_view what) const;

 protected:
  // At least one byte, or 0 at the end.
  virtual std::size_t read_some(std::span<std::uint8_t> target) = 0;

 private:
  std::string name_;
  std::int64_t offset_ = 0;
};

// Opens `path` for reading; unpacks it where its name ends in .gz (or .gz.part). Throws DatasetError where it cannot be
// opened.
std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path);

}  // namespace memtrack
