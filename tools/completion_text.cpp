// The completions that shells read. Each first finds the command that was typed so far ("daemon start"), then offers
// its subcommands and options; where none begins like the word, file names.

#include <fmt/format.h>

#include <algorithm>

#include "tools/command_table.h"

namespace memtrack {
namespace {

std::string joined_names(const std::vector<OptionEntry>& options) {
  std::string names;
  for (const OptionEntry& option : options) {
    for (const std::string& name : option.names) {
      names += (names.empty() ? "" : " ") + name;
    }
  }
  return names;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : between) + word;
  }
  return text;
}

// In single quotes, for any of the three shells. `quote`: how the shell writes a single quote within them.
std::string quoted_for(const std::string& text, const std::string& quote) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? quote : std::string(1, c);
  }
  return result + "'";
}

std::string in_single_quotes(const std::string& text) {
  return quoted_for(text, R"('\'')");
}

// "_memtrack_daemon_start"
std::string function_name(const std::string& path) {
  std::string name = "_memtrack" + (path.empty() ? "" : "_" + path);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

// The commands below memtrack, as patterns or words of a shell.
std::vector<std::string> quoted_paths(const std::vector<CommandEntry>& table) {
  std::vector<std::string> paths;
  for (const CommandEntry& command : table) {
    if (!command.path.empty()) {
      paths.push_back(in_single_quotes(command.path));
    }
  }
  return paths;
}

// "'--db[The database]:FILE:_files'"; options with two names exclude each other.
std::string zsh_option(const OptionEntry& option) {
  std::string help;
  for (const char c : option.help) {
    help += c == '[' || c == ']' ? fmt::format("\\{}", c) : std::string(1, c);
  }
  const std::string value = option.type.empty() ? "" : fmt::format(":{}:_files", option.type);
  const std::string rest = in_single_quotes(fmt::format("[{}]{}", help, value));
  return option.names.size() == 1
             ? option.names.front() + rest
             : fmt::format("'({})'{{{}}}{}", joined(option.names, " "), joined(option.names, ","), rest);
}

std::string zsh_function(const CommandEntry& command, const std::vector<CommandEntry>& table) {
  std::string text = fmt::format("{}() {{\n", function_name(command.path));
  text += command.subcommands.empty() ? "" : "  local line state\n";
  text += command.subcommands.empty() ? "  _arguments" : "  _arguments -C";
  for (const OptionEntry& option : command.options) {
    text += " \\\n    " + zsh_option(option);
  }
  if (command.subcommands.empty()) {
    return text + (command.arguments.empty() ? "" : " \\\n    '*:file:_files'") + "\n}\n\n";
  }
  text += " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n    command)\n      local -a commands=(\n";
  std::string cases;
  for (const std::string& name : command.subcommands) {
    const std::string path = command.path.empty() ? name : command.path + " " + name;
    const auto found = std::ranges::find(table, path, &CommandEntry::path);
    text += fmt::format("        {}\n", in_single_quotes(name + ":" + found->help));
    cases += fmt::format("        {}) {} ;;\n", name, function_name(path));
  }
  return text + "      )\n      _describe command commands ;;\n    rest)\n      case $line[1] in\n" + cases +
         "      esac ;;\n  esac\n}\n\n";
}

}  // namespace

std::string bash_completion(const std::vector<CommandEntry>& table) {
  std::string cases;
  std::string with_value;
  for (const CommandEntry& command : table) {
    cases += fmt::format(
        "    {}) words='{}' ;;\n", in_single_quotes(command.path),
        joined(command.subcommands, " ") + (command.subcommands.empty() ? "" : " ") + joined_names(command.options));
    for (const OptionEntry& option : command.options) {
      for (const std::string& name : option.names) {
        const bool known = (" " + with_value + " ").find(" " + name + " ") != std::string::npos;
        with_value += option.type.empty() || known ? "" : (with_value.empty() ? "" : " ") + name;
      }
    }
  }
  std::replace(with_value.begin(), with_value.end(), ' ', '|');
  return fmt::format(R"(# bash completion for memtrack
_memtrack() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command= word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{command:+$command }}$word" in
      {}) command="${{command:+$command }}$word" ;;
    esac
  done
  COMPREPLY=()
  case $previous in
    {}) return ;; # its value: a file name, or anything
  esac
  case $command in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _memtrack memtrack
)",
                     joined(quoted_paths(table), " | "), with_value, cases);
}

std::string zsh_completion(const std::vector<CommandEntry>& table) {
  std::string text = "#compdef memtrack\n\n";
  for (const CommandEntry& command : table) {
    text += zsh_function(command, table);
  }
  return text + "_memtrack \"$@\"\n";
}

std::string fish_completion(const std::vector<CommandEntry>& table) {
  std::string text = fmt::format(R"(# fish completion for memtrack
function __memtrack_at
    set -l words (commandline -opc)
    set -l command
    for word in $words[2..-1]
        if contains -- (string join ' ' -- $command $word) {}
            set command (string join ' ' -- $command $word)
        end
    end
    test "$command" = "$argv[1]"
end

)",
                                 joined(quoted_paths(table), " "));
  const auto help_of = [&](const std::string& path) {
    return quoted_for(std::ranges::find(table, path, &CommandEntry::path)->help, R"(\')");
  };
  for (const CommandEntry& command : table) {
    const std::string here = fmt::format("complete -c memtrack -n \"__memtrack_at '{}'\"", command.path);
    for (const std::string& name : command.subcommands) {
      text += fmt::format("{} -f -a {} -d {}\n", here, name,
                          help_of(command.path.empty() ? name : command.path + " " + name));
    }
    for (const OptionEntry& option : command.options) {
      text += here;
      for (const std::string& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += fmt::format("{} -d {}\n", option.type.empty() ? "" : " -r", quoted_for(option.help, R"(\')"));
    }
  }
  return text;
}

}  // namespace memtrack
