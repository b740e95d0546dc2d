#pragma once

// The macros of `command`, as Weights & Biases expands them: only where a macro is a whole word of the list.

#include <map>
#include <string>
#include <vector>

#include "sweeps/config_node.h"
#include "sweeps/value.h"

namespace memtrack {

// Reads `command:`. Throws SweepError at a macro that is not known, and at ${program} where no program is named. Adds a
// warning where a macro stands inside a longer word, since it will be passed on as it stands.
std::vector<std::string> parse_command(const ConfigNode& node, bool has_program, std::vector<std::string>& warnings);

// W&B's command where a sweep names a program and no command.
std::vector<std::string> default_command();

// "python" where a directory of the environment's PATH has it, else "python3".
std::string find_interpreter(const std::map<std::string, std::string>& environment);

// Expands all macros but ${envvar:NAME} and ${args_json_file}.
std::vector<std::string> expand_macros(const std::vector<std::string>& command, const std::string& program,
                                       const std::string& interpreter, const ValueDict& values);

// --name=value for each, as ${args} expands.
std::vector<std::string> hyphened_args(const ValueDict& values);

}  // namespace memtrack
