// The units that systemd reads: what administrators rely on in them, and what systemd's own tool says.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "storage/paths.h"
#include "tests/daemon/fixture.h"

using memtrack::sibling_program;
using memtrack::testing::read_file;
using memtrack::testing::Workplace;
namespace fs = std::filesystem;

namespace {

// "Type=notify" in [Service] -> {"Service.Type", "notify"}
std::map<std::string, std::string> settings_of(const std::string& unit) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(read_file(fs::path(MEMTRACK_SOURCE_DIR) / "daemon" / (unit + ".in")));
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1);
    } else if (const std::size_t equals = line.find('='); equals != std::string::npos && !line.starts_with('#')) {
      const std::string name = section + "." + line.substr(0, equals);
      CAPTURE(name);
      CHECK(settings.emplace(name, line.substr(equals + 1)).second);  // the last of two would hold
    }
  }
  return settings;
}

bool can_verify() {
  const bool can = std::system("command -v systemd-analyze >/dev/null") == 0;
  if (!can) {
    MESSAGE("not tried: there is no systemd-analyze here (Debian: systemd)");
  }
  return can;
}

// The unit as it is installed, but that its program stands in the build tree. An instance is named after its template.
void put_unit(const Workplace& place, const std::string& unit, const std::string& file) {
  std::string text = read_file(fs::path(MEMTRACK_SOURCE_DIR) / "daemon" / (unit + ".in"));
  const std::size_t begin = text.find("ExecStart=") + 10;
  text.replace(begin, text.find('\n', begin) - begin, sibling_program("memtrackd").string());
  std::ofstream(place / file) << text;
}

// What systemd-analyze objects to. DelegateSubgroup is new in systemd 254, and earlier ones pass over it.
std::string objections(const Workplace& place, const std::string& file, const std::string& flags) {
  const std::string output = (place / "verify.out").string();
  const std::string command =
      fmt::format("systemd-analyze verify {} --man=no {} >{} 2>&1", flags, (place / file).string(), output);
  const int status = std::system(command.c_str());
  std::istringstream lines(read_file(output));
  std::string kept = status == 0 ? "" : "it failed\n";
  for (std::string line; std::getline(lines, line);) {
    kept += line.find("'DelegateSubgroup'") == std::string::npos ? line + "\n" : "";
  }
  return kept;
}

}  // namespace

TEST_CASE("both units are ready when told, watched, started again, and leave running trials alone") {
  for (const std::string unit : {"memtrackd.service", "memtrackd@.service"}) {
    CAPTURE(unit);
    std::map<std::string, std::string> settings = settings_of(unit);
    CHECK(settings["Service.Type"] == "notify");
    CHECK(settings["Service.ExecStart"] == "@bindir@/memtrackd");
    CHECK(settings["Service.ExecReload"] == "/bin/kill -HUP $MAINPID");
    CHECK(settings["Service.WatchdogSec"] == "120");
    CHECK(settings["Service.Restart"] == "on-failure");
    CHECK(settings["Service.RestartSec"] == "5");
    CHECK(settings["Unit.StartLimitIntervalSec"] == "0");
    CHECK((" " + settings["Service.RestartPreventExitStatus"] + " ").find(" 2 ") != std::string::npos);
    CHECK(settings["Service.KillMode"] == "process");
    CHECK(settings["Service.OOMPolicy"] == "continue");
    CHECK(settings["Service.Delegate"] == "memory pids");
    CHECK(settings["Service.DelegateSubgroup"] == "memtrack.self");
  }
}

TEST_CASE("the user unit starts with the user's sessions and the template at boot as its user") {
  CHECK(settings_of("memtrackd.service")["Install.WantedBy"] == "default.target");
  std::map<std::string, std::string> settings = settings_of("memtrackd@.service");
  CHECK(settings["Install.WantedBy"] == "multi-user.target");
  CHECK(settings["Service.User"] == "%i");
  CHECK(settings["Service.UnsetEnvironment"] == "XDG_RUNTIME_DIR");
}

TEST_CASE("systemd takes the user unit and the template without objection") {
  const Workplace place;
  if (!can_verify()) {
    return;
  }
  put_unit(place, "memtrackd.service", "memtrackd.service");
  put_unit(place, "memtrackd@.service", "memtrackd@daemon.service");
  CHECK(objections(place, "memtrackd.service", "--user") == "");
  CHECK(objections(place, "memtrackd@daemon.service", "") == "");
}

TEST_CASE("an unknown line in a unit would be found") {
  const Workplace place;
  if (!can_verify()) {
    return;
  }
  put_unit(place, "memtrackd.service", "memtrackd.service");
  std::ofstream(place / "memtrackd.service", std::ios::app) << "[Service]\nWachdogSec=5\n";
  CHECK(objections(place, "memtrackd.service", "--user").find("Unknown key 'WachdogSec'") != std::string::npos);
}
