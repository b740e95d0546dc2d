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

// The columns of x are linearly independent (see is_independent_of) and no more than its rows.
Fit least_squares(const Eigen::MatrixXd& x, const Eigen::VectorXd& y);

// What is left of each of `columns` beside those of `others` is more than rounding.
bool is_independent_of(const Eigen::MatrixXd& others, const Eigen::MatrixXd& columns);

// Rows of a group may take each other's places: what they are the same in is not what is tested.
using ExchangeableRows = std::vector<std::vector<Eigen::Index>>;

// How likely `tested` would explain as much of y beside `others` if it did nothing: residuals of the model without it
// are shuffled within their groups (Freedman and Lane, 1983; Winkler et al., 2014, NeuroImage 92). Never 0: at least
// 1 / (permutations + 1).
double permutation_p_value(const Eigen::MatrixXd& others, const Eigen::MatrixXd& tested, const Eigen::VectorXd& y,
                           const ExchangeableRows& groups, int permutations, std::mt19937_64& random);

// x beside y.
Eigen::MatrixXd beside(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y);

}  // namespace memtrack
