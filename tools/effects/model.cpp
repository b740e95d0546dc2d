#include "tools/effects/model.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <map>
#include <numeric>

#include "tools/effects/design.h"
#include "tools/effects/least_squares.h"

namespace memtrack {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Readings of one kind: y, the terms beside it, and which rows may take each other's places.
struct Stratum {
  VectorXd y;
  std::vector<Columns> terms;
  ExchangeableRows groups;
};

// Coefficients with their covariance, and the degrees of freedom behind it.
struct Estimate {
  VectorXd coefficients;
  MatrixXd covariance;
  double degrees = 0;
};

Estimate estimate_of(const Fit& fit) {
  const double variance = fit.residual_sum / static_cast<double>(fit.degrees);
  return {fit.coefficients, fit.scatter * variance, static_cast<double>(fit.degrees)};
}

Contrast contrast_of(double over_range, double error, double degrees, double range) {
  const double half = student_quantile(0.975, degrees) * error;
  Contrast contrast;
  contrast.over_range = over_range;
  contrast.over_range_interval = {over_range - half, over_range + half};
  contrast.slope = over_range / range;
  contrast.slope_interval = {(over_range - half) / range, (over_range + half) / range};
  contrast.smallest_visible = smallest_visible_effect(error, degrees);
  return contrast;
}

// `first`: of the term's coefficients.
Effect effect_of(const Columns& columns, const Estimate& estimate, Index first) {
  Effect effect;
  effect.name = columns.term->name;
  effect.unit = columns.term->unit;
  effect.is_control = columns.term->is_control;
  effect.arithmetic = columns.term->arithmetic;
  for (Index i = 0; i < columns.values.cols(); ++i) {
    const Index at = first + i;
    effect.contrasts.push_back(contrast_of(estimate.coefficients[at], std::sqrt(estimate.covariance(at, at)),
                                           estimate.degrees, columns.range));
    if (!columns.levels.empty()) {
      effect.contrasts.back().level =
          columns.levels[static_cast<std::size_t>(i) + 1] + " against " + columns.levels.front();
    }
  }
  return effect;
}

VectorXd as_vector(const std::vector<double>& values) {
  return VectorXd::Map(values.data(), static_cast<Index>(values.size()));
}

ExchangeableRows rows_by(const std::vector<std::int64_t>& labels) {
  std::map<std::int64_t, std::vector<Index>> groups;
  for (std::size_t i = 0; i < labels.size(); ++i) groups[labels[i]].push_back(static_cast<Index>(i));
  ExchangeableRows rows;
  for (auto& [label, group] : groups) rows.push_back(std::move(group));
  return rows;
}

class Estimation {
 public:
  Estimation(const Experiment& experiment, int permutations, std::uint64_t seed)
      : experiment_(experiment),
        permutations_(permutations),
        random_(seed),
        y_(as_vector(experiment.response)),
        networks_(levels_of(experiment.network)),
        blocks_(levels_of(experiment.block)),
        order_{.name = std::string(kRunOrder), .unit = "trial", .numbers = experiment.order, .is_control = true} {}

  Effects run() {
    describe();
    if (rows() < 3)
      throw NoEffects(
          fmt::format("{} trial{} no effect: at least 3 are needed", rows(), rows() == 1 ? " tells" : "s tell"));
    if (!(result_.largest > result_.smallest)) {
      throw NoEffects(fmt::format("all {} trials used the same memory, {:.2f} MiB: there is nothing to explain", rows(),
                                  result_.mean));
    }
    refuse_if_too_few();
    if (networks_.size() < experiment_.network.size()) {
      with_repeats();
    } else {
      without_repeats();
    }
    for (std::string& text : entangled_terms(told_, rows())) result_.untold.push_back(std::move(text));
    add_shares();
    adjust();
    return std::move(result_);
  }

 private:
  Index rows() const { return y_.size(); }

