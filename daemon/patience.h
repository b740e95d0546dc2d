#pragma once

// Database calls that are made again, by timer, until what stood in their way has passed.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "storage/database.h"

namespace memtrack {

inline boost::asio::awaitable<void> pause_for(std::chrono::steady_clock::duration duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

// What `work` returns, which must not be void. A StorageError that may pass is told to `on_trouble` once, and `work` is
// called again every 200 ms; when `limit` is over, the error is thrown. Other errors are thrown at once.
template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> with_patience(
    Work work, std::function<void(const std::string&)> on_trouble,
    std::chrono::steady_clock::duration limit = std::chrono::hours(24 * 365)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (bool told = false;; told = true) {
    std::string trouble;
    try {
      co_return work();
    } catch (const StorageError& error) {
      if (!error.is_transient() || std::chrono::steady_clock::now() > deadline) {
        throw;
      }
      trouble = error.what();
    }
    if (!told && on_trouble) {
      on_trouble(trouble + "; trying again until it works");
    }
    co_await pause_for(std::chrono::milliseconds(200));
  }
}

}  // namespace memtrack
