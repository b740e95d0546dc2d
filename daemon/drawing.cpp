#include "daemon/drawing.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "daemon/processes.h"
#include "daemon/submission.h"
#include "storage/environment_file.h"
#include "storage/paths.h"
#include "storage/trial_queue.h"

namespace memtrack {
namespace {

constexpr auto kLongestDrawing = std::chrono::minutes(2);
constexpr std::size_t kLongestTrouble = 64 * 1024;
constexpr std::string_view kTryingAgain = "; trying again until it works";

// Why no more can ever be drawn of it; empty: all is well.
std::string try_to_draw(const std::filesystem::path& path, std::int64_t sweep_id) {
  Database database = Database::open_for_writing(path);
  const std::optional<OpenSweep> open = find_open_sweep(database, sweep_id);
  if (!open) {
    return "";
  }
  const Overrides overrides = parse_overrides(nlohmann::json::parse(open->overrides_json));
  const Sweep sweep = parse_sweep_file(open->config, "sweep " + std::to_string(sweep_id), overrides).at(0);
  const std::filesystem::path file = environment_path(path, sweep_id);
  if (const std::optional<std::string> reason = missing_environment(file)) {
    close_open_sweep(database, sweep_id);
    return *reason;
  }
  const ExpansionContext context{.environment = read_environment_file(file),
                                 .trainer = sweep.built_in_trainer ? sibling_program("memtrack-trainer").string() : ""};
  insert_drawn_trials(database, *open, sweep, context);
  return "";
}

}  // namespace

std::string draw_trials(const std::filesystem::path& path, std::int64_t sweep_id) {
  try {
    return try_to_draw(path, sweep_id);
  } catch (const std::runtime_error& error) {
    return fmt::format("{}{}", error.what(), kTryingAgain);
  }
}

boost::asio::awaitable<std::string> run_drawing_process(Children& children, std::filesystem::path database,
                                                        std::int64_t sweep_id) {
  std::string trouble;
  try {
    ChildProgram program{.program = sibling_program("memtrackd"),
                         .arguments = {"--draw", std::to_string(sweep_id), "--db", database.string()}};
    const ChildOutput output = co_await children.run(std::move(program), "", kLongestTrouble, kLongestDrawing);
    if (output.status == 0) {
      co_return output.output;
    }
    trouble = "the process that draws them " + describe_wait_status(output.status);
  } catch (const std::runtime_error& error) {
    trouble = error.what();
  }
  co_return fmt::format("{}{}", trouble, kTryingAgain);
}

}  // namespace memtrack
