#pragma once

// Ordinary least squares, and permutation tests within it. Matrices have one row a reading and one column a
// coefficient.

#include <Eigen/Core>
#include <random>
#include <vector>

namespace memtrack {

struct Fit {
  Eigen::VectorXd coefficients;
  Eigen::MatrixXd scatter;  // (X'X)^-1: times a variance, the coefficients' covariance
  Eigen::VectorXd residuals;
  double residual_sum = 0;   // of their squares
  Eigen::Index degrees = 0;  // of freedom: rows - columns
};

// The columns of x are linearly independent (see is_independent_of) and no more than its rows; there may be none.
Fit least_squares(const Eigen::MatrixXd& x, const Eigen::VectorXd& y);

// What is left of each of `columns` beside those of `others` is more than rounding.
bool is_independent_of(const Eigen::MatrixXd& others, const Eigen::MatrixXd& columns);

using RowGroups = std::vector<std::vector<Eigen::Index>>;

// A row a group: its mean of each column.
Eigen::MatrixXd means_of(const RowGroups& groups, const Eigen::MatrixXd& columns);

// Each row less the mean of its group. Least squares of what is left are those of a model with a column of its own for
// each group (Frisch and Waugh, 1933), in which nothing is as wide as there are groups.
Eigen::MatrixXd less_means(const RowGroups& groups, const Eigen::MatrixXd& columns);

// How likely `tested` would explain as much of y beside `others` if it did nothing: residuals of the model without it
// are shuffled within `exchangeable` (Freedman and Lane, 1983; Winkler et al., 2014, NeuroImage 92), whose rows may
// take each other's places: what they are the same in is not what is tested. `own_means`: groups that have a mean each
// in the model, besides. Never 0: at least 1 / (permutations + 1).
double permutation_p_value(const Eigen::MatrixXd& others, const Eigen::MatrixXd& tested, const Eigen::VectorXd& y,
                           const RowGroups& exchangeable, int permutations, std::mt19937_64& random,
                           const RowGroups& own_means = {});

// x beside y.
Eigen::MatrixXd beside(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y);

}  // namespace memtrack
