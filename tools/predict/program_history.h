#pragma once

// What the database knows of a program that is not ours: its own past trials on this machine.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/database.h"
#include "tools/predict/regression.h"

namespace memtrack {

// A program is told by the words of its command before macros are expanded, and by the folder that it runs in.
struct ProgramIdentity {
  std::vector<std::string> words;  // Sweep::program_words
  std::string folder;
};

// That of a stored sweep; its words are empty where it runs the built-in trainer.
ProgramIdentity program_of_sweep(Database& database, std::int64_t sweep_id);

// Values by which trials are told apart; the seed is none.
ParameterValues parameter_values(const std::string& parameters_json);

// The trials of the program's latest 1,000 sweeps that are done here and whose peak was read, at most 1,000, those that
// have all of `names`, with these alone.
std::vector<PastRun> past_runs_of(Database& database, const ProgramIdentity& program,
                                  const std::vector<std::string>& names);

}  // namespace memtrack
