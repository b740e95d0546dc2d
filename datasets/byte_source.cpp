#include "datasets/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "datasets/dataset.h"

namespace memtrack {
namespace {

constexpr std::size_t kBufferBytes = 65536;
constexpr std::int64_t kMostDeflateRatio = 1032;  // a deflate stream cannot expand more (zlib's technical notes)

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path) : path_(path.string()) {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw DatasetError(fmt::format("{}: cannot be opened: {}", path_, std::strerror(errno)));
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw DatasetError(fmt::format("{}: is not a regular file", path_));
    }
    bytes_ = status.st_size;
  }
  ~InputFile() { ::close(descriptor_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::size_t read(std::span<std::uint8_t> target) {
    while (true) {
      const ssize_t count = ::read(descriptor_, target.data(), target.size());
      if (count >= 0) {
        offset_ += count;
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) {
        throw DatasetError(fmt::format("{}: byte {}: cannot be read: {}", path_, offset_, std::strerror(errno)));
      }
    }
  }

  const std::string& path() const { return path_; }
  std::int64_t bytes() const { return bytes_; }
  std::int64_t offset() const { return offset_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
  std::int64_t offset_ = 0;
};

class PlainFile : public ByteSource {
 public:
  explicit PlainFile(const std::filesystem::path& path) : ByteSource(path.string()), file_(path) {}
  std::int64_t most_bytes_possible() const override { return file_.bytes(); }

 protected:
  std::size_t read_some(std::span<std::uint8_t> target) override {
    if (begin_ == end_) {
      if (target.size() >= kBufferBytes) return file_.read(target);
      begin_ = 0;
      end_ = file_.read(buffer_);
    }
    const std::size_t count = std::min(target.size(), end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), count, target.begin());
    begin_ += count;
    return count;
  }

 private:
  InputFile file_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kBufferBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// RFC 1952, several members after each other included. zlib checks each member's CRC-32 and length.
class GzipFile : public ByteSource {
 public:
  explicit GzipFile(const std::filesystem::path& path) : ByteSource(path.string()), file_(path) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw DatasetError(name() + ": zlib could not be started");
  }
  ~GzipFile() override { inflateEnd(&stream_); }
  std::int64_t most_bytes_possible() const override { return file_.bytes() * kMostDeflateRatio; }

 protected:
  std::size_t read_some(std::span<std::uint8_t> target) override {
    const std::size_t wanted = std::min<std::size_t>(target.size(), std::numeric_limits<uInt>::max());
    stream_.next_out = target.data();
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0 && !refill()) {
        if (between_members_) return 0;
        fail_packed("the gzip data end in the middle: the file is truncated");
      }
      inflate_more();
    }
    return wanted - stream_.avail_out;
  }

 private:
  void inflate_more() {
    between_members_ = false;
    const uInt room = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    unpacked_ += room - stream_.avail_out;
    if (result == Z_STREAM_END) {
      between_members_ = true;
      inflateReset(&stream_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail_packed(fmt::format("not gzip data, or damaged: {}", stream_.msg ? stream_.msg : zError(result)));
    }
  }

  bool refill() {
    const std::size_t count = file_.read(buffer_);
    stream_.next_in = buffer_.data();
    stream_.avail_in = static_cast<uInt>(count);
    return count > 0;
  }

  [[noreturn]] void fail_packed(const std::string& what) const {
    throw DatasetError(fmt::format("{}: byte {} of the packed file ({} when unpacked): {}", name(),
                                   file_.offset() - stream_.avail_in, unpacked_, what));
  }

  InputFile file_;
  z_stream stream_{};
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kBufferBytes);
  bool between_members_ = false;
  std::int64_t unpacked_ = 0;  // bytes, of all members
};

}  // namespace

std::size_t ByteSource::read(std::span<std::uint8_t> target) {
  std::size_t done = 0;
  while (done < target.size()) {
    const std::size_t count = read_some(target.subspan(done));
    if (count == 0) break;
    done += count;
    offset_ += static_cast<std::int64_t>(count);
  }
  return done;
}

void ByteSource::read_exactly(std::span<std::uint8_t> target, std::string_view what) {
  const std::size_t count = read(target);
  if (count == target.size()) return;
  fail_at(offset_, fmt::format("the contents end here, {} bytes before the end of {}: the file is truncated",
                               target.size() - count, what));
}

void ByteSource::expect_end() {
  const std::int64_t end = offset_;
  std::uint8_t byte = 0;
  if (read({&byte, 1}) != 0) fail_at(end, "more bytes follow where the contents should end");
}

void ByteSource::fail_at(std::int64_t offset, std::string_view what) const {
  throw DatasetError(fmt::format("{}: byte {}: {}", name_, offset, what));
}

std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path) {
  // NAME.gz.part is a NAME.gz that is being downloaded.
  const std::filesystem::path name = path.extension() == ".part" ? path.stem() : path.filename();
  if (name.extension() == ".gz") return std::make_unique<GzipFile>(path);
  return std::make_unique<PlainFile>(path);
}

}  // namespace memtrack
