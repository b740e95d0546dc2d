#include "collector/trial_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "storage/file_descriptor.h"
#include "storage/paths.h"
#include "sweeps/command.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(file, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

}  // namespace

PrivateFile::PrivateFile(fs::path path, const std::string& text) : path_(std::move(path)) {
  unlink(path_.c_str());
  const FileDescriptor file(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), text)) {
    const int error = errno;
    unlink(path_.c_str());
    throw std::system_error(error, std::generic_category(), "cannot write " + path_.string());
  }
}

PrivateFile::~PrivateFile() {
  if (!path_.empty()) {
    unlink(path_.c_str());
  }
}

Environment parse_environment(const std::string& text) {
  Environment environment;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    const std::string entry = text.substr(begin, end - begin);
    if (const std::size_t equals = entry.find('='); equals != std::string::npos && equals > 0) {
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    begin = end + 1;
  }
  return environment;
}

Environment read_environment(const fs::path& file) {
  std::string text;
  if (file.empty()) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      text.append(*entry).push_back('\0');
    }
    return parse_environment(text);
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot read the submitter's environment from " + file.string());
  }
  return parse_environment({std::istreambuf_iterator<char>(stream), {}});
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
