#pragma once

// What may succeed later without anybody's changing a program, a path or a right: something was short.

#include <exception>

namespace memtrack {

// Of errno: no room on the disk, no descriptor, process or memory left, a file system that is read-only or fails.
bool is_shortage(int error_number);

// A transient StorageError, a std::system_error of a shortage, std::bad_alloc, NoRuntimeDirectory.
bool may_pass(const std::exception& error);

// What a collector exits with where the error that ended it may pass (EX_TEMPFAIL of sysexits.h). A trial whose command
// it had not started may be started again.
constexpr int kShortageExitCode = 75;

}  // namespace memtrack
