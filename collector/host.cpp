#include "collector/host.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace memtrack {
namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

HostRecord read_host(ProcReader& reader, const std::filesystem::path& cgroup_root) {
  HostRecord host;
  utsname names{};
  if (uname(&names) == 0) {
    host.name = names.nodename;
    host.kernel = names.release;
  }
  host.boot_id = first_line(reader.read_once("sys/kernel/random/boot_id").value_or(""));
  host.cpu_model = parse_cpu_model(reader.read_once("cpuinfo").value_or(""));
  if (const long cores = sysconf(_SC_NPROCESSORS_ONLN); cores > 0) {
    host.cores = cores;
  }
  Sample system;
  reader.read_system(system);
  host.mem_total_bytes = system.mem_total_bytes;
  std::ifstream controllers(cgroup_root / "cgroup.controllers");
  host.cgroup_version = parse_cgroup_version(reader.read_once("self/cgroup").value_or(""),
                                             std::string(std::istreambuf_iterator<char>(controllers), {}));
  return host;
}

}  // namespace memtrack
