#pragma once

struct sqlite3;

namespace memtrack {

// From here on this connection reads its one file and nothing else, whatever it is asked: statements that write (also
// to temporary tables), ATTACH, load_extension() and PRAGMAs that change something fail to compile with SQLITE_AUTH.
// Stands beside the read-only open mode, which guards the file alone.
void allow_reading_only(sqlite3* handle);

}  // namespace memtrack
