#include "tools/effects/least_squares.h"

#include <Eigen/Dense>
#include <algorithm>

namespace memtrack {
namespace {

// An orthonormal basis of the columns' space.
Eigen::MatrixXd basis_of(const Eigen::MatrixXd& columns) {
  if (columns.cols() == 0) return columns;
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  return qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), columns.cols());
}

// What of `columns` the basis does not span.
Eigen::MatrixXd left_of(const Eigen::MatrixXd& basis, const Eigen::MatrixXd& columns) {
  return columns - basis * (basis.transpose() * columns);
}

// Fisher and Yates; std::shuffle's order differs between standard libraries.
void shuffle_within(const RowGroups& groups, const Eigen::VectorXd& from, Eigen::VectorXd& to,
                    std::mt19937_64& random) {
  to = from;
  for (const std::vector<Eigen::Index>& rows : groups) {
    for (std::size_t last = rows.size(); last > 1; --last) {
      std::swap(to[rows[last - 1]], to[rows[random() % last]]);
    }
  }
}

}  // namespace

Fit least_squares(const Eigen::MatrixXd& x, const Eigen::VectorXd& y) {
  if (x.cols() == 0) {
    return {.coefficients = {}, .scatter = {}, .residuals = y, .residual_sum = y.squaredNorm(), .degrees = y.size()};
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(x);
  Fit fit;
  fit.coefficients = qr.solve(y);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(x.cols()).triangularView<Eigen::Upper>();
  const Eigen::MatrixXd inverse = r.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(x.cols(), x.cols()));
  fit.scatter = inverse * inverse.transpose();
  fit.residuals = y - x * fit.coefficients;
  fit.residual_sum = fit.residuals.squaredNorm();
  fit.degrees = x.rows() - x.cols();
  return fit;
}

bool is_independent_of(const Eigen::MatrixXd& others, const Eigen::MatrixXd& columns) {
  constexpr double kRounding = 1e-8;  // relative to the column's own length
  Eigen::MatrixXd known = others;
  for (Eigen::Index i = 0; i < columns.cols(); ++i) {
    if (known.cols() >= known.rows()) return false;
    const Eigen::VectorXd column = columns.col(i);
    if (left_of(basis_of(known), column).norm() <= kRounding * column.norm()) return false;
    known = beside(known, column);
  }
  return true;
}

Eigen::MatrixXd means_of(const RowGroups& groups, const Eigen::MatrixXd& columns) {
  Eigen::MatrixXd means(static_cast<Eigen::Index>(groups.size()), columns.cols());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    means.row(static_cast<Eigen::Index>(i)) = columns(groups[i], Eigen::all).colwise().mean();
  }
  return means;
}

Eigen::MatrixXd less_means(const RowGroups& groups, const Eigen::MatrixXd& columns) {
  const Eigen::MatrixXd means = means_of(groups, columns);
  Eigen::MatrixXd left = columns;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const Eigen::Index row : groups[i]) left.row(row) -= means.row(static_cast<Eigen::Index>(i));
  }
  return left;
}

double permutation_p_value(const Eigen::MatrixXd& others, const Eigen::MatrixXd& tested, const Eigen::VectorXd& y,
                           const RowGroups& exchangeable, int permutations, std::mt19937_64& random,
                           const RowGroups& own_means) {
  const Eigen::MatrixXd known = basis_of(less_means(own_means, others));
  const auto left_beside = [&](const Eigen::MatrixXd& columns) {
    return left_of(known, less_means(own_means, columns));
  };
  const Eigen::MatrixXd added = basis_of(left_beside(tested));
  const Eigen::VectorXd residuals = left_beside(y);
  const auto explained_share = [&](const Eigen::VectorXd& values) {
    const Eigen::VectorXd left = left_beside(values);
    const double total = left.squaredNorm();
    return total > 0 ? (added.transpose() * left).squaredNorm() / total : 0;
  };
  // Permutations that change nothing must count, whatever the rounding.
  const double seen = explained_share(residuals) * (1 - 1e-9);
  Eigen::VectorXd shuffled;
  int as_much = 1;
  for (int i = 0; i < permutations; ++i) {
    shuffle_within(exchangeable, residuals, shuffled, random);
    if (explained_share(shuffled) >= seen) ++as_much;
  }
  return static_cast<double>(as_much) / (permutations + 1);
}

Eigen::MatrixXd beside(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y) {
  Eigen::MatrixXd both(std::max(x.rows(), y.rows()), x.cols() + y.cols());
  if (x.cols() > 0) both.leftCols(x.cols()) = x;
  if (y.cols() > 0) both.rightCols(y.cols()) = y;
  return both;
}

}  // namespace memtrack
