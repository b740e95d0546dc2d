// memtrack: the command line. Reading needs no daemon.

#include <exception>

#include "tools/command_line.h"
#include "tools/terminal.h"

int main(int argc, char** argv) {
  memtrack::CommandLine command_line;
  try {
    memtrack::prepare_standard_streams();
    const memtrack::Action action = command_line.parse(argc, argv);
    const int exit_code = action();
    memtrack::flush_output();
    return exit_code;
  } catch (const std::exception& error) {
    return command_line.explain(error);
  }
}
