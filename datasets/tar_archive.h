#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "datasets/byte_source.h"

namespace memtrack {

// Called for each regular file in a tar archive, in the archive's order. What it leaves unread is skipped.
using TarMemberVisitor = std::function<void(const std::string& member, ByteSource& source, std::int64_t bytes)>;

// Reads the archive once, in constant memory, to its very end: a gzip checksum that is wrong is found. Throws
// DatasetError for a damaged archive, with the offset in the unpacked tar.
void visit_tar_members(const std::filesystem::path& path, const TarMemberVisitor& visit);

}  // namespace memtrack
