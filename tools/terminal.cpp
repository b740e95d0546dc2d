#include "tools/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tools/text.h"

namespace memtrack {
namespace {

bool is_dumb() {
  return environment_variable("TERM") == "dumb";
}

// Columns of the terminal on `descriptor`; 0: not a terminal, or it does not say.
std::size_t terminal_width(int descriptor) {
  winsize size{};
  if (isatty(descriptor) == 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0) {
    return 0;
  }
  return size.ws_col;
}

void throw_output_error() {
  if (errno == EPIPE) {
    throw OutputClosed();
  }
  throw std::runtime_error(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace

void prepare_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
      throw std::runtime_error(fmt::format("cannot open /dev/null: {}", std::strerror(errno)));
    }
  }
  // A handler, not SIG_IGN: exec gives the default back to the programs that we start. Who ignored it before keeps
  // that.
  struct sigaction before {};
  sigaction(SIGPIPE, nullptr, &before);
  if (before.sa_handler != SIG_IGN) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGPIPE, &action, nullptr);
  }
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw_output_error();
  }
}

void flush_output() {
  if (std::fflush(stdout) != 0) {
    throw_output_error();
  }
}

void print_error(std::string_view text) {
  // Standard error is unbuffered: one write a call, so that lines of several processes do not mix.
  [[maybe_unused]] const std::size_t written = std::fwrite(text.data(), 1, text.size(), stderr);
}

void say(std::string_view line) {
  flush_output();
  print_error(std::string(line) + "\n");
}

std::size_t output_width() {
  if (const std::size_t width = terminal_width(STDOUT_FILENO); width > 0) {
    return width;
  }
  const std::string columns = environment_variable("COLUMNS");
  std::size_t width = 0;
  const auto result = std::from_chars(columns.data(), columns.data() + columns.size(), width);
  return result.ec == std::errc() && width > 0 ? width : 80;
}

void print_wrapped(std::string_view text) {
  for (const std::string& line : wrap_words(text, output_width())) print(line + "\n");
}

bool output_is_terminal() {
  return isatty(STDOUT_FILENO) != 0 && !is_dumb();
}

std::size_t output_height() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

bool errors_are_terminal() {
  return isatty(STDERR_FILENO) != 0 && !is_dumb();
}

std::size_t errors_width() {
  const std::size_t width = terminal_width(STDERR_FILENO);
  return width > 0 ? width : 80;
}

StatusLine::StatusLine() : is_shown_(errors_are_terminal()) {}

StatusLine::~StatusLine() {
  clear();
}

void StatusLine::draw(std::string_view line) {
  if (is_shown_) {
    const std::size_t width = std::max<std::size_t>(errors_width(), 2) - 1;
    print_error(fmt::format("\r{}\x1b[K", truncate_to_width(escape_controls(line), width)));
    is_drawn_ = true;
  }
}

void StatusLine::clear() {
  if (std::exchange(is_drawn_, false)) {
    print_error("\r\x1b[K");
  }
}

bool output_has_colour() {
  return output_is_terminal() && environment_variable("NO_COLOR").empty();
}

std::string coloured(std::string_view text, std::string_view code, bool on) {
  return on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace memtrack
