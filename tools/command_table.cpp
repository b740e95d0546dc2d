#include "tools/command_table.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace memtrack {
namespace {

OptionEntry describe(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) {
    entry.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    entry.names.push_back("--" + name);
  }
  if (entry.names.empty()) {
    entry.names.push_back(option.get_name());
  }
  entry.type = option.get_expected_max() == 0 ? "" : option.get_type_name();
  entry.help = option.get_description();
  return entry;
}

void add(const CLI::App& command, const std::string& path, std::vector<CommandEntry>& table) {
  CommandEntry entry{
      .path = path, .help = command.get_description(), .options = {}, .arguments = {}, .subcommands = {}};
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_group().empty()) {
      (option->get_positional() ? entry.arguments : entry.options).push_back(describe(*option));
    }
  }
  std::vector<const CLI::App*> below;
  for (const CLI::App* subcommand :
       command.get_subcommands([](const CLI::App* one) { return one->get_group() != ""; })) {
    entry.subcommands.push_back(subcommand->get_name());
    below.push_back(subcommand);
  }
  table.push_back(std::move(entry));
  for (const CLI::App* subcommand : below) {
    add(*subcommand, path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name(), table);
  }
}

// "memtrack sweep [OPTIONS] FILE"
std::string usage(const CommandEntry& command) {
  std::string text = "memtrack" + (command.path.empty() ? "" : " " + command.path) + " [OPTIONS]";
  for (const OptionEntry& argument : command.arguments) {
    text += " " + argument.names.front();
  }
  return text + (command.subcommands.empty() ? "" : " COMMAND");
}

std::string definition(const OptionEntry& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}`{}`", names.empty() ? "" : ", ", name);
  }
  return fmt::format("{}{}\n:   {}\n\n", names, option.type.empty() ? "" : fmt::format(" *{}*", option.type),
                     option.help);
}

}  // namespace

std::vector<CommandEntry> command_table(const CLI::App& app) {
  std::vector<CommandEntry> table;
  add(app, "", table);
  return table;
}

std::string command_manual(const std::vector<CommandEntry>& table) {
  std::string text = fmt::format("# memtrack\n\n{}\n\n## Commands\n\n", table.front().help);
  for (const CommandEntry& command : table) {
    text += fmt::format("### {}\n\n`{}`\n\n{}\n\n", command.path.empty() ? "memtrack" : "memtrack " + command.path,
                        usage(command), command.help);
    for (const OptionEntry& argument : command.arguments) {
      text += definition(argument);
    }
    for (const OptionEntry& option : command.options) {
      text += definition(option);
    }
  }
  return text;
}

}  // namespace memtrack
