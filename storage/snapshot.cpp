#include "storage/snapshot.h"

#include "storage/sqlite_error.h"

namespace memtrack {

Snapshot::Snapshot(Database& database) : database_(database) {
  with_storage_errors("read the database", database.path(), [&] {
    database_.handle().exec("BEGIN");
    database_.handle().execAndGet("SELECT count(*) FROM sqlite_schema");  // the state is that of the first reading
  });
}

Snapshot::~Snapshot() {
  database_.handle().tryExec("COMMIT");
}

}  // namespace memtrack
