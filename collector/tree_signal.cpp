#include "collector/tree_signal.h"

#include "storage/file_descriptor.h"

extern "C" {
#include <sys/pidfd.h>  // lacks its own extern "C" in glibc 2.36
}

namespace memtrack {

void send_signal(ProcReader& reader, const ProcessId& process, int signal) {
  const FileDescriptor descriptor(pidfd_open(process.pid, 0));
  if (!descriptor) {
    return;
  }
  // Looked at after the opening: the descriptor is of the process that has the pid now.
  if (const auto stat = reader.read_stat(process.pid); stat && stat->start_ticks == process.start_ticks) {
    pidfd_send_signal(descriptor.get(), signal, nullptr, 0);
  }
}

}  // namespace memtrack
