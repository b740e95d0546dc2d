// memtrack cancel, retry, pause, resume: through the daemon, which alone writes queued trials and knows the collectors.

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

using nlohmann::json;

struct QueueOptions {
  std::string socket;
  std::string sweep;
  std::optional<std::int64_t> trial_id;
  bool json = false;
};

// What one of them asks the daemon to do, and how it tells what was done.
struct QueueCommand {
  const char* name;
  const char* help;
  const char* examples;
  bool takes_trials;
  std::string (*done)(const json& answer);
};

std::string cancelled(const json& answer) {
  return fmt::format("{} will not begin, {} asked to end",
                     count_of(answer.at("cancelled_queued").get<std::int64_t>(), "queued trial"),
                     count_of(answer.at("signalled").get<std::int64_t>(), "running trial"));
}

std::string retried(const json& answer) {
  const auto ids = answer.at("queued").get<std::vector<std::int64_t>>();
  if (ids.empty()) {
    return "nothing failed that was not tried again";
  }
  return ids.size() == 1
             ? fmt::format("tried again as trial {}", ids.front())
             : fmt::format("{} tried again, as trials {} to {}",
                           count_of(static_cast<std::int64_t>(ids.size()), "trial"), ids.front(), ids.back());
}

std::string paused(const json&) {
  return "nothing more of it begins until 'memtrack resume'; what runs goes on";
}

std::string resumed(const json&) {
  return "goes on";
}

constexpr QueueCommand kCommands[] = {
    {"cancel", "End a sweep or a trial: what runs gets SIGTERM, what waits is dropped",
     "memtrack cancel\nmemtrack cancel quickstart\nmemtrack cancel --trial 12", true, cancelled},
    {"retry", "Try again what failed, was lost, ran out of memory or of time: a new row each, with retry_of",
     "memtrack retry\nmemtrack retry quickstart\nmemtrack retry --trial 12", true, retried},
    {"pause", "Begin nothing more of a sweep; what runs goes on", "memtrack pause\nmemtrack pause quickstart", false,
     paused},
    {"resume", "Let a paused sweep go on", "memtrack resume\nmemtrack resume quickstart", false, resumed},
};

// The daemon's database may be another than ours: it is asked which sweeps there are. An id wins over a name, the
// latest of a name over those before.
std::int64_t find_sweep_id(const ApiClient& daemon, const std::string& id_or_name) {
  const ApiReply reply = daemon.get("/v1/sweeps");
  if (reply.status != 200) {
    throw std::runtime_error("cannot list the sweeps: " + reply.error());
  }
  std::optional<std::int64_t> found;
  for (const json& sweep : reply.body) {
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

int run_queue_command(const QueueCommand& command, const QueueOptions& options) {
  if (options.trial_id && !options.sweep.empty()) {
    throw UsageError("name a sweep or --trial ID, not both");
  }
  const ApiClient daemon(daemon_socket_path(options.socket));
  const std::int64_t id = options.trial_id ? *options.trial_id : find_sweep_id(daemon, options.sweep);
  const char* what = options.trial_id ? "trial" : "sweep";
  const ApiReply reply = daemon.post(fmt::format("/v1/{}s/{}/{}", what, id, command.name));
  if (reply.status == 404 || reply.status == 409) {
    throw UsageError(reply.error());
  }
  if (reply.status != 200) {
    throw std::runtime_error(fmt::format("cannot {} {} {}: {}", command.name, what, id, reply.error()));
  }
  print(options.json ? reply.body.dump() + "\n" : fmt::format("{} {}: {}\n", what, id, command.done(reply.body)));
  return kRight;
}

}  // namespace

void add_queue_commands(CLI::App& app, Action& action) {
  for (const QueueCommand& one : kCommands) {
    const auto options = std::make_shared<QueueOptions>();
    CLI::App* command = app.add_subcommand(one.name, one.help);
    command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
    if (one.takes_trials) {
      command->add_option("--trial", options->trial_id, "One trial instead (trial_id)")->type_name("ID");
    }
    command->add_flag("--json", options->json, "For programs");
    add_socket_option(*command, options->socket);
    add_examples(*command, one.examples);
    command->callback(
        [options, &one, &action] { action = [options, &one] { return run_queue_command(one, *options); }; });
  }
}

}  // namespace memtrack
