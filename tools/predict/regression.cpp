#include "tools/predict/regression.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/effects/least_squares.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLevels = 8;  // of a word
constexpr Eigen::Index kMostTerms = 8;  // beside the constant
constexpr Eigen::Index kRowsACoefficient = 3;
constexpr double kWorthATerm = 0.9;  // of the squared error that was left before it

// One row a configuration: its mean peak, and how its repeats spread.
struct Configuration {
  ParameterValues parameters;
  std::vector<double> peaks;
};

std::vector<Configuration> configurations_of(const std::vector<PastRun>& runs) {
  std::map<ParameterValues, std::vector<double>> by_parameters;
  for (const PastRun& run : runs) by_parameters[run.parameters].push_back(run.peak_mib);
  std::vector<Configuration> configurations;
  for (const auto& [parameters, peaks] : by_parameters) configurations.push_back({parameters, peaks});
  return configurations;
}

// Pooled over the configurations that were repeated; 0 where none was.
double variance_of_repeats(const std::vector<Configuration>& configurations) {
  double squares = 0, degrees = 0;
  for (const Configuration& configuration : configurations) {
    const double mean = mean_of(configuration.peaks);
    for (const double peak : configuration.peaks) squares += (peak - mean) * (peak - mean);
    degrees += static_cast<double>(configuration.peaks.size() - 1);
  }
  return degrees > 0 ? squares / degrees : 0;
}

bool is_list_of_numbers(const json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const json& each) { return each.is_number(); });
}

template <typename Is>
bool all_are(const std::vector<std::string>& values, Is is) {
  return std::all_of(values.begin(), values.end(), [&](const std::string& text) { return is(json::parse(text)); });
}

// What the different values of a parameter give; nothing of a word with too many.
std::vector<Regressor> regressors_of(const std::string& parameter, const std::vector<std::string>& values) {
  using Kind = Regressor::Kind;
  if (all_are(values, [](const json& value) { return value.is_number(); })) return {{parameter, Kind::number}};
  if (all_are(values, is_list_of_numbers)) return {{parameter, Kind::sum}, {parameter, Kind::length}};
  std::vector<Regressor> levels;
  if (values.size() > kMostLevels) return levels;
  for (const std::string& value : values) levels.push_back({parameter, Kind::level, value});
  return levels;
}

Interval range_of(const Regressor& regressor, const std::string& parameter, const std::vector<std::string>& values) {
  Interval range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const std::string& value : values) {
    const double given = regressor.value_in({{parameter, value}}).value();
    range = {std::min(range.low, given), std::max(range.high, given)};
  }
  return range;
}

// The error of each row as all others predict it (Allen's PRESS residuals); infinite where they cannot.
Eigen::VectorXd errors_left_out(const Eigen::MatrixXd& x, const Eigen::VectorXd& y) {
  const Fit fit = least_squares(x, y);
  const Eigen::VectorXd leverages = (x * fit.scatter).cwiseProduct(x).rowwise().sum();
  const auto are_told = leverages.array() < 1 - 1e-6;
  return are_told.select(fit.residuals.array() / (1 - leverages.array()), std::numeric_limits<double>::infinity());
}

double mean_square_left_out(const Eigen::MatrixXd& x, const Eigen::VectorXd& y) {
  return errors_left_out(x, y).squaredNorm() / static_cast<double>(y.size());
}

// Candidates that are taken one by one, the one that leaves the least error first.
class ForwardSelection {
 public:
  ForwardSelection(Eigen::MatrixXd candidates, Eigen::VectorXd response)
      : candidates_(std::move(candidates)), response_(std::move(response)) {
    taken_ = Eigen::MatrixXd::Ones(response_.size(), 1);
    error_ = mean_square_left_out(taken_, response_);
  }

  std::vector<Eigen::Index> run() {
    while (taken_.cols() <= kMostTerms && (taken_.cols() + 1) * kRowsACoefficient <= taken_.rows() && take_best()) {
    }
    return order_;
  }

  const Eigen::MatrixXd& columns() const { return taken_; }
  double error() const { return error_; }

