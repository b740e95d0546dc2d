#pragma once

// memtrack's commands and options as data, taken from the command line's own definition, and as completions for shells
// and as a part of the manual: what `--help` knows, they know.

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace memtrack {

struct OptionEntry {
  std::vector<std::string> names;  // "-f", "--follow"
  std::string type;                // "FILE"; empty: a flag
  std::string help;
};

struct CommandEntry {
  std::string path;  // "daemon start"; empty: memtrack itself
  std::string help;
  std::vector<OptionEntry> options;
  std::vector<OptionEntry> arguments;    // by place: one name each, no type
  std::vector<std::string> subcommands;  // last words of their paths
};

// `app` first, then all below it in the order of --help. Hidden ones are left out.
std::vector<CommandEntry> command_table(const CLI::App& app);

std::string bash_completion(const std::vector<CommandEntry>& table);
std::string zsh_completion(const std::vector<CommandEntry>& table);
std::string fish_completion(const std::vector<CommandEntry>& table);

// One section a command, Markdown.
std::string command_manual(const std::vector<CommandEntry>& table);

}  // namespace memtrack
