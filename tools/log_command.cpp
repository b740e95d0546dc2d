// memtrack log: events of a measured program that is a shell script.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "sweeps/event_sender.h"
#include "tools/commands.h"
#include "tools/event_arguments.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

int run_log(const std::vector<std::string>& arguments) {
  const std::vector<std::string> events = events_of_arguments(arguments);
  const std::string socket = environment_variable("MEMTRACK_EVENTS");
  if (socket.empty()) {
    throw UsageError(
        "MEMTRACK_EVENTS is not set, so nobody measures this program; run it by 'memtrack run -- COMMAND' or in a "
        "sweep");
  }
  EventSender sender(socket);
  for (const std::string& event : events) {
    sender.send(event);
  }
  if (!sender.is_connected() || !sender.flush()) {
    throw std::runtime_error(fmt::format("cannot send to {}: the collector does not take it now", socket));
  }
  return kRight;
}

}  // namespace

void add_log_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      app.add_subcommand("log", "From a measured program: tell its phase, its epochs, its own figures; never waits");
  command->add_option("NAME=VALUE", *arguments, "phase=NAME, or epoch=N with its figures, or figures alone")
      ->required()
      ->type_name("");
  add_examples(*command,
               "memtrack log phase=train\n"
               "memtrack log epoch=1 train_loss=0.31 test_accuracy=0.91\n"
               "memtrack log tensor_bytes_peak=123456");
  command->callback([arguments, &action] { action = [arguments] { return run_log(*arguments); }; });
}

}  // namespace memtrack
