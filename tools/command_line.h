#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "tools/commands.h"

namespace memtrack {

// memtrack's command line: all subcommands, what the user asked for, and how errors are told.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // What to do. Throws where the arguments are wrong, and for --help and --version: explain() knows what to do then.
  Action parse(int argc, const char* const* argv);

  // Says what went wrong, on standard error, or prints the help that was asked for. Returns the exit code.
  int explain(const std::exception& error) const;

 private:
  bool is_run() const;

  std::unique_ptr<CLI::App> app_;
  Action action_;
  std::vector<std::string> run_words_;  // of `memtrack run`: the first "--" and all behind it
};

}  // namespace memtrack
