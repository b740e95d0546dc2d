#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "trainer/options.h"
#include "trainer/run.h"

namespace {

constexpr int kWrongInput = 2;

int run(const std::vector<std::string>& arguments) {
  const memtrack::TrainerArguments parsed = memtrack::parse_trainer_arguments(arguments);
  if (parsed.wants_help) {
    fmt::print("{}", memtrack::trainer_help());
    return EXIT_SUCCESS;
  }
  if (parsed.wants_version) {
    fmt::print("memtrack-trainer {}\n", MEMTRACK_VERSION);
    return EXIT_SUCCESS;
  }
  return memtrack::run_trainer(parsed.options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "memtrack-trainer: {}; see memtrack-trainer --help\n", error.what());
    return kWrongInput;
  } catch (const memtrack::DatasetError& error) {
    fmt::print(stderr, "memtrack-trainer: {}\n", error.what());
    return kWrongInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "memtrack-trainer: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
