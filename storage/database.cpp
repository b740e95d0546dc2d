#include "storage/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include "storage/file_descriptor.h"
#include "storage/file_system.h"
#include "storage/paths.h"
#include "storage/reading_only.h"
#include "storage/reading_uri.h"
#include "storage/schema.h"
#include "storage/sql_functions.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

int read_pragma(SQLite::Database& handle, const char* pragma) {
  return handle.execAndGet(pragma).getInt();
}

void refuse_foreign(SQLite::Database& handle, const fs::path& path) {
  const bool empty = handle.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (!empty && read_pragma(handle, "PRAGMA application_id") != kApplicationId) {
    throw StorageError(
        fmt::format("{} is an SQLite file of another program; name another file with --db", path.string()), false);
  }
  const int version = read_pragma(handle, "PRAGMA user_version");
  if (const auto known = static_cast<int>(migrations().size()); version > known) {
    throw StorageError(
        fmt::format("{} has schema version {}, and this memtrack {} knows versions up to {}; use a newer "
                    "memtrack",
                    path.string(), version, MEMTRACK_VERSION, known),
        false);
  }
}

// Two programs may open a new file at once: the version is read again inside the transaction.
void migrate(SQLite::Database& handle) {
  for (int version = read_pragma(handle, "PRAGMA user_version"); version < static_cast<int>(migrations().size());
       version = read_pragma(handle, "PRAGMA user_version")) {
    SQLite::Transaction transaction(handle, SQLite::TransactionBehavior::IMMEDIATE);
    if (read_pragma(handle, "PRAGMA user_version") != version) {
      continue;
    }
    handle.exec(std::string(migrations()[static_cast<std::size_t>(version)]));
    handle.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, version + 1));
    transaction.commit();
  }
}

// Folder and file are made by us, so that they are their user's alone: commands and sweep files stand in the database.
// SQLite gives its -wal and -shm files the mode of the database. Who wants others to read it may change its mode.
void make_private_file(const fs::path& path) {
  try {
    make_folders(path.parent_path());
  } catch (const std::system_error& error) {
    throw StorageError(fmt::format("cannot make the folder of {}: {}; name another file with --db", path.string(),
                                   error.code().message()),
                       false);
  }
  // Never of a file that is there: closing a descriptor of it would drop the locks of our own connections (fcntl(2)).
  // Where it cannot be made, SQLite says why.
  FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

// SQLite's own words name neither the folder nor what is wrong with it.
StorageError opening_error(const SQLite::Exception& error, const fs::path& path) {
  StorageError found = to_storage_error(error, "open the database for writing", path);
  const std::string problem = writing_problem(path);
  return problem.empty() ? found
                         : StorageError(fmt::format("cannot open the database for writing: {}; name another file with "
                                                    "--db or MEMTRACK_DB",
                                                    problem),
                                        found.is_transient());
}

}  // namespace

namespace {

struct Trouble {
  bool may_pass = false;
  std::string_view remedy = {};
  bool is_lock = false;
};

Trouble trouble_of(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:  // others were quicker, again and again
      return {true, "; another program holds it: wait for that, or end it", true};
    case SQLITE_FULL:
      return {true, "; make room on its disk"};
    case SQLITE_READONLY:
      return {true, "; see that it, its folder and its file system may be written"};
    case SQLITE_IOERR:
      return {true, "; its disk may be full or failing: the system's log knows"};
    case SQLITE_CANTOPEN:
      return {true, "; see that its folder may be written, and that the program has descriptors left"};
    case SQLITE_NOMEM:
      return {true, ""};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {false,
              "; it is damaged or no database: move it away and put a copy in its place, or rescue what is in it with "
              "'sqlite3 FILE .recover'"};
    default:
      return {};
  }
}

}  // namespace

StorageError to_storage_error(const SQLite::Exception& error, std::string_view doing, const fs::path& path) {
  const Trouble trouble = trouble_of(error.getErrorCode());
  return {fmt::format("cannot {}: {} ({}){}", doing, error.what(), path.string(), trouble.remedy), trouble.may_pass,
          trouble.is_lock};
}

Database::Database(fs::path path, std::unique_ptr<SQLite::Database> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::open_for_writing(const fs::path& path, std::chrono::milliseconds busy_timeout) {
  if (const auto file_system = file_system_of(path)) {
    refuse_network(path, *file_system);
  }
  make_private_file(path);
  try {
    auto handle = std::make_unique<SQLite::Database>(
        path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI,  // of what may be attached
        static_cast<int>(busy_timeout.count()));
    refuse_foreign(*handle, path);
    handle->exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    migrate(*handle);
    return Database(path, std::move(handle));
  } catch (const SQLite::Exception& error) {
    throw opening_error(error, path);
  }
}

Database Database::open_older_for_reading(const fs::path& path) {
  if (!fs::exists(path)) {
    throw StorageError(
        fmt::format("there is no database {} yet; 'memtrack run -- COMMAND' or 'memtrack sweep FILE' makes "
                    "one, --db or MEMTRACK_DB names another",
                    path.string()),
        false);
  }
  return with_storage_errors("open the database for reading", path, [&] {
    auto handle = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READONLY, 10000);
    refuse_foreign(*handle, path);
    add_sql_functions(handle->getHandle());
    allow_reading_only(handle->getHandle());
    return Database(path, std::move(handle));
  });
}

Database Database::open_other_for_reading(const fs::path& path) {
  if (!fs::exists(path)) throw StorageError(fmt::format("there is no file {}", path.string()), false);
  return with_storage_errors("open the database for reading", path, [&] {
    // The last one to close it removes its companions, if he may write: a reader alone would leave them.
    auto handle =
        may_write(path) && !has_log(path)
            ? std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE, 10000)
            : std::make_unique<SQLite::Database>(reading_uri(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI, 10000);
    refuse_foreign(*handle, path);
    allow_reading_only(handle->getHandle());
    return Database(path, std::move(handle));
  });
}

Database Database::open_for_reading(const fs::path& path) {
  Database database = open_older_for_reading(path);
  const int version = with_storage_errors("open the database for reading", path,
                                          [&] { return read_pragma(database.handle(), "PRAGMA user_version"); });
  if (version < static_cast<int>(migrations().size())) {
    throw StorageError(fmt::format("{} has schema version {}, and {} is needed; the next program that writes to it "
                                   "brings it up to date, for example memtrackd",
                                   path.string(), version, migrations().size()),
                       false);
  }
  return database;
}

std::string make_uid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error(fmt::format("cannot get random bytes: {}", std::strerror(errno)));
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uid;
  for (const unsigned char byte : bytes) {
    uid += kDigits[byte >> 4];
    uid += kDigits[byte & 15];
  }
  return uid;
}

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace memtrack
