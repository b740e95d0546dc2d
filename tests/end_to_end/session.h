#pragma once

// A user's session of its own: folders, sockets, database and data sets apart from everybody else's, the built programs
// on the PATH. A daemon that was started in it is ended with it.

#include <filesystem>
#include <string>

#include "tests/temporary_directory.h"
#include "tests/wait_until.h"

namespace memtrack::testing {

struct CommandResult {
  int exit_code = -1;  // 128 + signal where one ended it
  std::string output;  // stdout
  std::string errors;  // stderr
};

class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs a shell command in the session's folder and waits for its end.
  CommandResult run(const std::string& shell_command) const;

  // The same, and the test fails here where its exit code is not 0. Returns stdout.
  std::string output_of(const std::string& shell_command) const;

  // One value from the database, by the stock sqlite3 shell, which knows nothing of us. Empty: NULL or no row.
  std::string sql(const std::string& query) const;

  // Writes a file in the session's folder, folders included.
  void write_file(const std::string& name, const std::string& text) const;

  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryDirectory folder_;
};

// Small data sets in the original formats and under the original names, in `folder`/data: `mnist` (IDX, gzip) and
// `cifar-10` (binary). Every class has its own stripe of bright pixels, so that one epoch learns it.
void write_small_mnist(const Session& session, int train_count, int test_count);
void write_small_cifar_10(const Session& session, int count_per_batch);

}  // namespace memtrack::testing
