#include "sweeps/share.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

// All of the text, as a number from 1; else 0.
std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

}  // namespace

Share parse_share(std::string_view text, std::string submission_uid) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const Share share{.index = number_in(text.substr(0, slash)),
                    .count = number_in(text.substr(std::min(slash + 1, text.size()))),
                    .submission_uid = std::move(submission_uid)};
  if (share.index == 0 || share.index > share.count) {
    throw std::invalid_argument(quoted(text) + " is no share: I/N with I from 1 to N, such as 1/4, the first of four");
  }
  return share;
}

}  // namespace memtrack
