#pragma once

#include <filesystem>

namespace memtrack {

// What was asked at the prompt of `memtrack sql`, in the state directory (storage/paths.h).
std::filesystem::path sql_history_path();

}  // namespace memtrack
