// memtrack datasets: what lies in the data directory, whether it is what its makers published, and getting it.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "datasets/catalog.h"
#include "tools/commands.h"
#include "tools/datasets_download.h"
#include "tools/exit_codes.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/text_table.h"

namespace memtrack {
namespace {

struct DatasetsOptions {
  std::vector<std::string> names;  // empty: all
  bool json = false;
  std::string mirror;
};

std::vector<const DatasetDescription*> chosen(const std::vector<std::string>& names) {
  std::vector<const DatasetDescription*> result;
  for (const std::string& name : names) {
    result.push_back(&describe_dataset(name));
  }
  if (names.empty()) {
    for (const DatasetDescription& description : dataset_catalog()) {
      result.push_back(&description);
    }
  }
  return result;
}

std::string shape_text(const ImageShape& shape) {
  return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

std::string presence_text(const DatasetDescription& description, const FoundDataset& found) {
  if (description.format == DatasetFormat::generated) {
    return "generated";
  }
  if (!found.is_complete()) {
    return found.files.empty() ? "missing" : "incomplete";
  }
  std::int64_t bytes = 0;
  for (const FoundFile& file : found.files) {
    bytes += file.bytes;
  }
  return fmt::format("{} MiB", format_mib(static_cast<double>(bytes)));
}

void print_list(const std::vector<const DatasetDescription*>& datasets, const std::filesystem::path& directory) {
  TextTable table;
  table.columns = {
      {.title = "dataset"}, {.title = "train", .is_number = true},   {.title = "test", .is_number = true},
      {.title = "image"},   {.title = "classes", .is_number = true}, {.title = "on disk", .is_number = true}};
  std::string missing;
  for (const DatasetDescription* description : datasets) {
    const FoundDataset found = find_dataset(*description, directory);
    table.rows.push_back({std::string(description->name), std::to_string(description->train_count),
                          std::to_string(description->test_count), shape_text(description->shape),
                          std::to_string(description->class_names.size()), presence_text(*description, found)});
    missing += found.is_complete() ? "" : missing_text(*description, found) + "\n";
  }
  print(fmt::format("{}\nIn {} (MEMTRACK_DATA_DIR names another)\n{}", render_text(table, output_width()),
                    directory.string(), missing));
}

void print_list_json(const std::vector<const DatasetDescription*>& datasets, const std::filesystem::path& directory) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const DatasetDescription* description : datasets) {
    const FoundDataset found = find_dataset(*description, directory);
    list.push_back({{"name", description->name},
                    {"title", description->title},
                    {"train_count", description->train_count},
                    {"test_count", description->test_count},
                    {"complete", found.is_complete()},
                    {"folder", found.folder.string()},
                    {"missing", found.missing},
                    {"home", description->home}});
  }
  print(list.dump(2) + "\n");
}

int run_list(const DatasetsOptions& options) {
  const auto datasets = chosen(options.names);
  if (options.json) {
    print_list_json(datasets, data_directory());
  } else {
    print_list(datasets, data_directory());
  }
  return kRight;
}

// Prints a line a content; true where all are right.
bool verify_one(const DatasetDescription& description, const std::filesystem::path& directory) {
  bool right = true;
  for (const VerifiedContent& content : verify_dataset(description, directory)) {
    right = right && content.is_right();
    const std::string where = content.path.empty() ? "" : fmt::format(" ({})", content.path.string());
    if (content.is_right()) {
      print(fmt::format("{}: {}: right{}\n", description.name, content.name, where));
    } else if (!content.error.empty()) {
      print(fmt::format("{}: {}: WRONG: {}\n", description.name, content.name, content.error));
    } else {
      print(
          fmt::format("{}: {}: WRONG: sha256 is {}, and would have to be {}{}; `memtrack datasets download {}` gets it "
                      "anew\n",
                      description.name, content.name, content.sha256, content.expected, where, description.name));
    }
    flush_output();
  }
  return right;
}

// Without names: what lies there. A dataset of which nothing lies there is not wrong, unless it was asked for by name.
int run_verify(const DatasetsOptions& options) {
  const std::filesystem::path directory = data_directory();
  bool right = true;
  for (const DatasetDescription* description : chosen(options.names)) {
    if (options.names.empty() && description->format != DatasetFormat::generated &&
        find_dataset(*description, directory).files.empty()) {
      print(fmt::format("{}: not there\n", description->name));
      continue;
    }
    right = verify_one(*description, directory) && right;
  }
  return right ? kRight : kFailed;
}

// Without names: all that are published.
int run_download(const DatasetsOptions& options) {
  std::vector<const DatasetDescription*> datasets = chosen(options.names);
  if (options.names.empty()) {
    std::erase_if(datasets, [](const DatasetDescription* description) { return description->mirrors.empty(); });
  }
  download_datasets(datasets, options.mirror);
  return kRight;
}

}  // namespace

void add_datasets_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<DatasetsOptions>();
  CLI::App* command = app.add_subcommand("datasets", "The datasets of the built-in trainer");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const DatasetsOptions&)) {
    CLI::App* subcommand = command->add_subcommand(name, help);
    subcommand->add_option("NAME", options->names, "mnist, fashion-mnist, cifar-10, ... (default: all)")->type_name("");
    subcommand->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
    add_examples(*subcommand, fmt::format("memtrack datasets {}\nmemtrack datasets {} mnist", name, name));
    return subcommand;
  };
  add("list", "What is known, and what of it lies on this machine", run_list)
      ->add_flag("--json", options->json, "For programs");
  add("verify", "Read every file to its end and compare its contents' sha256", run_verify);
  CLI::App* download = add("download", "Get the published files into the data folder", run_download);
  download
      ->add_option("--mirror", options->mirror,
                   "A copy of a data folder on a web server, asked alone: URL/mnist/train-images-idx3-ubyte.gz\n"
                   "(default: $MEMTRACK_MIRROR, else where the datasets are published)")
      ->type_name("URL");
  download->get_option("NAME")->description("mnist, fashion-mnist, cifar-10 (default: all three)");
  add_examples(*download,
               "memtrack datasets download mnist\n"
               "memtrack datasets download --mirror http://fileserver/datasets\n"
               "\nFiles that are there and right are left alone. What a break left (NAME.part) is continued.\n"
               "The data folder is $MEMTRACK_DATA_DIR, else the one that 'memtrack datasets list' names.");
  add_examples(*command, "memtrack datasets list\nmemtrack datasets download mnist\nmemtrack datasets verify mnist");
}

}  // namespace memtrack
