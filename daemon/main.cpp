#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "daemon/service.h"

int main(int argc, char** argv) {
  try {
    int exit_code = EXIT_SUCCESS;
    const auto options = memtrack::parse_service_options(argc, argv, exit_code);
    return options ? memtrack::run_service(*options) : exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "memtrackd: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
