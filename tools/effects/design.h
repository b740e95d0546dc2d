#pragma once

// Terms as columns of a linear model: one row a trial.

#include <Eigen/Core>
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/effects/term.h"

namespace memtrack {

// Scaled so that a number's coefficient is its effect over its range.
struct Columns {
  const Term* term;
  Eigen::MatrixXd values;
  double range = 1;
  std::vector<std::string> levels = {};  // of a factor, the first is what the others are held against
};

// nullopt: the same in all trials.
std::optional<Columns> columns_of(const Term& term);

// A column of ones, then the terms' but those of `without`.
Eigen::MatrixXd joined(const std::vector<Columns>& terms, Eigen::Index rows, const Columns* without = nullptr);

// The terms that vary and that can be told from those before them; a sentence in `untold` for each other one that
// varies.
std::vector<Columns> told_terms(const std::vector<const Term*>& terms, Eigen::Index rows,
                                std::vector<std::string>& untold);

// A sentence for each number whose interval is more than three times as wide as it would be if no other term went along
// with it (a variance inflation factor of 10).
std::vector<std::string> entangled_terms(const std::vector<Columns>& terms, Eigen::Index rows);

template <typename Level>
std::vector<Level> levels_of(const std::vector<Level>& values) {
  const std::set<Level> levels(values.begin(), values.end());
  return {levels.begin(), levels.end()};
}

// One column for each of `levels` (sorted) but the first.
template <typename Level>
Eigen::MatrixXd indicators(const std::vector<Level>& values, const std::vector<Level>& levels) {
  const auto rows = static_cast<Eigen::Index>(values.size());
  Eigen::MatrixXd columns = Eigen::MatrixXd::Zero(rows, static_cast<Eigen::Index>(levels.size()) - 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto level = std::lower_bound(levels.begin(), levels.end(), values[i]) - levels.begin();
    if (level > 0) columns(static_cast<Eigen::Index>(i), level - 1) = 1;
  }
  return columns;
}

// Each column less its mean.
Eigen::MatrixXd centred(const Eigen::MatrixXd& columns);

}  // namespace memtrack
