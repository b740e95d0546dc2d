#pragma once

// The command line of a trial: macros as in Weights & Biases sweeps, values printed as its agent prints them.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// The two macros that are expanded only when the trial starts: ${envvar:NAME} from `environment` (NAME itself where it
// is unset, as W&B's agent does) and ${args_json_file}, the path of a file that holds the parameters as one JSON
// object.
std::vector<std::string> expand_late_macros(const std::vector<std::string>& command,
                                            const std::map<std::string, std::string>& environment,
                                            const std::string& args_json_file);

// True where the command names ${args_json_file}, so that the file has to be written.
bool uses_args_json_file(const std::vector<std::string>& command);

// What the file named by WANDB_SWEEP_PARAM_PATH holds for a trial with these parameters (a JSON object): YAML, one
// `name: {"value": v}` a line. Values are as W&B would write them; nested objects stay nested.
std::string sweep_param_file(std::string_view parameters_json);

}  // namespace memtrack
