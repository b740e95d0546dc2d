#include "datasets/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <vector>

#include "datasets/dataset.h"

namespace memtrack {
namespace {

constexpr std::size_t kBlockBytes = 65536;

struct ArchiveCloser {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveCloser>;

// The unpacked tar, as libarchive asks for it. Unpacking is ours: libarchive 3.6 does not check gzip's checksum.
struct TarInput {
  std::unique_ptr<ByteSource> source;
  std::vector<std::uint8_t> block = std::vector<std::uint8_t>(kBlockBytes);
  std::exception_ptr error;  // exceptions do not cross libarchive
};

la_ssize_t read_block(archive* handle, void* client, const void** buffer) {
  auto& input = *static_cast<TarInput*>(client);
  try {
    *buffer = input.block.data();
    return static_cast<la_ssize_t>(input.source->read(input.block));
  } catch (const std::exception& error) {
    input.error = std::current_exception();
    archive_set_error(handle, EIO, "%s", error.what());
    return ARCHIVE_FATAL;
  }
}

std::string error_text(archive* handle) {
  const char* text = archive_error_string(handle);
  return text ? text : "not a tar archive";
}

[[noreturn]] void fail(const TarInput& input, archive* handle) {
  if (input.error) std::rethrow_exception(input.error);
  throw DatasetError(fmt::format("{}: near byte {} of the unpacked archive: {}", input.source->name(),
                                 std::max<std::int64_t>(archive_filter_bytes(handle, 0), 0), error_text(handle)));
}

class TarMember : public ByteSource {
 public:
  TarMember(TarInput& input, archive* handle, const std::string& name)
      : ByteSource(input.source->name() + ": " + name), input_(input), handle_(handle) {}
  std::int64_t most_bytes_possible() const override { return input_.source->most_bytes_possible(); }

 protected:
  std::size_t read_some(std::span<std::uint8_t> target) override {
    const la_ssize_t count = archive_read_data(handle_, target.data(), target.size());
    if (count < 0 && input_.error) std::rethrow_exception(input_.error);
    if (count < 0) fail_at(offset(), error_text(handle_));
    return static_cast<std::size_t>(count);
  }

 private:
  TarInput& input_;
  archive* handle_;
};

// A tar ends in blocks of zeros, as many as its writer liked.
void expect_only_zeros(TarInput& input) {
  while (const std::size_t count = input.source->read(input.block)) {
    const auto end = input.block.begin() + static_cast<std::ptrdiff_t>(count);
    const auto found = std::find_if(input.block.begin(), end, [](std::uint8_t byte) { return byte != 0; });
    if (found == end) continue;
    input.source->fail_at(input.source->offset() - static_cast<std::int64_t>(end - found),
                          "more bytes follow behind the end of the tar archive");
  }
}

}  // namespace

void visit_tar_members(const std::filesystem::path& path, const TarMemberVisitor& visit) {
  TarInput input;
  input.source = open_byte_source(path);
  const ArchiveHandle handle(archive_read_new());
  archive_read_support_format_tar(handle.get());
  if (archive_read_open(handle.get(), &input, nullptr, read_block, nullptr) != ARCHIVE_OK) fail(input, handle.get());
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(handle.get(), &entry)) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string member = archive_entry_pathname(entry);
    TarMember source(input, handle.get(), member);
    visit(member, source, archive_entry_size(entry));
  }
  if (result != ARCHIVE_EOF) fail(input, handle.get());
  expect_only_zeros(input);
}

}  // namespace memtrack
