#include "tools/effects/design.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>

#include "tools/effects/least_squares.h"

namespace memtrack {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// The term that `column` resembles most; nullptr: none closely.
const Columns* nearest_term(const VectorXd& column, const std::vector<Columns>& terms, double closest) {
  const Columns* nearest = nullptr;
  for (const Columns& other : terms) {
    for (Index i = 0; i < other.values.cols(); ++i) {
      const VectorXd a = centred(column), b = centred(other.values.col(i));
      const double likeness = std::abs(a.dot(b)) / (a.norm() * b.norm());
      if (likeness > closest) {
        closest = likeness;
        nearest = &other;
      }
    }
  }
  return nearest;
}

}  // namespace

std::optional<Columns> columns_of(const Term& term) {
  if (!term.levels.empty()) {
    const std::vector<std::string> levels = levels_of(term.levels);
    if (levels.size() < 2) return std::nullopt;
    return Columns{&term, indicators(term.levels, levels), 1, levels};
  }
  const auto [low, high] = std::minmax_element(term.numbers.begin(), term.numbers.end());
  const double range = *high - *low;
  if (!(range > 0)) return std::nullopt;
  return Columns{&term, centred(VectorXd::Map(term.numbers.data(), static_cast<Index>(term.numbers.size()))) / range,
                 range};
}

MatrixXd joined(const std::vector<Columns>& terms, Index rows, const Columns* without) {
  MatrixXd all = MatrixXd::Ones(rows, 1);
  for (const Columns& columns : terms) {
    if (&columns != without) all = beside(all, columns.values);
  }
  return all;
}

std::vector<Columns> told_terms(const std::vector<const Term*>& terms, Index rows, std::vector<std::string>& untold) {
  std::vector<Columns> told;
  for (const Term* term : terms) {
    std::optional<Columns> columns = columns_of(*term);
    if (!columns) continue;
    if (is_independent_of(joined(told, rows), columns->values)) {
      told.push_back(std::move(*columns));
    } else {
      const Columns* nearest = nearest_term(columns->values.col(0), told, 0.99);
      untold.push_back(fmt::format("{} cannot be told from {}: they move together in all trials.", term->name,
                                   nearest == nullptr ? "the others together" : nearest->term->name));
    }
  }
  return told;
}

std::vector<std::string> entangled_terms(const std::vector<Columns>& terms, Index rows) {
  constexpr double kInflation = 10;
  std::vector<std::string> sentences;
  for (const Columns& columns : terms) {
    if (!columns.levels.empty()) continue;
    const VectorXd own = centred(columns.values);
    const double left = least_squares(joined(terms, rows, &columns), own).residual_sum;
    const double inflation = own.squaredNorm() / left;
    if (inflation < kInflation) continue;
    std::vector<Columns> others;
    for (const Columns& other : terms) {
      if (&other != &columns) others.push_back(other);
    }
    const Columns* nearest = nearest_term(own, others, 0);
    sentences.push_back(fmt::format(
        "{} goes along with other terms, most with {}: its interval is {:.0f} times as wide as it would be "
        "alone.",
        columns.term->name, nearest == nullptr ? "all together" : nearest->term->name, std::sqrt(inflation)));
  }
  return sentences;
}

MatrixXd centred(const MatrixXd& columns) {
  return columns.rowwise() - columns.colwise().mean();
}

}  // namespace memtrack
