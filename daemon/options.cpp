#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

#include "daemon/service.h"
#include "daemon/settings.h"
#include "storage/paths.h"
#include "sweeps/sweep.h"

namespace memtrack {
namespace {

constexpr int kWrongUsage = 2;

constexpr const char* kFooter =
    "\nEach setting may also stand in the environment (--log-level: MEMTRACK_LOG_LEVEL) or as a line of the config "
    "file\n(log_level: debug); a flag comes before the environment, that before the file. SIGHUP reads them again.";

}  // namespace

std::optional<ServiceOptions> parse_service_options(int argc, char** argv, int& exit_code) {
  CLI::App app("memtrackd: runs the trials of sweeps, one after the other, and answers requests on a unix socket.");
  ServiceOptions options;
  bool print_config = false;
  std::map<std::string_view, std::string> flags;
  for (const Setting& setting : all_settings()) {
    app.add_option(flag_of(setting), flags[setting.name], std::string(setting.help))
        ->type_name(std::string(setting.type));
  }
  app.add_option("--config", options.sources.config_file,
                 "The config file (default: MEMTRACK_CONFIG, else $XDG_CONFIG_HOME/memtrack/memtrackd.conf, else "
                 "/etc/memtrack/memtrackd.conf)")
      ->type_name("FILE");
  app.add_flag("--print-config", print_config, "Only print each setting and where it comes from");
  app.add_flag("--submit", options.submit)->group("");
  app.add_option("--draw", options.draw)->group("");
  app.set_version_flag("--version", std::string("memtrackd " MEMTRACK_VERSION));
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
    for (const Setting& setting : all_settings()) {
      if (app.count(flag_of(setting)) > 0) {
        options.sources.flags[setting.name] = flags[setting.name];
      }
    }
    if (options.submit || options.draw) {  // no settings but the database, and those are the daemon's
      options.settings.database = database_path(flags["db"]);
      return options;
    }
    const LoadedSettings loaded = load_settings(options.sources);
    if (!print_config) {
      options.settings = loaded.values;
      return options;
    }
    fmt::print("{}", to_text(loaded));
    exit_code = EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? EXIT_SUCCESS : kWrongUsage;
  } catch (const SweepError& error) {  // what() begins with the place
    fmt::print(stderr, "memtrackd: {}\n", error.what());
    exit_code = kWrongUsage;
  }
  return std::nullopt;
}

}  // namespace memtrack
