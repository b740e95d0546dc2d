#pragma once

// Small files that are their user's alone.

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "storage/file_descriptor.h"

namespace memtrack {

// Returns how many bytes the file took. Where that is not all of them, errno says why.
std::size_t write_bytes(int file, std::string_view bytes);

// Makes the file anew, with mode 0600 whatever was there before, and returns it open. Throws std::system_error where it
// cannot be written, and leaves nothing then.
FileDescriptor write_private_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace memtrack
