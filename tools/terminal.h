#pragma once

// Standard output and the terminal behind it.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace memtrack {

// The reader of standard output went away (`| head`): nothing is wrong, and nothing is left to do.
class OutputClosed : public std::runtime_error {
 public:
  OutputClosed() : std::runtime_error("standard output was closed") {}
};

// To be called first. A closed pipe then is an error of write(2), not the end of the program; programs that we start
// are not touched by it. Of 0, 1 and 2, what our starter closed leads to /dev/null: no file of ours may take its
// number.
void prepare_standard_streams();

// Writes to standard output. Throws OutputClosed, or std::runtime_error where it cannot be written (a full disk).
void print(std::string_view text);
void flush_output();

// To standard error, as far as anybody hears it.
void print_error(std::string_view text);

// One line on standard error, after what was printed.
void say(std::string_view line);

// Columns for a table: of the terminal on standard output, else $COLUMNS, else 80.
std::size_t output_width();

// To standard output, in lines of output_width() cut at blanks.
void print_wrapped(std::string_view text);

// True where standard output is a terminal that may be redrawn (not with TERM=dumb).
bool output_is_terminal();

// Lines of the terminal on standard output; 24 where it does not say.
std::size_t output_height();

// True where standard error is a terminal that may be redrawn (not with TERM=dumb).
bool errors_are_terminal();
std::size_t errors_width();

// One line of progress on standard error that is drawn again and again, on a terminal alone. Gone when it ends.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool is_shown() const { return is_shown_; }
  void draw(std::string_view line);  // cut to the terminal's width: a line that wraps could not be taken back
  void clear();

 private:
  bool is_shown_;
  bool is_drawn_ = false;
};

// True where standard output is a terminal and neither NO_COLOR nor TERM=dumb speaks against colour.
bool output_has_colour();

// `text` in colour where `on`: "1" bold, "31" red, "32" green, "2" dim.
std::string coloured(std::string_view text, std::string_view code, bool on);

// The value of an environment variable; empty where it is unset.
std::string environment_variable(const char* name);

}  // namespace memtrack