 private:
  bool take_best() {
    Eigen::Index best = -1;
    double least = error_ * kWorthATerm;
    for (Eigen::Index i = 0; i < candidates_.cols(); ++i) {
      const Eigen::VectorXd column = candidates_.col(i);
      if (!is_independent_of(taken_, column)) continue;
      const double error = mean_square_left_out(beside(taken_, column), response_);
      if (error < least) {
        best = i;
        least = error;
      }
    }
    if (best < 0) return false;
    order_.push_back(best);
    taken_ = beside(taken_, candidates_.col(best));
    error_ = least;
    return true;
  }

  Eigen::MatrixXd candidates_;
  Eigen::VectorXd response_;
  Eigen::MatrixXd taken_;
  double error_ = 0;
  std::vector<Eigen::Index> order_;
};

std::string value_text(const std::string& value) {
  const json parsed = json::parse(value);
  return escape_controls(parsed.is_string() ? parsed.get<std::string>() : value);
}

}  // namespace

std::optional<double> Regressor::value_in(const ParameterValues& values) const {
  const auto found = values.find(parameter);
  if (found == values.end()) return std::nullopt;
  if (kind == Kind::level) return found->second == level ? 1 : 0;
  const json value = json::parse(found->second);
  if (kind == Kind::number) return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
  if (!is_list_of_numbers(value)) return std::nullopt;
  if (kind == Kind::length) return static_cast<double>(value.size());
  double sum = 0;
  for (const json& each : value) sum += each.get<double>();
  return sum;
}

UnknownValue::UnknownValue(const std::string& parameter, const std::string& value)
    : std::runtime_error(fmt::format("{} {}", escape_controls(parameter), value_text(value))) {}

std::string Regressor::name() const {
  const std::string text = escape_controls(parameter);
  if (kind == Kind::sum) return "sum of " + text;
  if (kind == Kind::length) return "length of " + text;
  return kind == Kind::level ? fmt::format("{} {}", text, value_text(level)) : text;
}

Regression::Regression(const std::vector<PastRun>& runs) : runs_(runs.size()) {
  const std::vector<Configuration> configurations = configurations_of(runs);
  configurations_ = configurations.size();
  if (configurations_ == 1 && runs_ > 1) {
    take_one_setting(configurations.front().peaks);
  } else if (configurations_ < kFewestConfigurations) {
    throw NotEnoughTrials(
        fmt::format("{} of this program with {} of its parameters {} done on this machine, and {} "
                    "different settings are needed",
                    count_of(static_cast<std::int64_t>(runs_), "trial"),
                    count_of(static_cast<std::int64_t>(configurations_), "setting"), runs_ == 1 ? "is" : "are",
                    kFewestConfigurations));
  }
  note_measured(runs);
  if (configurations_ == 1) return;
  Eigen::VectorXd means(static_cast<Eigen::Index>(configurations_));
  std::vector<ParameterValues> settings;
  for (std::size_t i = 0; i < configurations_; ++i) {
    settings.push_back(configurations[i].parameters);
    means[static_cast<Eigen::Index>(i)] = mean_of(configurations[i].peaks);
  }
  take_terms(settings, means);
  variance_ += variance_of_repeats(configurations);
}

// The next trial of the same.
void Regression::take_one_setting(const std::vector<double>& peaks) {
  coefficients_ = Eigen::VectorXd::Constant(1, mean_of(peaks));
  scatter_ = Eigen::MatrixXd::Constant(1, 1, 1 / static_cast<double>(peaks.size()));
  const double deviation = standard_deviation_of(peaks).value();
  variance_ = deviation * deviation;
  degrees_ = static_cast<double>(peaks.size() - 1);
}

