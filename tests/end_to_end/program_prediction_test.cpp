// What programs that memtrack knows nothing of will take, told by their own trials: real sweeps of a program whose
// memory is known by construction.

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"

using namespace memtrack::testing;

namespace {

std::string sweep_of(const std::string& sizes) {
  return "name: sizes\nmethod: grid\nprogram: " MEMTRACK_BUILD_DIR
         "/tests/collector/footprint\ncommand: [\"${program}\", \"${args_no_hyphens}\"]\n"
         "parameters: {private: {values: [" +
         sizes + "]}}\nmemtrack: {interval: 10ms}\n";
}

}  // namespace

TEST_CASE("a program's next trials are told from those that it has done") {
  const Session session;
  session.write_file("measured.yaml", sweep_of("10, 20, 40, 60, 80, 90, 100, 110, 120"));
  session.write_file("next.yaml", sweep_of("50, 70"));
  session.output_of("memtrack sweep measured.yaml --local");
  const auto answer = nlohmann::json::parse(session.output_of("memtrack predict next.yaml --json"));
  CHECK(answer.at("terms").at(0) == "private");  // its square may follow where the peaks differ by some pages
  const double fifty = answer.at("trials").at(0).at("peak_rss_mib"),
               seventy = answer.at("trials").at(1).at("peak_rss_mib");
  CHECK(fifty > 50);
  CHECK(fifty < 60);  // the program itself beside them
  CHECK(std::abs(seventy - fifty - 20) < 1);
  CHECK(answer.at("trials").at(0).at("peak_rss_interval_mib").at(0) < fifty);
  CHECK(session.run("memtrack predict next.yaml --fit 60MiB").exit_code == 1);
  CHECK(session.run("memtrack predict next.yaml --fit 100MiB").exit_code == 0);
}

TEST_CASE("a program without trials of its own is not guessed at") {
  const Session session;
  session.write_file("sizes.yaml", sweep_of("10, 20"));
  const auto refused = [&] {
    const CommandResult result = session.run("memtrack predict sizes.yaml");
    CHECK(result.exit_code == 1);
    CHECK(result.output.empty());
    return result.errors;
  };
  CHECK(refused().starts_with("not enough trials to predict by: 0 trials of this program with 0 settings"));
  session.output_of("memtrack sweep sizes.yaml --local");
  CHECK(refused().starts_with("not enough trials to predict by: 2 trials of this program with 2 settings"));
}
