// memtrack completion: what a shell needs to complete our command lines.

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "tools/command_table.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"

namespace memtrack {

void add_completion_command(CLI::App& app, Action& action) {
  using Writer = std::string (*)(const std::vector<CommandEntry>&);
  static const std::map<std::string, Writer> kWriters = {
      {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}, {"manual", command_manual}};
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "What a shell needs to complete memtrack's command lines");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember(&kWriters).description(""));
  add_examples(*command, "memtrack completion fish | source\nsource <(memtrack completion bash)");
  command->callback([&app, shell, &action] {
    action = [&app, shell] {
      print(kWriters.at(*shell)(command_table(app)));
      return kRight;
    };
  });
}

}  // namespace memtrack
