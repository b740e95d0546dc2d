#include "tools/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "daemon/client.h"
#include "daemon/settings.h"
#include "daemon/submission.h"
#include "datasets/dataset.h"
#include "storage/paths.h"
#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

// "memtrack sweep": the deepest subcommand that was named.
std::string command_name(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* deepest = &app; !deepest->get_subcommands().empty();) {
    deepest = deepest->get_subcommands().back();
    name += " " + deepest->get_name();
  }
  return name;
}

// CLI11 would only say that a subcommand is required.
void check_command_name(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) {
    return;
  }
  std::vector<std::string_view> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  if (std::find(names.begin(), names.end(), arguments.front()) == names.end()) {
    throw UsageError(fmt::format("there is no command {}{}; the commands are {}", memtrack::quoted(arguments.front()),
                                 did_you_mean(arguments.front(), names), join_names(names)));
  }
}

// What the daemon's config file says of the database and the socket holds for whoever looks for the daemon as well.
void take_configured_places(CLI::App& app) {
  CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
  }
  for (const std::string name : {"db", "socket"}) {
    CLI::Option* option = command->get_option_no_throw("--" + name);
    if (option == nullptr || option->count() > 0) {
      continue;
    }
    if (const std::optional<std::string> value = configured(name)) {
      option->add_result(*value);
      option->run_callback();
    }
  }
}

int print_help(const CLI::App& app, const CLI::ParseError& asked) {
  // Version text and the like are in the exception, help is made here.
  if (dynamic_cast<const CLI::CallForHelp*>(&asked) != nullptr) {
    print(app.help());
  } else if (dynamic_cast<const CLI::CallForAllHelp*>(&asked) != nullptr) {
    print(app.help("", CLI::AppFormatMode::All));
  } else {
    print(std::string(asked.what()) + "\n");
  }
  flush_output();
  return kRight;
}

template <typename... Errors>
bool is_any_of(const std::exception& error) {
  return (... || (dynamic_cast<const Errors*>(&error) != nullptr));
}

int exit_code_of(const std::exception& error) {
  if (is_any_of<NoDaemon>(error)) {
    return kNoDaemon;
  }
  if (is_any_of<UsageError, SweepError, SubmissionError, DatasetError>(error)) {
    return kUsage;
  }
  const auto* storage = dynamic_cast<const StorageError*>(&error);
  return storage != nullptr && !storage->is_transient() ? kUsage : kFailed;
}

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>(
          "How much memory does a training run take, when, and which hyperparameters drive it?", "memtrack")) {
  app_->set_version_flag("--version", std::string("memtrack ") + MEMTRACK_VERSION);
  app_->require_subcommand(1);
  add_sweep_command(*app_, action_);
  add_run_command(*app_, action_, run_words_);
  add_attach_command(*app_, action_);
  add_status_command(*app_, action_);
  add_queue_commands(*app_, action_);
  add_logs_command(*app_, action_);
  add_report_command(*app_, action_);
  add_compare_command(*app_, action_);
  add_plot_command(*app_, action_);
  add_effects_command(*app_, action_);
  add_predict_command(*app_, action_);
  add_sql_command(*app_, action_);
  add_export_command(*app_, action_);
  add_merge_command(*app_, action_);
  add_prune_command(*app_, action_);
  add_backup_command(*app_, action_);
  add_datasets_command(*app_, action_);
  add_daemon_command(*app_, action_);
  add_log_command(*app_, action_);
  add_doctor_command(*app_, action_);
  add_completion_command(*app_, action_);
  add_examples(*app_,
               "memtrack run -- python3 train.py        measure one command\n"
               "memtrack daemon start                   then submit sweeps:\n"
               "memtrack sweep sweep.yaml --wait\n"
               "memtrack report");
}

CommandLine::~CommandLine() = default;

Action CommandLine::parse(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // The words of another program's command line are none of ours: they are set apart before anything looks at them.
  if (!arguments.empty() && arguments.front() == "run") {
    if (const auto dashes = std::find(arguments.begin(), arguments.end(), "--"); dashes != arguments.end()) {
      run_words_.assign(dashes, arguments.end());
      arguments.erase(dashes, arguments.end());
    }
  }
  check_command_name(*app_, arguments);
  std::reverse(arguments.begin(), arguments.end());
  app_->parse(std::move(arguments));
  take_configured_places(*app_);
  return action_;
}

int CommandLine::explain(const std::exception& error) const {
  if (const auto* parse_error = dynamic_cast<const CLI::ParseError*>(&error)) {
    if (parse_error->get_exit_code() == 0) {
      return print_help(*app_, *parse_error);
    }
    print_error(fmt::format("{0}: {1}; '{0} --help' says what is right\n", command_name(*app_), error.what()));
    return is_run() ? kRunFailed : kUsage;
  }
  if (dynamic_cast<const OutputClosed*>(&error) != nullptr) {
    return kRight;
  }
  const bool has_place =
      dynamic_cast<const SweepError*>(&error) != nullptr;  // file:line:column stands at its beginning
  print_error(fmt::format("{}{}\n", has_place ? "" : "memtrack: ", error.what()));
  return is_run() ? kRunFailed : exit_code_of(error);
}

bool CommandLine::is_run() const {
  return app_->got_subcommand("run");
}

void add_database_option(CLI::App& command, std::string& flag) {
  command
      .add_option("--db", flag,
                  "The database (default: $MEMTRACK_DB, else as in memtrackd.conf, else in the state folder)")
      ->type_name("FILE");
}

void add_socket_option(CLI::App& command, std::string& flag) {
  command
      .add_option(
          "--socket", flag,
          "The daemon's socket (default: $MEMTRACK_SOCKET, else as in memtrackd.conf, else in the runtime folder)")
      ->type_name("FILE");
}

void add_examples(CLI::App& command, const std::string& lines) {
  std::string text = "\nExamples:\n  ";
  for (const char c : lines) {
    text += c;
    text += c == '\n' ? "  " : "";
  }
  command.footer(text);
}

Database open_for_reading(const std::string& database_flag) {
  return Database::open_for_reading(database_path(database_flag));
}

}  // namespace memtrack
