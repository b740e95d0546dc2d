#include "daemon/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

namespace memtrack {
namespace {

// Of syslog(3).
int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return 2;
    case spdlog::level::err:
      return 3;
    case spdlog::level::warn:
      return 4;
    case spdlog::level::info:
      return 6;
    default:
      return 7;
  }
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool to_journal) : to_journal_(to_journal) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& target) override {
    const std::string line =
        log_line(message.level, message.time, {message.payload.data(), message.payload.size()}, to_journal_) + "\n";
    target.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(to_journal_); }

 private:
  bool to_journal_;
};

}  // namespace

bool is_journal(int descriptor, std::string_view journal_stream) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && journal_stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

std::string log_line(spdlog::level::level_enum level, spdlog::log_clock::time_point time, std::string_view message,
                     bool to_journal) {
  std::string text(message);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  if (to_journal) {
    return fmt::format("<{}>{}", priority_of(level), text);
  }
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t seconds = spdlog::log_clock::to_time_t(time);
  const auto name = spdlog::level::to_string_view(level);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03} {:7} {}", fmt::localtime(seconds), since_epoch.count() % 1000,
                     std::string_view(name.data(), name.size()), text);
}

void start_logging() {
  const char* journal_stream = std::getenv("JOURNAL_STREAM");
  const bool to_journal = is_journal(STDERR_FILENO, journal_stream == nullptr ? "" : journal_stream);
  auto logger = std::make_shared<spdlog::logger>("memtrackd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(to_journal));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace memtrack