  void describe() {
    result_.trials = experiment_.response.size();
    result_.networks = networks_.size();
    result_.blocks = blocks_.size();
    result_.mean = y_.size() > 0 ? y_.mean() : 0;
    result_.smallest = y_.size() > 0 ? y_.minCoeff() : 0;
    result_.largest = y_.size() > 0 ? y_.maxCoeff() : 0;
  }

  std::vector<const Term*> hyperparameters() const {
    std::vector<const Term*> terms;
    for (const Term& term : experiment_.terms) terms.push_back(&term);
    return terms;
  }

  // Columns that are no news beside others count too: which of them is at work could not be said.
  void refuse_if_too_few() const {
    Index columns = 0;
    std::string names;
    for (const Term& term : experiment_.terms) {
      if (const std::optional<Columns> varying = columns_of(term)) {
        columns += varying->values.cols();
        names += (names.empty() ? "" : ", ") + term.name;
      }
    }
    if (names.empty()) {
      throw NoEffects("no hyperparameter varies between these trials: vary one in the sweep file");
    }
    if (networks_.size() < static_cast<std::size_t>(columns) + 1) {
      throw NoEffects(
          fmt::format("{} different trials cannot tell the effects of {} apart: draw more trials, or name fewer of "
                      "them with --terms",
                      networks_.size(), names));
    }
  }

  // Each network once: its terms are those of its first trial.
  std::vector<Columns> at_networks(const std::vector<Columns>& terms) const {
    std::vector<Columns> reduced = terms;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      reduced[t].values.resize(static_cast<Index>(networks_.size()), terms[t].values.cols());
      for (std::size_t n = 0; n < networks_.size(); ++n) {
        const auto first = std::find(experiment_.network.begin(), experiment_.network.end(), networks_[n]);
        reduced[t].values.row(static_cast<Index>(n)) = terms[t].values.row(first - experiment_.network.begin());
      }
    }
    return reduced;
  }

  void add_effects(const std::vector<Columns>& terms, const Estimate& estimate) {
    result_.degrees = estimate.degrees;
    Index first = 1;
    for (const Columns& columns : terms) {
      result_.effects.push_back(effect_of(columns, estimate, first));
      first += columns.values.cols();
    }
  }

  // p-values of the last effects, one a term of the stratum.
  void test(const Stratum& stratum) {
    std::size_t at = result_.effects.size() - stratum.terms.size();
    for (const Columns& columns : stratum.terms) {
      result_.effects[at++].p_value =
          permutation_p_value(joined(stratum.terms, stratum.y.size(), &columns), columns.values, stratum.y,
                              stratum.groups, permutations_, random_);
    }
  }

  void without_repeats() {
    std::vector<const Term*> terms = hyperparameters();
    terms.push_back(&order_);
    told_ = told_terms(terms, rows(), result_.untold);
    const Fit fit = least_squares(joined(told_, rows()), y_);
    if (fit.degrees < 1) throw NoEffects(too_few_repeats());
    add_effects(told_, estimate_of(fit));
    test({y_, told_, rows_by(experiment_.block)});
  }

  // [networks, blocks, run order]: what is left is what repeats differ in.
  MatrixXd repeat_model(bool with_order) const {
    MatrixXd x = MatrixXd::Zero(rows(), static_cast<Index>(networks_.size()));
    for (Index i = 0; i < rows(); ++i) {
      x(i, std::lower_bound(networks_.begin(), networks_.end(), experiment_.network[static_cast<std::size_t>(i)]) -
               networks_.begin()) = 1;
    }
    x = with_independent(x, centred(indicators(experiment_.block, blocks_)));
    return with_order ? beside(x, columns_of(order_)->values) : x;
  }

  // Those columns of `more` that say something new: a block whose networks stand in no other block does not.
  static MatrixXd with_independent(MatrixXd x, const MatrixXd& more) {
    for (Index i = 0; i < more.cols(); ++i) {
      if (is_independent_of(x, more.col(i))) x = beside(x, more.col(i));
    }
    return x;
  }

