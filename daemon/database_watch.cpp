#include "daemon/database_watch.h"

#include <sys/inotify.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "storage/file_descriptor.h"

namespace memtrack {
namespace asio = boost::asio;

DatabaseWatch::DatabaseWatch(asio::io_context& context, const std::filesystem::path& database)
    : log_(database.string() + "-wal"), events_(context) {
  if (FileDescriptor descriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); descriptor) {
    events_.assign(descriptor.release());
  }
}

// Every change goes through the write-ahead log, which is there as long as the caller has the database open.
bool DatabaseWatch::arm() {
  return events_.is_open() && inotify_add_watch(events_.native_handle(), log_.c_str(),
                                                IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONESHOT) >= 0;
}

asio::awaitable<void> DatabaseWatch::wait() {
  if (!arm()) {
    co_return;
  }
  std::array<char, 4096> told{};
  boost::system::error_code error;
  co_await events_.async_read_some(asio::buffer(told), asio::redirect_error(asio::use_awaitable, error));
}

void DatabaseWatch::stop() {
  boost::system::error_code ignored;
  events_.close(ignored);
}

}  // namespace memtrack
