#pragma once

// Tells when somebody has written to a database, without looking again and again.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>

namespace memtrack {

class DatabaseWatch {
 public:
  DatabaseWatch(boost::asio::io_context& context, const std::filesystem::path& database);

  // Returns when the database is written to the next time, by whomever. Where that cannot be known (no inotify left, no
  // file beside the database yet), at once: the caller looks every now and then.
  boost::asio::awaitable<void> wait();
  // wait() returns, now and from now on.
  void stop();

 private:
  bool arm();

  std::filesystem::path log_;
  boost::asio::posix::stream_descriptor events_;
};

}  // namespace memtrack
