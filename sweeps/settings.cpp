#include "sweeps/settings.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

#include "sweeps/checks.h"
#include "sweeps/columns.h"
#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 13> kKeys = {"interval", "settle",   "baseline", "warmup",  "repeats",
                                                    "order",    "seed",     "jobs",     "timeout", "memory_limit",
                                                    "retries",  "priority", "columns"};
constexpr std::array<std::string_view, 2> kOrders = {"listed", "shuffled"};
constexpr std::int64_t kMostRepeats = 1'000'000;
constexpr std::chrono::nanoseconds kLongest = std::chrono::nanoseconds::max();

// Sampling from a millisecond to a day: below, reading costs more than it tells; beyond, nothing would be read.
std::chrono::nanoseconds parse_interval(const ConfigNode& node) {
  return duration("interval", node, 1ms, 24h, "5s");
}

std::int64_t parse_repeats(const ConfigNode& node) {
  return whole_number("repeats", node, 1, kMostRepeats, "3");
}

std::int64_t parse_jobs(const ConfigNode& node) {
  return whole_number("jobs", node, 1, 1024, "1");
}

std::int64_t parse_retries(const ConfigNode& node) {
  return whole_number("retries", node, 0, 1000, "1");
}

std::int64_t parse_priority(const ConfigNode& node) {
  return whole_number("priority", node, -1000, 1000, "10");
}

std::int64_t parse_memory_limit(const ConfigNode& node) {
  const std::string right =
      "a size from " + format_size(kLeastMemoryLimit) + " on with its unit, such as 8GiB or 512MiB";
  const std::string* text = node.text();
  if (text == nullptr) {
    refuse("memory_limit", node, right);
  }
  std::int64_t bytes = 0;
  try {
    bytes = parse_size(*text);
  } catch (const std::invalid_argument&) {
    refuse("memory_limit", node, right);
  }
  if (bytes < kLeastMemoryLimit) {
    refuse("memory_limit", node, right);
  }
  return bytes;
}

TrialOrder parse_order(const ConfigNode& node) {
  const std::string* word = node.text();
  if (word == nullptr || (*word != "listed" && *word != "shuffled")) {
    refuse("order", node, "listed or shuffled" + (word == nullptr ? "" : did_you_mean(*word, kOrders)));
  }
  return *word == "listed" ? TrialOrder::listed : TrialOrder::shuffled;
}

std::vector<ColumnChoice> parse_columns(const ConfigNode& node) {
  if (node.map() == nullptr) {
    refuse("columns", node, "a map of columns and parameters such as {learning_rate: lr}");
  }
  std::vector<ColumnChoice> choices;
  for (const ConfigMember& member : *node.map()) {
    if (!is_typed_column(member.name)) {
      if (const std::string* column = member.node.text(); column != nullptr && is_typed_column(*column)) {
        fail(member.mark,
             "columns names the column first, and would have to be {" + *column + ": " + member.name + "}");
      }
      refuse_key("columns", member, typed_column_names());
    }
    choices.push_back({member.name, text("columns." + member.name, member.node, "lr"), member.node.mark});
  }
  return choices;
}

void apply(ParsedSettings& parsed, const ConfigMember& member) {
  const std::string& name = member.name;
  const ConfigNode& node = member.node;
  SweepSettings& settings = parsed.settings;
  if (name == "interval") {
    settings.interval = parse_interval(node);
  } else if (name == "timeout") {
    settings.timeout = duration("timeout", node, 1ms, kLongest, "2h");
  } else if (name == "memory_limit") {
    settings.memory_limit_bytes = parse_memory_limit(node);
  } else if (name == "settle") {
    settings.settle = duration("settle", node, 0ns, 24h, "5s");
  } else if (name == "baseline") {
    settings.baseline = duration("baseline", node, 0ns, 24h, "5s");
  } else if (name == "warmup") {
    settings.warmup = whole_number("warmup", node, 0, 1000, "1");
  } else if (name == "repeats") {
    settings.repeats = parse_repeats(node);
  } else if (name == "order") {
    settings.order = parse_order(node);
    parsed.order_given = true;
  } else if (name == "seed") {
    settings.seed =
        static_cast<std::uint64_t>(whole_number("seed", node, 0, std::numeric_limits<std::int64_t>::max(), "0"));
  } else if (name == "jobs") {
    settings.jobs = parse_jobs(node);
  } else if (name == "retries") {
    settings.retries = parse_retries(node);
  } else if (name == "priority") {
    settings.priority = parse_priority(node);
  } else {
    parsed.columns = parse_columns(node);
  }
}

void apply_overrides(ParsedSettings& parsed, const Overrides& overrides) {
  SweepSettings& settings = parsed.settings;
  if (overrides.interval) {
    settings.interval = parse_interval(flag_node("--interval", *overrides.interval));
  }
  if (overrides.timeout) {
    settings.timeout = duration("timeout", flag_node("--timeout", *overrides.timeout), 1ms, kLongest, "2h");
  }
  if (overrides.repeats) {
    settings.repeats = parse_repeats(flag_node("--repeats", *overrides.repeats));
  }
  if (overrides.order) {
    settings.order = parse_order(flag_node("--order", *overrides.order));
    parsed.order_given = true;
  }
  if (overrides.seed) {
    if (!std::in_range<std::int64_t>(*overrides.seed)) {
      refuse("seed", flag_node("--seed", std::to_string(*overrides.seed)),
             "a whole number from 0 to " + std::to_string(std::numeric_limits<std::int64_t>::max()));
    }
    settings.seed = *overrides.seed;
  }
  if (overrides.jobs) {
    settings.jobs = parse_jobs(flag_node("--jobs", *overrides.jobs));
  }
  if (overrides.retries) {
    settings.retries = parse_retries(flag_node("--retries", *overrides.retries));
  }
  if (overrides.priority) {
    settings.priority = parse_priority(flag_node("--priority", *overrides.priority));
  }
}

}  // namespace

ConfigNode flag_node(const std::string& flag, std::string value) {
  return {{std::make_shared<const std::string>(flag), 0, 0}, std::move(value)};
}

ConfigNode flag_node(const std::string& flag, std::int64_t value) {
  return {{std::make_shared<const std::string>(flag), 0, 0}, value};
}

ParsedSettings parse_settings(const ConfigNode* block, const Overrides& overrides) {
  ParsedSettings parsed;
  if (block != nullptr && !std::holds_alternative<std::monostate>(block->data)) {
    if (block->map() == nullptr) {
      refuse("memtrack", *block, "a map such as {interval: 5s, repeats: 3}");
    }
    for (const ConfigMember& member : *block->map()) {
      if (std::find(kKeys.begin(), kKeys.end(), member.name) == kKeys.end()) {
        refuse_key("memtrack", member, kKeys);
      }
      apply(parsed, member);
    }
  }
  apply_overrides(parsed, overrides);
  return parsed;
}

}  // namespace memtrack
