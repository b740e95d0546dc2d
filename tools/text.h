#pragma once

// Figures and words as people read them on a terminal. Pure functions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// Columns that the text takes on a terminal: combining marks 0, East Asian wide characters and emoji 2, others 1.
// Bytes that are no UTF-8 count 1 each.
std::size_t display_width(std::string_view text);

// The text itself where it is not wider than `width`, else its beginning and "…". Never cuts inside a character.
std::string truncate_to_width(std::string_view text, std::size_t width);

// Lines of at most `width` columns, cut after '-', ',' or ' ' where possible. At least one line.
std::vector<std::string> fold_to_width(std::string_view text, std::size_t width);

// Lines of at most `width` columns, cut at blanks alone: a word that is wider stays whole, to be copied. At least one.
std::vector<std::string> wrap_words(std::string_view text, std::size_t width);

// Control characters and bytes that are no UTF-8 become \n, \t, \xNN: no cell moves the cursor or breaks a line.
std::string escape_controls(std::string_view text);

bool is_utf8(std::string_view text);

inline constexpr double kMib = 1024.0 * 1024.0;  // bytes

// 1572864 -> "1.50".
std::string format_mib(double bytes);

// Shortest text that reads back to the same number; always marked as real: "3.0", "1e-05", "inf".
std::string format_real(double value);

// 0.5 -> "[##########----------]"; less than 0 counts as 0, more than 1 as 1.
std::string progress_bar(double share);

// 0.042 -> "0.04 s", 75.2 -> "1m15s", 4000 -> "1h06m", 200000 -> "2d07h".
std::string format_seconds(double seconds);

// 1 -> "1 trial", 3 -> "3 trials".
std::string count_of(std::int64_t count, std::string_view noun);

// Behind a trial's number: ", repeat 2", ", warm-up"; empty for the first repeat.
std::string repeat_text(std::int64_t repeat, bool is_warmup);

// For a shell: the word itself where it needs no quotes, else in single quotes.
std::string shell_word(std::string_view word);

}  // namespace memtrack
