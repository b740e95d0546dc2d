#pragma once

// Where the tensors go: areas on top of each other, one a kind (docs/tensors.md).

#include <string>
#include <vector>

#include "storage/database.h"
#include "tools/plot/picture.h"
#include "tools/report/rows.h"

namespace memtrack {

// Over the time of one trial, phase by phase. Throws UsageError where it told nothing of its tensors.
Picture tensors_over_time(Database& database, const ReportRow& row, const std::string& title);

// Of several trials, repeats as one (their mean), in one phase; empty: the one in which most is held. Side by side in
// the order of `against` (a field of report/selection.h; empty: their number). Throws UsageError as above, and where
// there are too many for a picture.
Picture tensors_of_trials(Database& database, const std::vector<ReportRow>& rows, const std::string& phase,
                          const std::string& against, const std::string& title);

}  // namespace memtrack
