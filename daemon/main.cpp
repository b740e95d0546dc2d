#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>

#include "daemon/log.h"
#include "daemon/service.h"

int main(int argc, char** argv) {
  memtrack::start_logging();
  try {
    int exit_code = EXIT_SUCCESS;
    const auto options = memtrack::parse_service_options(argc, argv, exit_code);
    return options ? memtrack::run_service(*options) : exit_code;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return memtrack::exit_code_of(error);
  }
}
