#pragma once

// The trials that a sweep file makes, for `memtrack sweep --dry-run`.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/sweep.h"

namespace memtrack {

// A table for people. Up to 1000 trials: parameters that are the same in all trials are said once, below the table.
// More: it finds its columns in the first 1000, streams from there, and memory does not grow.
class TrialTable {
 public:
  using Sink = std::function<void(std::string_view)>;

  TrialTable(const Sweep& sweep, std::size_t width, Sink sink);
  ~TrialTable();
  TrialTable(const TrialTable&) = delete;
  TrialTable& operator=(const TrialTable&) = delete;

  void add(const TrialPlan& trial);
  void finish();

 private:
  struct Stream;
  void print_whole();
  void begin_streaming();
  void stream(const TrialPlan& trial);

  std::size_t width_;
  bool repeats_;
  Sink sink_;
  std::vector<TrialPlan> kept_;
  std::unique_ptr<Stream> stream_;
};

// One object: {"sweep":"name","number":1,"repeat":1,"parameters":{...},"command":[...]}.
std::string trial_json(const Sweep& sweep, const TrialPlan& trial);

// "Sweep 'quickstart' (grid): 8 trials, interval 100ms, order shuffled, seed 0".
std::string sweep_head(const Sweep& sweep);

// The words of a command line, quoted for a shell where they must be.
std::string command_text(const std::vector<std::string>& command);

}  // namespace memtrack
