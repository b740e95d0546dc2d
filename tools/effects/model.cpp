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
  RowGroups exchangeable;
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

RowGroups rows_by(const std::vector<std::int64_t>& labels) {
  std::map<std::int64_t, std::vector<Index>> groups;
  for (std::size_t i = 0; i < labels.size(); ++i) groups[labels[i]].push_back(static_cast<Index>(i));
  RowGroups rows;
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
        repeats_(rows_by(experiment.network)),
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
    if (repeats_.size() < experiment_.network.size()) {
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
    result_.networks = repeats_.size();
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
    if (repeats_.size() < static_cast<std::size_t>(columns) + 1) {
      throw NoEffects(
          fmt::format("{} different trials cannot tell the effects of {} apart: draw more trials, or name fewer of "
                      "them with --terms",
                      repeats_.size(), names));
    }
  }

  // Each network once: its terms are those of its first trial.
  std::vector<Columns> at_networks(const std::vector<Columns>& terms) const {
    std::vector<Columns> reduced = terms;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      reduced[t].values.resize(static_cast<Index>(repeats_.size()), terms[t].values.cols());
      for (std::size_t n = 0; n < repeats_.size(); ++n) {
        reduced[t].values.row(static_cast<Index>(n)) = terms[t].values.row(repeats_[n].front());
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
                              stratum.exchangeable, permutations_, random_);
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

  // Whether the column says something that neither the networks nor `others` say.
  bool varies_between_repeats(const MatrixXd& others, const VectorXd& column) const {
    constexpr double kRounding = 1e-8;  // relative to the column's own length
    const VectorXd inner = less_means(repeats_, column);
    return inner.norm() > kRounding * column.norm() && is_independent_of(less_means(repeats_, others), inner);
  }

  // A block whose networks stand in no other block says nothing new.
  MatrixXd blocks_between_repeats() const {
    const MatrixXd all = centred(indicators(experiment_.block, blocks_));
    MatrixXd blocks(rows(), 0);
    for (Index i = 0; i < all.cols(); ++i) {
      if (varies_between_repeats(blocks, all.col(i))) blocks = beside(blocks, all.col(i));
    }
    return blocks;
  }

  // Networks, blocks and run order: what is left is what repeats differ in.
  void with_repeats() {
    const auto networks = static_cast<Index>(repeats_.size());
    told_ = told_terms(hyperparameters(), rows(), result_.untold);
    const std::vector<Columns> reduced = at_networks(told_);
    const MatrixXd x = joined(reduced, networks);

    const MatrixXd blocks = blocks_between_repeats();
    const std::optional<Columns> order = columns_of(order_);
    const bool has_order =
        order && rows() - networks - blocks.cols() >= 2 && varies_between_repeats(blocks, order->values);
    const MatrixXd columns = has_order ? beside(blocks, order->values) : blocks;
    Fit within = least_squares(less_means(repeats_, columns), less_means(repeats_, y_));
    within.degrees -= networks;
    if (within.degrees < 1) throw NoEffects(too_few_repeats());

    const VectorXd means = means_of(repeats_, y_ - columns * within.coefficients);
    if (networks > x.cols()) {
      add_effects(reduced, estimate_of(least_squares(x, means)));
      test({means, reduced, rows_by(std::vector<std::int64_t>(repeats_.size(), 0))});
    } else {
      result_.is_saturated = true;
      const MatrixXd inverse = x.inverse();
      add_effects(reduced, {inverse * means, inverse * covariance_of_means(columns, within) * inverse.transpose(),
                            static_cast<double>(within.degrees)});
      test({y_, told_, rows_by(experiment_.block)});
    }
    if (has_order) {
      add_order(*order, blocks, within);
    } else {
      result_.untold.push_back(
          "run order cannot be told from networks and blocks: all blocks ran in the same order; '--order shuffled' can "
          "tell.");
    }
  }

  // Of the networks' means, free of `columns`.
  MatrixXd covariance_of_means(const MatrixXd& columns, const Fit& within) const {
    const MatrixXd at_networks = means_of(repeats_, columns);
    MatrixXd scatter = at_networks * within.scatter * at_networks.transpose();
    for (std::size_t n = 0; n < repeats_.size(); ++n) {
      scatter(static_cast<Index>(n), static_cast<Index>(n)) += 1 / static_cast<double>(repeats_[n].size());
    }
    return scatter * (within.residual_sum / static_cast<double>(within.degrees));
  }

  void add_order(const Columns& order, const MatrixXd& blocks, const Fit& within) {
    result_.effects.push_back(effect_of(order, estimate_of(within), within.coefficients.size() - 1));
    result_.effects.back().p_value =
        permutation_p_value(blocks, order.values, y_, rows_by(experiment_.block), permutations_, random_, repeats_);
    told_.push_back(order);
  }

  std::string too_few_repeats() const {
    return fmt::format(
        "{} trials leave nothing to tell noise from {} effects: draw more trials, run each again with --repeats, or "
        "name fewer effects with --terms",
        rows(), told_.size());
  }

  // Those columns of `more` that say something new.
  static MatrixXd with_independent(MatrixXd x, const MatrixXd& more) {
    for (Index i = 0; i < more.cols(); ++i) {
      if (is_independent_of(x, more.col(i))) x = beside(x, more.col(i));
    }
    return x;
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
  RowGroups repeats_;  // of each network
  std::vector<std::int64_t> blocks_;
  Term order_;
  std::vector<Columns> told_;  // in the order of result_.effects
  Effects result_;
};

}  // namespace

Effects estimate_effects(const Experiment& experiment, int permutations, std::uint64_t seed) {
  return Estimation(experiment, permutations, seed).run();
}

}  // namespace memtrack
