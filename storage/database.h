#pragma once

// One SQLite file, opened for one purpose. Nothing outside storage/ includes SQLiteCpp.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace SQLite {
class Database;
}

namespace memtrack {

// Could not read or write the database. is_transient(): the same call may succeed later (locked, disk full, read-only
// or failing disk), nothing was changed by it. is_locked(): because another program holds it.
class StorageError : public std::runtime_error {
 public:
  StorageError(const std::string& what, bool transient, bool locked = false)
      : std::runtime_error(what), transient_(transient), locked_(locked) {}
  bool is_transient() const { return transient_; }
  bool is_locked() const { return locked_; }

 private:
  bool transient_;
  bool locked_;
};

class Database {
 public:
  // Creates the file (and its folder) where missing and migrates an older schema. WAL, synchronous=FULL, foreign keys.
  // A statement waits `busy_timeout` at most for another writer, then throws a transient StorageError.
  // Refused with one sentence: a foreign file, a newer schema (both numbers said), a network file system.
  static Database open_for_writing(const std::filesystem::path& path,
                                   std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));

  // Read-only by open mode. Refused: no such file (the message says how to make one), foreign, newer, older.
  static Database open_for_reading(const std::filesystem::path& path);

  // The same, an older schema too: for who copies it, or knows what he asks.
  static Database open_older_for_reading(const std::filesystem::path& path);

  // The same of a database that is somebody else's, and leaves nothing beside it that was not there: its companions go
  // when it is closed, and are not made where its folder may not be written.
  static Database open_other_for_reading(const std::filesystem::path& path);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  const std::filesystem::path& path() const { return path_; }
  SQLite::Database& handle() const { return *handle_; }  // for storage/ only

 private:
  Database(std::filesystem::path path, std::unique_ptr<SQLite::Database> handle);

  std::filesystem::path path_;
  std::unique_ptr<SQLite::Database> handle_;
};

// A random 128-bit id as 32 hexadecimal digits: unique in the world, so that files can be merged.
std::string make_uid();

// Unix epoch, nanoseconds.
std::int64_t now_ns();

}  // namespace memtrack