  void with_repeats() {
    const auto networks = static_cast<Index>(networks_.size());
    told_ = told_terms(hyperparameters(), rows(), result_.untold);
    const std::vector<Columns> reduced = at_networks(told_);
    const MatrixXd x = joined(reduced, networks);

    const MatrixXd unordered = repeat_model(false);
    const std::optional<Columns> order = columns_of(order_);
    const bool has_order = order && rows() - unordered.cols() >= 2 && is_independent_of(unordered, order->values);
    const MatrixXd repeats = has_order ? repeat_model(true) : unordered;
    const Fit within = least_squares(repeats, y_);
    if (within.degrees < 1) throw NoEffects(too_few_repeats());

    const VectorXd means = within.coefficients.head(networks);
    if (networks > x.cols()) {
      add_effects(reduced, estimate_of(least_squares(x, means)));
      test({means, reduced, rows_by(std::vector<std::int64_t>(networks_.size(), 0))});
    } else {
      result_.is_saturated = true;
      const MatrixXd inverse = x.inverse();
      const Estimate spread = estimate_of(within);
      add_effects(reduced,
                  {inverse * means, inverse * spread.covariance.topLeftCorner(networks, networks) * inverse.transpose(),
                   spread.degrees});
      test({y_, told_, rows_by(experiment_.block)});
    }
    if (has_order) {
      add_order(*order, unordered, within);
    } else {
      result_.untold.push_back(
          "run order cannot be told from networks and blocks: all blocks ran in the same order; '--order shuffled' can "
          "tell.");
    }
  }

  void add_order(const Columns& order, const MatrixXd& unordered, const Fit& within) {
    result_.effects.push_back(effect_of(order, estimate_of(within), within.coefficients.size() - 1));
    result_.effects.back().p_value =
        permutation_p_value(unordered, order.values, y_, rows_by(experiment_.block), permutations_, random_);
    told_.push_back(order);
  }

  std::string too_few_repeats() const {
    return fmt::format(
        "{} trials leave nothing to tell noise from {} effects: draw more trials, run each again with --repeats, or "
        "name fewer effects with --terms",
        rows(), told_.size());
  }

  // Of the variation among all trials, in a model of all terms and the blocks.
  void add_shares() {
    const MatrixXd blocks = centred(indicators(experiment_.block, blocks_));
    const double total = (y_.array() - y_.mean()).square().sum();
    const auto left_without = [&](const Columns* without) {
      return least_squares(with_independent(joined(told_, rows(), without), blocks), y_).residual_sum;
    };
    const double left = left_without(nullptr);
    result_.explained = 1 - left / total;
    for (std::size_t i = 0; i < told_.size(); ++i) result_.effects[i].share = (left_without(&told_[i]) - left) / total;
  }

  // Controls are asked first, and are a family of their own.
  void adjust() {
    for (const bool is_control : {true, false}) {
      std::vector<Effect*> family;
      std::vector<double> p_values;
      for (Effect& effect : result_.effects) {
        if (effect.is_control != is_control) continue;
        family.push_back(&effect);
        p_values.push_back(effect.p_value);
      }
      const std::vector<double> adjusted = holm_adjusted(p_values);
      for (std::size_t i = 0; i < family.size(); ++i) family[i]->adjusted_p = adjusted[i];
    }
    std::stable_sort(result_.effects.begin(), result_.effects.end(),
                     [](const Effect& a, const Effect& b) { return a.share > b.share; });
  }

  const Experiment& experiment_;
  int permutations_;
  std::mt19937_64 random_;
  VectorXd y_;
  std::vector<std::int64_t> networks_, blocks_;
  Term order_;
  std::vector<Columns> told_;  // in the order of result_.effects
  Effects result_;
};

}  // namespace

Effects estimate_effects(const Experiment& experiment, int permutations, std::uint64_t seed) {
  return Estimation(experiment, permutations, seed).run();
}

}  // namespace memtrack
