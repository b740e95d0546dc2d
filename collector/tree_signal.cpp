#include "collector/tree_signal.h"

extern "C" {
#include <sys/pidfd.h>  // lacks its own extern "C" in glibc 2.36
}

namespace memtrack {

FileDescriptor open_process(ProcReader& reader, const ProcessId& process) {
  FileDescriptor descriptor(pidfd_open(process.pid, 0));
  // Looked at after the opening: the descriptor is of the process that has the pid now.
  const auto stat = descriptor ? reader.read_stat(process.pid) : std::nullopt;
  return stat && stat->start_ticks == process.start_ticks ? std::move(descriptor) : FileDescriptor();
}

void send_signal(ProcReader& reader, const ProcessId& process, int signal) {
  if (const FileDescriptor descriptor = open_process(reader, process)) {
    pidfd_send_signal(descriptor.get(), signal, nullptr, 0);
  }
}

}  // namespace memtrack
