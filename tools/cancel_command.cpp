// memtrack cancel: through the daemon, which alone writes queued trials and knows the collectors.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/client.h"
#include "storage/paths.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct CancelOptions {
  std::string socket;
  std::string sweep;
  std::optional<std::int64_t> trial_id;
  bool json = false;
};

// The daemon's database may be another than ours: it is asked which sweeps there are. An id wins over a name, the
// latest of a name over those before.
std::int64_t find_sweep_id(const ApiClient& daemon, const std::string& id_or_name) {
  const ApiReply reply = daemon.get("/v1/sweeps");
  if (reply.status != 200) {
    throw std::runtime_error("cannot list the sweeps: " + reply.error());
  }
  std::optional<std::int64_t> found;
  for (const nlohmann::json& sweep : reply.body) {
    const std::int64_t id = sweep.at("sweep_id");
    if (!id_or_name.empty() && std::to_string(id) == id_or_name) {
      return id;
    }
    if (id_or_name.empty() || sweep.at("name") == id_or_name) {
      found = std::max(found.value_or(id), id);
    }
  }
  if (!found) {
    throw UsageError(id_or_name.empty()
                         ? "the daemon has no sweep yet"
                         : fmt::format("no sweep has the id or name '{}'; 'memtrack status' lists them", id_or_name));
  }
  return *found;
}

int run_cancel(const CancelOptions& options) {
  if (options.trial_id && !options.sweep.empty()) {
    throw UsageError("name a sweep or --trial ID, not both");
  }
  const ApiClient daemon(daemon_socket_path(options.socket));
  const std::int64_t id = options.trial_id ? *options.trial_id : find_sweep_id(daemon, options.sweep);
  const char* what = options.trial_id ? "trial" : "sweep";
  const ApiReply reply = daemon.post(fmt::format("/v1/{}s/{}/cancel", what, id));
  if (reply.status == 404) {
    throw UsageError(reply.error());
  }
  if (reply.status != 200) {
    throw std::runtime_error(fmt::format("cannot cancel {} {}: {}", what, id, reply.error()));
  }
  if (options.json) {
    print(reply.body.dump() + "\n");
    return kRight;
  }
  print(fmt::format("{} {}: {} will not begin, {} asked to end\n", what, id,
                    count_of(reply.body.at("cancelled_queued").get<std::int64_t>(), "queued trial"),
                    count_of(reply.body.at("signalled").get<std::int64_t>(), "running trial")));
  return kRight;
}

}  // namespace

void add_cancel_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CancelOptions>();
  CLI::App* command =
      app.add_subcommand("cancel", "End a sweep or a trial: what runs gets SIGTERM, what waits is dropped");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
  command->add_option("--trial", options->trial_id, "One trial instead (trial_id)")->type_name("ID");
  command->add_flag("--json", options->json, "For programs");
  add_socket_option(*command, options->socket);
  add_examples(*command, "memtrack cancel\nmemtrack cancel quickstart\nmemtrack cancel --trial 12");
  command->callback([options, &action] { action = [options] { return run_cancel(*options); }; });
}

}  // namespace memtrack
