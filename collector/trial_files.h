#pragma once

// What a command is given for its trial: its environment, its last macros, and the files that both name.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "storage/environment_file.h"
#include "storage/trial_store.h"

namespace memtrack {

// A file of ours alone (mode 0600), removed at the end.
class PrivateFile {
 public:
  PrivateFile() = default;  // none
  // Throws std::system_error where it cannot be written.
  PrivateFile(std::filesystem::path path, const std::string& text);
  PrivateFile(PrivateFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFile& operator=(PrivateFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~PrivateFile();

 private:
  std::filesystem::path path_;
};

// The file's, or our own where `file` is empty. Throws std::system_error where it cannot be read.
Environment read_environment(const std::filesystem::path& file);
std::vector<std::string> environment_entries(const Environment& environment);

struct TrialCommand {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  PrivateFile parameters;       // named by WANDB_SWEEP_PARAM_PATH
  PrivateFile parameters_json;  // where the command names ${args_json_file}
};

// `base`: the submitter's environment. A trial without parameters (memtrack run) gets no WANDB_*: a program that uses
// Weights & Biases would take itself for part of a sweep.
TrialCommand make_trial_command(const Trial& trial, Environment base, const std::filesystem::path& database,
                                const std::filesystem::path& event_socket);

}  // namespace memtrack
