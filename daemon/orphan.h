#pragma once

// What comes to us when its parent dies, as a child subreaper or as the first process of a container: whose was it?

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memtrack {

// A collector that we started.
struct StartedProcess {
  pid_t pid = 0;                  // and its session's number
  std::uint64_t start_ticks = 0;  // as in /proc/PID/stat, field 22
};

// A child of ours that we did not start: its parent died.
struct Orphan {
  pid_t session = 0;
  std::uint64_t start_ticks = 0;
  std::string environment = {};  // as in /proc/PID/environ
};

// From /proc/PID/stat: session and start_ticks, fields 6 and 22. nullopt: there is no such text.
std::optional<Orphan> parse_orphan(std::string_view stat);

// True where `orphan` may be of the tree that `collector` left when it died. What is in the collector's session is, for
// nobody joins a session from outside. Of the rest, where orphans of others come to us as well, nothing can be told;
// where all come from collectors of ours, what is of no other trial and began after the collector.
bool may_be_left_by(const StartedProcess& collector, std::string_view trial_uid, const Orphan& orphan,
                    bool others_come_too);

// nullopt: there is no such process.
std::optional<Orphan> look_at_orphan(pid_t pid);

}  // namespace memtrack