void Regression::take_terms(const std::vector<ParameterValues>& settings, const Eigen::VectorXd& means) {
  const std::vector<Term> candidates = candidate_terms();
  Eigen::MatrixXd columns(means.size(), static_cast<Eigen::Index>(candidates.size()));
  for (Eigen::Index row = 0; row < columns.rows(); ++row) {
    for (Eigen::Index i = 0; i < columns.cols(); ++i) {
      columns(row, i) = value_of(candidates[static_cast<std::size_t>(i)], settings[static_cast<std::size_t>(row)]);
    }
  }
  const Eigen::RowVectorXd largest = columns.cwiseAbs().colwise().maxCoeff();
  const Eigen::RowVectorXd scales = (largest.array() > 0).select(largest, 1);
  ForwardSelection selection(columns.array().rowwise() / scales.array(), means);
  for (const Eigen::Index taken : selection.run()) {
    terms_.push_back(candidates[static_cast<std::size_t>(taken)]);
    scales_.push_back(scales[taken]);
  }
  const Fit fit = least_squares(selection.columns(), means);
  coefficients_ = fit.coefficients;
  scatter_ = fit.scatter;
  variance_ = selection.error();
  degrees_ = static_cast<double>(fit.degrees);
  relative_error_ = (errors_left_out(selection.columns(), means).array() / means.array()).abs().mean();
}

void Regression::note_measured(const std::vector<PastRun>& runs) {
  std::map<std::string, std::set<std::string>> values;
  for (const PastRun& run : runs) {
    sampled_ += run.is_sampled ? 1 : 0;
    for (const auto& [name, value] : run.parameters) values[name].insert(value);
  }
  for (const auto& [name, different] : values) {
    Measured& measured = measured_[name];
    measured.values = {different.begin(), different.end()};
    measured.regressors = regressors_of(name, measured.values);
    for (const Regressor& regressor : measured.regressors) {
      measured.ranges.push_back(range_of(regressor, name, measured.values));
    }
  }
}

std::vector<Regression::Term> Regression::candidate_terms() {
  std::vector<Regressor> regressors;
  for (const auto& [parameter, measured] : measured_) {
    if (measured.values.size() < 2) continue;
    if (measured.regressors.empty()) left_out_.push_back(escape_controls(parameter));
    regressors.insert(regressors.end(), measured.regressors.begin(), measured.regressors.end());
  }
  std::vector<Term> terms;
  for (std::size_t i = 0; i < regressors.size(); ++i) {
    terms.push_back({regressors[i]});
    for (std::size_t j = i; j < regressors.size(); ++j) terms.push_back({regressors[i], regressors[j]});
  }
  return terms;
}

double Regression::value_of(const Term& term, const ParameterValues& values) {
  double product = 1;
  for (const Regressor& regressor : term) product *= regressor.value_in(values).value();
  return product;
}

// Numbers may lie beyond what was measured, and are told then; words and forms may not.
bool Regression::is_beyond(const std::string& parameter, const std::string& value) const {
  const Measured& known = measured_.at(parameter);
  if (std::binary_search(known.values.begin(), known.values.end(), value)) return false;
  for (std::size_t i = 0; i < known.regressors.size(); ++i) {
    const Regressor& regressor = known.regressors[i];
    if (regressor.kind == Regressor::Kind::level) throw UnknownValue(parameter, value);
    const std::optional<double> number = regressor.value_in({{parameter, value}});
    if (!number) throw UnknownValue(parameter, value);
    if (*number < known.ranges[i].low || *number > known.ranges[i].high) return true;
  }
  return false;
}

Regression::Answer Regression::predict(const ParameterValues& values) const {
  Answer answer;
  for (const auto& [name, known] : measured_) {
    if (is_beyond(name, values.at(name)) && answer.beyond.empty()) answer.beyond = escape_controls(name);
  }
  Eigen::RowVectorXd row(coefficients_.size());
  row[0] = 1;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    row[static_cast<Eigen::Index>(i) + 1] = value_of(terms_[i], values) / scales_[i];
  }
  answer.mib = row * coefficients_;
  const double variance = variance_ * (1 + row * scatter_ * row.transpose());
  const double half = student_quantile(0.975, degrees_) * std::sqrt(variance);
  answer.interval = {answer.mib - half, answer.mib + half};
  return answer;
}

std::vector<std::string> Regression::terms() const {
  std::vector<std::string> names;
  for (const Term& term : terms_) {
    std::string name = term.front().name();
    if (term.size() == 2) name += " x " + term.back().name();
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace memtrack
