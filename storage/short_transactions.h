#pragma once

// Inside storage/ only.

#include <chrono>
#include <string_view>
#include <thread>

#include "storage/transaction.h"

namespace memtrack {

// For work that would hold the database's only write lock for long: `step` is called until it returns false (nothing is
// left to do), in transactions of some 0.2 s. Where trials run, there is a pause behind each, in which their
// collectors, which look for the lock every now and then, get it. What is done up to an error stays.
template <typename Step>
void in_short_transactions(Database& database, std::string_view doing, Step&& step) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongest(200), kPause(50);
  bool more = true;
  while (more) {
    const bool others_write = in_transaction(database, doing, [&](SQLite::Database& handle) {
      const auto begin = Clock::now();
      do {
        more = step();
      } while (more && Clock::now() - begin < kLongest);
      return handle.execAndGet("SELECT EXISTS (SELECT 1 FROM trials WHERE state = 'running')").getInt() != 0;
    });
    if (more && others_write) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace memtrack
