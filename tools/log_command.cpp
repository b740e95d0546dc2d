// memtrack log: events of a measured program that is a shell script.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "sweeps/event_sender.h"
#include "tools/commands.h"
#include "tools/event_arguments.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

// The kernel queues some ten datagrams: of many senders at once one may have to wait until some are taken.
constexpr std::chrono::milliseconds kPatience(100);

// Whatever becomes of its events, the measured program is not to fail by it: that nobody takes them is said, and no
// error.
int run_log(const std::vector<std::string>& arguments) {
  const std::vector<std::string> events = events_of_arguments(arguments);
  const std::string socket = environment_variable("MEMTRACK_EVENTS");
  if (socket.empty()) {
    say("memtrack: nothing was sent: nobody measures this program (MEMTRACK_EVENTS is not set)");
    return kRight;
  }
  EventSender sender(socket);
  if (!sender.is_connected()) {
    say(fmt::format("memtrack: nothing was sent: nobody listens at {}", socket));
    return kRight;
  }
  for (const std::string& event : events) {
    sender.send(event);
  }
  if (!sender.flush_within(kPatience)) {
    say(fmt::format("memtrack: not all was sent: the collector at {} does not take it now", socket));
  }
  return kRight;
}

}  // namespace

void add_log_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("log", "From a measured program: tell its phase, its epochs, its own figures");
  command->add_option("NAME=VALUE", *arguments, "phase=NAME, or epoch=N with its figures, or figures alone")
      ->required()
      ->type_name("");
  add_examples(*command,
               "memtrack log phase=train\n"
               "memtrack log epoch=1 train_loss=0.31 test_accuracy=0.91\n"
               "memtrack log tensor_bytes_peak=123456\n"
               "\nExit code: 0, also where nobody measures or takes it, which is said: a program is not to fail by\n"
               "being measured; 2 for wrong arguments. It waits a tenth of a second at most.");
  command->callback([arguments, &action] { action = [arguments] { return run_log(*arguments); }; });
}

}  // namespace memtrack
