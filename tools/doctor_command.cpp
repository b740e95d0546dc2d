// memtrack doctor: what this machine can and cannot measure, and why.

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands.h"
#include "tools/doctor.h"
#include "tools/doctor_facts.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

struct DoctorOptions {
  std::string database;
  bool json = false;
};

int run_doctor(const DoctorOptions& options) {
  const std::vector<Finding> findings = judge(look_at_machine(options.database));
  print(options.json ? findings_json(findings) : findings_text(findings, output_width(), output_has_colour()));
  return can_work(findings) ? kRight : kFailed;
}

}  // namespace

void add_doctor_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App* command =
      app.add_subcommand("doctor", "What this machine can and cannot measure, why, and what would mend it");
  command->add_flag("--json", options->json, "For programs");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack doctor\n"
               "memtrack doctor --json\n"
               "\nExit code: 0, or 1 where memtrack cannot work on this machine");
  command->callback([options, &action] { action = [options] { return run_doctor(*options); }; });
}

}  // namespace memtrack
