#pragma once

// The trials that run on when the service ends.

#include <vector>

#include "storage/database.h"
#include "storage/file_descriptor.h"

namespace memtrack {

// The living collectors of the queue's running trials, held by pidfd. Those of `memtrack run` and `attach` are their
// callers' and none of ours.
std::vector<FileDescriptor> collectors_of_queue(Database& database);

}  // namespace memtrack
