#pragma once

// The paper's figures: memory against each hyperparameter, a panel each.

#include <string>
#include <vector>

#include "tools/plot/picture.h"
#include "tools/report/rows.h"

namespace memtrack {

struct HyperparameterQuestion {
  std::vector<std::string> against = {};  // fields (report/selection.h); empty: the paper's four, then others that vary
  std::size_t most_panels = 4;            // where `against` is empty
  std::string by = {};                    // what colours tell apart; empty: the data set, where there are several
  bool each = false;                      // a point a trial; without it, repeats are one point: mean and 95% interval
  bool with_reported = false;             // published figures beside ours
  bool is_turned = false;                 // memory to the right, as in the paper
};

// `sets`: the rows of each sweep that was named; repeats are told by their number within one. Trials that are not done,
// or without the figure, take no part. Throws UsageError: nothing is left, nothing varies, exact peaks and lower bounds
// would be mixed, an unknown field (the nearest is named).
Picture hyperparameter_picture(const std::vector<std::vector<ReportRow>>& sets, const Figure& figure,
                               const HyperparameterQuestion& question, const std::string& title);

}  // namespace memtrack
