#pragma once

// Peak memory of a program whose inside is not known, from its own past trials: least squares on the parameters that
// varied among them, their squares and products, as far as leaving one configuration out and predicting it says that
// they help. docs/predict.md explains the model. Pure functions.

#include <Eigen/Core>
#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/statistics.h"

namespace memtrack {

// Name -> JSON text: "32", "\"adam\"", "[128,64]".
using ParameterValues = std::map<std::string, std::string>;

struct PastRun {
  ParameterValues parameters;
  double peak_mib = 0;      // resident
  bool is_sampled = false;  // of several processes, a lower bound; else the kernel's own mark
};

// what() says what was measured and how many trials of which kind are needed.
class NotEnoughTrials : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A word, or a form of value, that no past trial had: nothing is known of it. what(): "optimizer lion".
class UnknownValue : public std::runtime_error {
 public:
  UnknownValue(const std::string& parameter, const std::string& value);
};

// A number that a parameter gives: itself, the sum or the length of a list, or 1 where it is `level` and 0 elsewhere.
struct Regressor {
  enum class Kind { number, sum, length, level };
  std::string parameter;
  Kind kind = Kind::number;
  std::string level = {};

  std::optional<double> value_in(const ParameterValues& values) const;  // nullopt: the parameter gives none
  std::string name() const;                                             // batch_size, sum of layers, optimizer adam
};

class Regression {
 public:
  // Fewer different settings than this say nothing about the next one, unless all trials are of the same.
  static constexpr std::size_t kFewestConfigurations = 5;

  // All runs name the same parameters; those of the same values are repeats of one configuration. Throws
  // NotEnoughTrials.
  explicit Regression(const std::vector<PastRun>& runs);

  struct Answer {
    double mib = 0;
    Interval interval = {};   // 95%: of the next trial
    std::string beyond = {};  // the first parameter that lies beyond what was measured; empty: none
  };
  // `values` names what the runs named. Throws UnknownValue.
  Answer predict(const ParameterValues& values) const;

  std::vector<std::string> terms() const;  // "batch_size x width", in the order in which they were taken
  const std::vector<std::string>& left_out() const { return left_out_; }  // words with too many different values
  std::size_t configurations() const { return configurations_; }
  std::size_t runs() const { return runs_; }
  std::size_t sampled() const { return sampled_; }           // of the runs: peaks that are lower bounds
  double relative_error() const { return relative_error_; }  // mean, each configuration told by all others

 private:
  using Term = std::vector<Regressor>;  // a product of one or two

  static double value_of(const Term& term, const ParameterValues& values);
  void take_one_setting(const std::vector<double>& peaks);
  void take_terms(const std::vector<ParameterValues>& settings, const Eigen::VectorXd& means);
  void note_measured(const std::vector<PastRun>& runs);
  std::vector<Term> candidate_terms();
  bool is_beyond(const std::string& parameter, const std::string& value) const;

  std::vector<Term> terms_;
  std::vector<double> scales_;  // of each term: the largest size that was measured
  Eigen::VectorXd coefficients_;
  Eigen::MatrixXd scatter_;
  double variance_ = 0, degrees_ = 0;
  std::size_t configurations_ = 0, runs_ = 0, sampled_ = 0;
  double relative_error_ = 0;
  // Of a parameter, its different values and how far what they give reaches.
  struct Measured {
    std::vector<std::string> values;
    std::vector<Regressor> regressors;
    std::vector<Interval> ranges;  // of each regressor
  };
  std::map<std::string, Measured> measured_;
  std::vector<std::string> left_out_;
};

}  // namespace memtrack
