#pragma once

#include <chrono>
#include <thread>
#include <utility>

#include "storage/database.h"

namespace memtrack {

// A statement waits this long for another writer; then its rows wait in memory and it is tried again.
constexpr std::chrono::milliseconds kBusyTimeout(250);
constexpr std::chrono::seconds kStartPatience(60);

// Repeats what fails for a moment: another writer holds the database.
template <typename Work>
auto with_patience(Work&& work) {
  const auto give_up = std::chrono::steady_clock::now() + kStartPatience;
  for (;;) {
    try {
      return work();
    } catch (const StorageError& error) {
      if (!error.is_transient() || std::chrono::steady_clock::now() >= give_up) {
        throw;
      }
    }
    std::this_thread::sleep_for(kBusyTimeout);
  }
}

}  // namespace memtrack
