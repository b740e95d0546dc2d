#include "collector/trial_files.h"

#include <unistd.h>

#include <utility>

#include "storage/paths.h"
#include "storage/private_file.h"
#include "sweeps/command.h"

namespace memtrack {
namespace fs = std::filesystem;

PrivateFile::PrivateFile(fs::path path, const std::string& text) : path_(std::move(path)) {
  write_private_file(path_, text);
}

PrivateFile::~PrivateFile() {
  if (!path_.empty()) {
    unlink(path_.c_str());
  }
}

Environment read_environment(const fs::path& file) {
  if (!file.empty()) {
    return read_environment_file(file);
  }
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    text.append(*entry).push_back('\0');
  }
  return parse_environment(text);
}

std::vector<std::string> environment_entries(const Environment& environment) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : environment) {
    entries.push_back(name + "=" + value);
  }
  return entries;
}

TrialCommand make_trial_command(const Trial& trial, Environment base, const fs::path& database,
                                const fs::path& event_socket) {
  TrialCommand command;
  fs::path json_file;
  if (uses_args_json_file(trial.command)) {
    json_file = trial_private_path(database, trial.trial_id, "args.json");
    command.parameters_json = PrivateFile(json_file, trial.parameters_json);
  }
  command.arguments = expand_late_macros(trial.command, base, json_file);
  base["MEMTRACK_EVENTS"] = event_socket;
  base["MEMTRACK_TRIAL"] = trial.uid;
  base["MEMTRACK_SWEEP"] = trial.sweep_uid;
  if (!trial.parameters_json.empty() && trial.parameters_json != "{}") {
    const fs::path parameters = trial_private_path(database, trial.trial_id, "params.yaml");
    command.parameters = PrivateFile(parameters, sweep_param_file(trial.parameters_json));
    base["WANDB_SWEEP_PARAM_PATH"] = parameters;
    base["WANDB_SWEEP_ID"] = trial.sweep_uid;
    base["WANDB_RUN_ID"] = trial.uid;
  }
  command.environment = environment_entries(base);
  return command;
}

}  // namespace memtrack
