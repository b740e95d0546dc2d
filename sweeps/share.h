#pragma once

// Several machines run one submission, each a fixed share of its trials, into databases that `memtrack merge` joins.

#include <cstdint>
#include <string>
#include <string_view>

namespace memtrack {

struct Share {
  std::int64_t index = 1;           // 1 to count
  std::int64_t count = 1;           // shares of the submission
  std::string submission_uid = {};  // the same for all of them, unique in the world

  // Whether it holds the trial that so many of the submission come before.
  bool holds(std::int64_t trials_before) const { return trials_before % count == index - 1; }
};

// "2/4" -> the second of four. Throws std::invalid_argument saying what would be right.
Share parse_share(std::string_view text, std::string submission_uid);

}  // namespace memtrack
