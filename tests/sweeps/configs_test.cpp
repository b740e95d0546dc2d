// The sweep files that come with memtrack, and those in the documentation.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sweeps/sweep.h"

namespace {

using namespace memtrack;

const std::filesystem::path kSource = MEMTRACK_SOURCE_DIR;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE(file.is_open());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Sweep named_config(const std::string& name) {
  return parse_sweep_file(read(kSource / "sweeps/configs" / (name + ".yaml")), name + ".yaml", {}).at(0);
}

std::vector<TrialPlan> expand(const Sweep& sweep) {
  std::vector<TrialPlan> trials;
  for_each_trial(sweep, {{}, "memtrack-trainer"}, [&](const TrialPlan& trial) { trials.push_back(trial); });
  return trials;
}

std::vector<TrialPlan> scored(std::vector<TrialPlan> trials) {
  std::erase_if(trials, [](const TrialPlan& trial) { return trial.is_warmup; });
  return trials;
}

// What a row of the paper asks for and says, whatever the order in which its file names the parameters.
std::string row_text(const TrialPlan& trial) {
  const TypedColumns& columns = trial.columns;
  std::ostringstream text;
  text.precision(12);
  text << columns.dataset.value() << ' ' << columns.learning_rate.value() << ' ' << columns.epochs.value() << ' '
       << columns.batch_size.value() << ' ' << columns.reported_memory_mib.value();
  for (const std::int64_t width : columns.hidden_layers.value()) text << ' ' << width;
  return text.str();
}

// One row of the paper's tables.
struct Row {
  double learning_rate;
  std::int64_t epochs;
  std::int64_t batch_size;
  std::vector<std::int64_t> hidden_layers;
  double reported_memory_mib;
};

void check_paper(const std::string& dataset, const std::vector<Row>& rows) {
  const std::string name = "paper-" + dataset;
  const Sweep sweep = named_config(name);
  CHECK(sweep.name == name);
  CHECK(sweep.effective_method == "list");
  CHECK(sweep.settings.order == TrialOrder::listed);
  CHECK(sweep.settings.interval == std::chrono::seconds(5));
  CHECK(sweep.warnings.empty());
  const std::vector<TrialPlan> trials = expand(sweep);
  REQUIRE(trials.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const TypedColumns& columns = trials[i].columns;
    CHECK(columns.dataset == dataset);
    CHECK(columns.learning_rate == rows[i].learning_rate);
    CHECK(columns.epochs == rows[i].epochs);
    CHECK(columns.batch_size == rows[i].batch_size);
    CHECK(columns.hidden_layers == rows[i].hidden_layers);
    CHECK(columns.reported_memory_mib == rows[i].reported_memory_mib);
    CHECK(trials[i].parameters_json.find("\"optimizer\":\"adam\"") != std::string::npos);
    CHECK(trials[i].parameters_json.find("reported") == std::string::npos);
  }
}

}  // namespace

TEST_CASE("the paper's trials on MNIST are table 1") {
  check_paper("mnist", {{0.7886, 18, 8, {285, 389, 423, 173, 61}, 2516.309735},
                        {0.0583, 25, 40, {48, 236, 233, 318, 245, 139}, 2519.748392},
                        {0.0005, 21, 97, {141, 191, 150, 84, 125, 148, 39}, 2506.735677},
                        {0.0009, 46, 98, {149, 310, 180, 265, 163}, 2585.272978},
                        {0.0042, 22, 66, {80, 60, 168, 175, 54, 115, 166, 321, 231}, 2533.35625},
                        {0.00042, 22, 66, {80, 60, 168, 175, 54, 115, 166, 321, 231}, 3134.870028},
                        {0.00087, 35, 90, {252, 196, 244, 215, 163, 339}, 2854.54834},
                        {0.0006, 24, 50, {178, 12, 444, 8, 200, 318, 58}, 2931.835938},
                        {0.00012, 26, 47, {248, 27, 203, 398, 281}, 2992.872013},
                        {0.00065, 28, 88, {150, 5, 157, 216, 398}, 3011.547743},
                        {0.0012, 15, 27, {138, 37, 207, 326, 232}, 3064.187174}});
}

TEST_CASE("the paper's trials on Fashion-MNIST are tables 2 and 3") {
  check_paper("fashion-mnist", {{0.3617, 16, 17, {439, 176, 388, 307, 326, 160}, 2655.838252},
                                {0.1482, 6, 11, {349, 177, 465, 506, 52, 107}, 2701.582899},
                                {0.0004, 22, 6, {181, 107, 137, 259, 334, 243}, 2660.471612},
                                {0.0002, 30, 18, {362, 316, 347, 380, 245, 124}, 2693.458608},
                                {0.0016, 12, 11, {218, 45, 108, 400, 121}, 2611.620271}});
}

