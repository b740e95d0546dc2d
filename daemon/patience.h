#pragma once

// Calls that are made again, by timer, until what stood in their way has passed: a locked database, a full disk,
// descriptors that are used up.

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "storage/shortage.h"

namespace memtrack {

inline boost::asio::awaitable<void> pause_for(std::chrono::steady_clock::duration duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

// What `work` returns, which must not be void. After an error that may pass `work` is called again, soon at first and
// then every 200 ms; that it still fails after a second is told to `on_trouble`, once. When `limit` is over, the error
// is thrown. Other errors are thrown at once.
template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> with_patience(
    Work work, std::function<void(const std::string&)> on_trouble,
    std::chrono::steady_clock::duration limit = std::chrono::hours(24 * 365)) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongestPause(200);
  constexpr std::chrono::seconds kUntilTold(1);  // others write too: a lock of some milliseconds is no news
  const Clock::time_point begin = Clock::now();
  std::chrono::milliseconds pause(5);
  bool told = false;
  for (;;) {
    std::string trouble;
    try {
      co_return work();
    } catch (const std::exception& error) {
      if (!may_pass(error) || Clock::now() - begin > limit) {
        throw;
      }
      trouble = error.what();
    }
    if (!told && on_trouble && Clock::now() - begin >= kUntilTold) {
      on_trouble(trouble + "; trying again until it works");
      told = true;
    }
    co_await pause_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace memtrack
