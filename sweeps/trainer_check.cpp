#include "sweeps/trainer_check.h"

#include <algorithm>
#include <stdexcept>

#include "sweeps/checks.h"
#include "sweeps/columns.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {
namespace {

void check(const std::string& name, const ParameterValue& value, const Mark& mark) {
  TrainerOptions options;
  try {
    set_trainer_option(options, name, python_str(value));
  } catch (const std::invalid_argument& error) {
    fail(mark, error.what());
  }
}

// Fails at the name where the trainer does not know it.
void check_name(const std::string& name, const Mark& mark) {
  const auto known = trainer_parameters();
  const auto same = [&](const TrainerParameter& parameter) { return parameter.name == name; };
  if (std::none_of(known.begin(), known.end(), same)) {
    check(name, {}, mark);
  }
}

}  // namespace

void check_trainer_value(const ConfigMember& member) {
  if (member.name != kReportedMemory) {
    check_name(member.name, member.mark);
    check(member.name, to_value(member.node), member.node.mark);
  }
}

void check_trainer_parameter(const ConfigMember& member) {
  if (member.name == kReportedMemory) {
    return;
  }
  check_name(member.name, member.mark);
  if (member.node.find("parameters") != nullptr) {
    fail(member.node.mark, member.name + " has nested parameters, and would have to be one value or a range");
  }
  const Distribution distribution = parse_distribution(member.name, member.node);
  if (std::holds_alternative<ConstantValue>(distribution.what)) {
    const ConfigNode& value = *member.node.find("value");
    check(member.name, to_value(value), value.mark);
  } else if (std::holds_alternative<Categorical>(distribution.what)) {
    for (const ConfigNode& value : *member.node.find("values")->list()) {
      check(member.name, to_value(value), value.mark);
    }
  } else {
    for (const ParameterValue& value : extreme_values(distribution)) {
      check(member.name, value, member.node.mark);
    }
  }
}

Parameters open_ranges(const Parameters& parameters) {
  Parameters open;
  std::copy_if(parameters.begin(), parameters.end(), std::back_inserter(open), [](const Parameter& parameter) {
    const auto* range =
        parameter.nested() != nullptr ? nullptr : std::get_if<Continuous>(&parameter.distribution()->what);
    return range != nullptr && range->shape != Continuous::Shape::uniform && parameter.name != kReportedMemory;
  });
  return open;
}

void check_trainer_values(const ValueDict& values, const Parameters& parameters) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    check(values[i].name, values[i].value, parameters[i].mark);
  }
}

void check_reported_memory(const ConfigNode& node) {
  const double mib = real_number(std::string(kReportedMemory), node, "2516.3");
  if (mib < 0) {
    refuse(std::string(kReportedMemory), node, "0 or more");
  }
}

}  // namespace memtrack
