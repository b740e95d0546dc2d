// A training in Python whose workers share their data set, as data loaders do.

#include <doctest/doctest.h>

#include <string>

#include "tests/end_to_end/session.h"

using memtrack::testing::CommandResult;
using memtrack::testing::Session;

namespace {

constexpr double kMiB = 1048576;

// Four workers look at all of 96 MiB, then all wait for each other, then the training works on for 3 s.
constexpr const char* kTraining = R"py(
import time
from multiprocessing import Barrier, Process
from multiprocessing.shared_memory import SharedMemory

SIZE = 96 << 20

def load(name, all_looked, trained):
    data = SharedMemory(name)
    sum(data.buf[::4096])
    all_looked.wait()
    trained.wait()
    data.close()

if __name__ == "__main__":
    data = SharedMemory(create=True, size=SIZE)
    for begin in range(0, SIZE, 1 << 20):
        data.buf[begin:begin + (1 << 20)] = b"x" * (1 << 20)
    all_looked, trained = Barrier(5), Barrier(5)
    workers = [Process(target=load, args=(data.name, all_looked, trained)) for _ in range(4)]
    for worker in workers:
        worker.start()
    all_looked.wait()
    time.sleep(3)
    trained.wait()
    for worker in workers:
        worker.join()
    data.close()
    data.unlink()
)py";

}  // namespace

TEST_CASE("memory that data-loader workers share is in pss once, and in the sum of rss five times") {
  const Session session;
  session.write_file("train.py", kTraining);
  const CommandResult result = session.run("memtrack run --interval 50ms -- python3 train.py");
  INFO(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto number = [&](const std::string& query) { return std::stod(session.sql(query)); };
  CHECK(number("SELECT max(tree_rss_shmem_bytes) FROM samples") == doctest::Approx(5 * 96 * kMiB).epsilon(0.02));
  // Processes are read one after the other: a reading in which one of them maps or unmaps counts pages as shared by
  // more or by fewer. The median is of the 3 s in which none does.
  const double shared_pss = number(
      "WITH held AS (SELECT tree_pss_shmem_bytes AS pss, row_number() OVER (ORDER BY tree_pss_shmem_bytes) AS place, "
      "count(*) OVER () AS readings FROM samples WHERE tree_pss_shmem_bytes NOT NULL AND "
      "tree_rss_shmem_bytes > 479 * 1048576) SELECT pss FROM held WHERE place = (readings + 1) / 2");
  CHECK(shared_pss > 95 * kMiB);
  CHECK(shared_pss < 97 * kMiB);
  // Where rss is shown, so is pss, which does not count shared pages twice.
  CHECK(result.errors.find("pss") != std::string::npos);
}
