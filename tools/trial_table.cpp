#include "tools/trial_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/parameter_leaves.h"
#include "tools/row_writer.h"
#include "tools/text.h"
#include "tools/text_table.h"

namespace memtrack {
namespace {

constexpr std::size_t kKept = 1000;
constexpr std::size_t kFoldedWidth = 15;
constexpr const char* kReported = "reported MiB";

using Texts = std::map<std::string, std::string>;

// Texts of a trial by the names of their columns; new names are appended to `order`.
Texts texts_of(const TrialPlan& trial, std::vector<std::string>* order) {
  Texts texts;
  const auto add = [&](const std::string& name, const std::string& text) {
    texts[name] = text;
    if (order != nullptr && std::find(order->begin(), order->end(), name) == order->end()) {
      order->push_back(name);
    }
  };
  for (const ParameterLeaf& leaf : parameter_leaves(trial.parameters_json)) {
    add(leaf.name, leaf.text);
  }
  if (trial.columns.reported_memory_mib) {
    add(kReported, fmt::format("{:.2f}", *trial.columns.reported_memory_mib));
  }
  return texts;
}

std::string text_in(const Texts& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? "-" : found->second;
}

bool reads_as_number(const std::string& text) {
  return text == "-" || nlohmann::json::parse(text, nullptr, false).is_number();
}

}  // namespace

struct TrialTable::Stream {
  std::vector<std::string> names;
  std::unique_ptr<RowWriter> writer;
};

TrialTable::TrialTable(const Sweep& sweep, std::size_t width, Sink sink)
    : width_(width), repeats_(sweep.settings.repeats > 1 || sweep.settings.warmup > 0), sink_(std::move(sink)) {}

TrialTable::~TrialTable() = default;

void TrialTable::add(const TrialPlan& trial) {
  if (stream_) {
    stream(trial);
    return;
  }
  kept_.push_back(trial);
  if (kept_.size() > kKept) {
    begin_streaming();
  }
}

void TrialTable::finish() {
  if (stream_) {
    stream_->writer->finish();
  } else {
    print_whole();
  }
}

void TrialTable::print_whole() {
  std::vector<std::string> names;
  std::vector<Texts> rows;
  for (const TrialPlan& trial : kept_) {
    rows.push_back(texts_of(trial, &names));
  }
  TextTable table;
  table.columns.push_back({.title = "#", .is_number = true, .is_key = true});
  if (repeats_) {
    table.columns.push_back({.title = "repeat", .is_number = true, .is_key = true});
  }
  std::vector<std::string> varying;
  std::string common;
  for (const std::string& name : names) {
    std::set<std::string> texts;
    for (const Texts& row : rows) {
      texts.insert(text_in(row, name));
    }
    if (texts.size() == 1 && rows.size() > 1) {
      common += fmt::format("{}{} {}", common.empty() ? "" : ", ", escape_controls(name), *texts.begin());
    } else {
      varying.push_back(name);
      table.columns.push_back({.title = escape_controls(name),
                               .is_number = std::all_of(texts.begin(), texts.end(), reads_as_number),
                               .fold_to = kFoldedWidth});
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells = {std::to_string(kept_[i].number)};
    if (repeats_) {
      cells.push_back(kept_[i].is_warmup ? "warm-up" : std::to_string(kept_[i].repeat));
    }
    for (const std::string& name : varying) {
      cells.push_back(text_in(rows[i], name));
    }
    table.rows.push_back(std::move(cells));
  }
  sink_(render_text(table, width_));
  sink_(common.empty() ? "" : fmt::format("In all trials: {}\n", common));
}

void TrialTable::begin_streaming() {
  stream_ = std::make_unique<Stream>();
  for (const TrialPlan& trial : kept_) {
    texts_of(trial, &stream_->names);
  }
  stream_->writer = make_row_writer(RowFormat::table, sink_);
  std::vector<std::string> titles = {"#", "repeat"};
  titles.insert(titles.end(), stream_->names.begin(), stream_->names.end());
  titles.emplace_back("others");  // names that the first trials did not have
  stream_->writer->columns(titles);
  for (const TrialPlan& trial : std::exchange(kept_, {})) {
    stream(trial);
  }
}

void TrialTable::stream(const TrialPlan& trial) {
  Texts texts = texts_of(trial, nullptr);
  std::vector<Value> row = {trial.number, trial.is_warmup ? Value("warm-up") : Value(trial.repeat)};
  for (const std::string& name : stream_->names) {
    row.emplace_back(text_in(texts, name));
    texts.erase(name);
  }
  std::string others;
  for (const auto& [name, text] : texts) {
    others += fmt::format("{}{}={}", others.empty() ? "" : " ", name, text);
  }
  row.emplace_back(others);
  stream_->writer->row(row);
}

std::string trial_json(const Sweep& sweep, const TrialPlan& trial) {
  using nlohmann::ordered_json;
  const ordered_json object = {{"sweep", sweep.name},
                               {"number", trial.number},
                               {"repeat", trial.repeat},
                               {"warmup", trial.is_warmup},
                               {"parameters", ordered_json::parse(trial.parameters_json)},
                               {"command", trial.command}};
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string sweep_head(const Sweep& sweep) {
  const SweepSettings& settings = sweep.settings;
  const std::string method = sweep.method == sweep.effective_method
                                 ? sweep.method
                                 : fmt::format("{}, run as {}", sweep.method, sweep.effective_method);
  const auto idle_text = [](const char* name, std::chrono::nanoseconds time) {
    return time.count() > 0 ? fmt::format(", {} {}", name, format_duration(time)) : "";
  };
  const auto number_text = [](const char* name, std::int64_t number, std::int64_t usual) {
    return number == usual ? "" : fmt::format(", {} {}", name, number);
  };
  return fmt::format("Sweep '{}' ({}): {}, interval {}, order {}, seed {}{}{}{}{}{}{}{}{}\n",
                     escape_controls(sweep.name), method,
                     sweep.is_open_ended ? "drawn until it is cancelled" : count_of(sweep.trial_count, "trial"),
                     format_duration(settings.interval), settings.order == TrialOrder::shuffled ? "shuffled" : "listed",
                     settings.seed, number_text("repeats", settings.repeats, 1), number_text("jobs", settings.jobs, 1),
                     number_text("retries", settings.retries, 0), number_text("priority", settings.priority, 0),
                     settings.warmup > 0 ? fmt::format(", {}", count_of(settings.warmup, "warm-up")) : "",
                     idle_text("settle", settings.settle), idle_text("baseline", settings.baseline),
                     settings.timeout ? fmt::format(", timeout {}", format_duration(*settings.timeout)) : "");
}

std::string command_text(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) {
    text += (text.empty() ? "" : " ") + escape_controls(shell_word(word));
  }
  return text;
}

}  // namespace memtrack
