#pragma once

// What the tensors held over a whole run, phase by phase.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trainer/training.h"

namespace memtrack {

class TensorSummary {
 public:
  // False where this visit of the phase ended with the same bytes as the last one and no peak was higher.
  bool take(const PhaseTensors& ended);

  // The most that all tensors held at once; none: nothing was counted.
  std::optional<std::int64_t> peak_bytes() const;

  // "tensors held 53.9 MiB at most (train): data 52.8, parameters 0.4, ..."; empty where nothing was counted.
  std::string line() const;

  // {"train":{"bytes":1,"peak_bytes":2,"kinds":{"data":{"bytes":1,"peak_bytes":1},...}},...}, each as the phase ended
  // the last time, and the highest peaks; layers are added up.
  nlohmann::ordered_json json() const;

 private:
  struct Phase {
    std::string name;
    TensorFigures figures;  // peaks over all visits
  };
  Phase& phase(std::string_view name);
  const Phase* largest() const;

  std::vector<Phase> phases_;  // in the order in which they ended first
};

}  // namespace memtrack