TEST_CASE("the paper's trials on CIFAR-10 are tables 4 and 5") {
  check_paper("cifar-10", {{0.0014, 16, 14, {233, 425, 299, 363, 102}, 4318.107143},
                           {0.0019, 11, 7, {124, 150, 273, 191, 301, 293}, 3963.642543},
                           {0.0069, 12, 13, {318, 312, 412, 254, 387, 60}, 3950.009931},
                           {0.0005, 7, 26, {256, 128, 256, 128, 128}, 3830.008464},
                           {0.0062, 13, 8, {484, 195, 394, 163, 322, 126}, 3982.532723}});
}

TEST_CASE("paper-all runs the rows of the three files of the paper in shuffled blocks") {
  std::set<std::string> rows;
  for (const char* name : {"paper-mnist", "paper-fashion-mnist", "paper-cifar-10"}) {
    for (const TrialPlan& trial : expand(named_config(name))) rows.insert(row_text(trial));
  }
  REQUIRE(rows.size() == 21);
  const Sweep all = named_config("paper-all");
  CHECK(all.settings.interval == std::chrono::seconds(5));
  const std::vector<TrialPlan> trials = scored(expand(all));
  REQUIRE(trials.size() % rows.size() == 0);
  CHECK(trials.size() > rows.size());
  std::set<std::vector<std::int64_t>> orders;
  for (std::size_t begin = 0; begin < trials.size(); begin += rows.size()) {
    std::set<std::string> block;
    std::vector<std::int64_t> order;
    for (std::size_t i = begin; i < begin + rows.size(); ++i) {
      block.insert(row_text(trials[i]));
      order.push_back(trials[i].number);
    }
    CHECK(block == rows);
    CHECK_FALSE(std::ranges::is_sorted(order));
    orders.insert(order);
  }
  CHECK(orders.size() == trials.size() / rows.size());
}

TEST_CASE("paper-rows-5-6 takes turns between two trials that differ in their learning rate alone") {
  const std::vector<TrialPlan> paper = expand(named_config("paper-mnist"));
  const std::set<std::string> rows = {row_text(paper.at(4)), row_text(paper.at(5))};
  const std::vector<TrialPlan> trials = scored(expand(named_config("paper-rows-5-6")));
  CHECK(trials.size() >= 20);
  for (std::size_t i = 0; i + 1 < trials.size(); i += 2) {
    CHECK((std::set<std::string>{row_text(trials[i]), row_text(trials[i + 1])}) == rows);
    CHECK(trials[i].columns.hidden_layers == trials[i + 1].columns.hidden_layers);
    CHECK(trials[i].columns.batch_size == trials[i + 1].columns.batch_size);
    CHECK(trials[i].columns.learning_rate != trials[i + 1].columns.learning_rate);
  }
}

TEST_CASE("the first sweep is a small grid on generated data, sampled often enough") {
  const Sweep sweep = named_config("quickstart");
  CHECK(sweep.name == "quickstart");
  CHECK(sweep.settings.interval == std::chrono::milliseconds(100));
  CHECK(sweep.warnings.empty());
  std::set<std::int64_t> parameter_counts;
  const std::vector<TrialPlan> trials = expand(sweep);
  CHECK(trials.size() == 8);
  for (const TrialPlan& trial : trials) {
    CHECK(trial.columns.dataset == "generated-mnist");
    parameter_counts.insert(trial.columns.parameter_count.value_or(0));
  }
  CHECK(parameter_counts.size() == 2);
}

TEST_CASE("every file in sweeps/configs is accepted without a warning") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "sweeps/configs")) {
    CAPTURE(entry.path().string());
    for (const Sweep& sweep : parse_sweep_file(read(entry.path()), entry.path().string(), {})) {
      CHECK(sweep.warnings.empty());
      CHECK_FALSE(expand(sweep).empty());
    }
    ++count;
  }
  CHECK(count >= 4);
}

TEST_CASE("every yaml block of the documentation is accepted") {
  for (const char* document : {"docs/sweeps.md", "README.md"}) {
    int count = 0;
    std::istringstream lines(read(kSource / document));
    std::string block;
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
      if (!inside && line == "```yaml") {
        inside = true;
        block.clear();
      } else if (inside && line == "```") {
        inside = false;
        ++count;
        CAPTURE(document);
        CAPTURE(block);
        for (const Sweep& sweep : parse_sweep_file(block, document, {})) {
          CHECK_FALSE(expand(sweep).empty());
        }
      } else if (inside) {
        block += line + "\n";
      }
    }
    CHECK_FALSE(inside);
    CHECK(count > 0);
  }
}
