#pragma once

// The service's log: one line a message, on stderr. For people it has time and level:
//
//   2026-11-21 19:53:31.125 info    trial 3 of sweep 1 started
//
// and where stderr is systemd's journal, which notes the time itself, the level as sd-daemon(3) has it:
//
//   <6>trial 3 of sweep 1 started

#include <spdlog/common.h>

#include <string>
#include <string_view>

namespace memtrack {

// Whether `descriptor` leads to the journal: JOURNAL_STREAM then names its device and inode, "8:12345"
// (systemd.exec(5)). `journal_stream` is the value of that variable, empty where it is unset.
bool is_journal(int descriptor, std::string_view journal_stream);

// A line without its end. Control characters in `message` become '?': a name that somebody chose cannot look like a
// line of its own.
std::string log_line(spdlog::level::level_enum level, spdlog::log_clock::time_point time, std::string_view message,
                     bool to_journal);

// From now on spdlog writes such lines to stderr. To be called once.
void start_logging();

}  // namespace memtrack
