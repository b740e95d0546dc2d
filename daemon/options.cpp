#include <CLI/CLI.hpp>
#include <cstdlib>

#include "daemon/service.h"
#include "storage/paths.h"

namespace memtrack {

namespace {

constexpr int kWrongUsage = 2;

}  // namespace

std::optional<ServiceOptions> parse_service_options(int argc, char** argv, int& exit_code) {
  CLI::App app("memtrackd: runs the trials of sweeps, one after the other, and answers requests on a unix socket.");
  std::string database;
  std::string socket;
  bool submit = false;
  app.add_option("--db", database, "The database (default: MEMTRACK_DB, else memtrack.db in the state directory)");
  app.add_option("--socket", socket,
                 "The socket (default: MEMTRACK_SOCKET, else memtrackd.sock in the runtime directory)");
  app.set_config("--config", "", "A file with these options, as db = \"...\"");
  app.add_flag("--submit", submit)->group("")->configurable(false);
  app.set_version_flag("--version", std::string("memtrackd " MEMTRACK_VERSION));
  app.allow_config_extras(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? EXIT_SUCCESS : kWrongUsage;
    return std::nullopt;
  }
  return ServiceOptions{.database = database_path(database),
                        .socket = submit ? std::filesystem::path() : daemon_socket_path(socket),
                        .submit = submit};
}

}  // namespace memtrack
