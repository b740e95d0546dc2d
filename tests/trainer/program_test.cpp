// The real program as its users start it.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "sweeps/event.h"
#include "sweeps/trainer_parameters.h"
#include "tests/text.h"
#include "tests/wait_until.h"

namespace memtrack {
namespace {

using testing::contains;
using testing::wait_until;

namespace fs = std::filesystem;

const std::string kProgram = std::string(MEMTRACK_BUILD_DIR) + "/libexec/memtrack/memtrack-trainer";

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "memtrack-trainer-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder " + name);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string contents_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool redirect(const fs::path& file, int descriptor) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return opened >= 0 && ::dup2(opened, descriptor) == descriptor;
}

// The program under way, its output going to files of `folder`.
class Run {
 public:
  Run(const fs::path& folder, const std::vector<std::string>& arguments,
      const std::vector<std::pair<std::string, std::string>>& environment, rlim_t address_space = RLIM_INFINITY)
      : folder_(folder) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    const rlimit limit = {address_space, address_space};
    ::setrlimit(RLIMIT_AS, &limit);
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    const bool redirected = redirect(folder / "stdout", STDOUT_FILENO) && redirect(folder / "stderr", STDERR_FILENO);
    std::vector<const char*> argv = {kProgram.c_str()};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    if (redirected) ::execv(kProgram.c_str(), const_cast<char* const*>(argv.data()));
    ::_exit(127);
  }
  ~Run() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  int wait() {
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid failed");
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  std::string output() const { return contents_of(folder_ / "stdout"); }
  std::string errors() const { return contents_of(folder_ / "stderr"); }

 private:
  fs::path folder_;
  pid_t pid_ = -1;
};

// A unix datagram socket as the collector has one.
class EventSocket {
 public:
  explicit EventSocket(const fs::path& path) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error(fmt::format("{}: cannot be bound: {}", path.string(), std::strerror(errno)));
    }
  }
  ~EventSocket() { ::close(descriptor_); }
  EventSocket(const EventSocket&) = delete;
  EventSocket& operator=(const EventSocket&) = delete;

  // What has arrived by now.
  std::vector<Event> take() {
    std::vector<Event> events;
    std::array<char, kMaxEventBytes> buffer{};
    while (true) {
      const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count < 0) return events;
      events.push_back(decode_event({buffer.data(), static_cast<std::size_t>(count)}));
    }
  }

 private:
  int descriptor_;
};

}  // namespace

TEST_CASE("wrong use ends with exit code 2, one line on stderr and nothing on stdout") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Case> cases = {
      {{"--lerning_rate=0.1"}, "learning_rate"},
      {{"--epochs=many"}, "epochs"},
      {{"--hidden_layers=12,x"}, "hidden_layers"},
      {{"--dataset=imagenet"}, "imagenet"},
      {{"--batch_size=0"}, "batch_size is '0'"},
      {{"--hidden_layers="}, "hidden_layers is ''"},
      {{"--hidden_layers=1000000000"}, "widths from 1 to 1000000"},
      {{"--learning_rate=-1"}, "learning_rate is '-1'"},
      {{"--learning_rate=nan"}, "learning_rate is 'nan'"},
      {{"--dropout=1.5"}, "dropout is '1.5'"},
      {{"mnist"}, "--name=value"},
      {{"--dataset=cifar-10"}, "cifar-10-binary.tar.gz missing"},
      {{"--dataset=fashion-mnist"}, "train-images-idx3-ubyte.gz"},
  };
  for (const Case& wrong : cases) {
    CAPTURE(wrong.arguments.front());
    const Folder folder;
    Run run(folder.path(), wrong.arguments, {{"MEMTRACK_DATA_DIR", folder.path().string()}});
    CHECK(run.wait() == 2);
    CHECK(run.output() == "");
    const std::string errors = run.errors();
    CAPTURE(errors);
    CHECK(contains(errors, wrong.says));
    CHECK(errors.find('\n') == errors.size() - 1);
  }
}

TEST_CASE("a damaged dataset ends with exit code 2 and names file, offset and remedy") {
  const Folder folder;
  fs::create_directories(folder.path() / "mnist");
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::ofstream(folder.path() / "mnist" / name) << "not IDX at all";
  }
  Run run(folder.path(), {"--dataset=mnist"}, {{"MEMTRACK_DATA_DIR", folder.path().string()}});
  CHECK(run.wait() == 2);
  CHECK(contains(run.errors(), "train-images-idx3-ubyte: byte 0: the magic number"));
  CHECK(contains(run.errors(), "memtrack datasets verify mnist"));
}

TEST_CASE("help and version go to stdout with exit code 0") {
  const Folder folder;
  Run help(folder.path(), {"--help"}, {});
  CHECK(help.wait() == 0);
  CHECK(contains(help.output(), "--hidden_layers=WIDTHS"));
  Run version(folder.path(), {"--version"}, {});
  CHECK(version.wait() == 0);
  CHECK(version.output() == fmt::format("memtrack-trainer {}\n", MEMTRACK_VERSION));
}

TEST_CASE("a training run sends its phases and epochs, and prints its metrics as the only line on stdout") {
  const Folder folder;
  EventSocket socket(folder.path() / "events");
  std::vector<Event> events;
  Run run(folder.path(), {"--dataset=generated-mnist", "--epochs=2", "--hidden_layers=[32, 16]"},
          {{"MEMTRACK_EVENTS", (folder.path() / "events").string()}});
  REQUIRE(wait_until([&] {
    for (Event& event : socket.take()) events.push_back(std::move(event));
    return !run.output().empty();
  }));
  CHECK(run.wait() == 0);
  for (Event& event : socket.take()) events.push_back(std::move(event));

  std::vector<std::string> told;
  for (const Event& event : events) {
    if (const auto* phase = std::get_if<PhaseEvent>(&event.what)) told.push_back(phase->name);
    if (const auto* epoch = std::get_if<EpochEvent>(&event.what)) told.push_back(fmt::format("epoch {}", epoch->epoch));
    if (const auto* metric = std::get_if<MetricEvent>(&event.what)) told.push_back(metric->name);
    if (const auto* other = std::get_if<OtherEvent>(&event.what)) told.push_back(other->name);
  }
  // The second epoch's tensors are those of the first: what is not new is not told again.
  CHECK(told == std::vector<std::string>{"start",
                                         "settings",
                                         "load",
                                         "tensor_bytes_peak",
                                         "tensor_memory",
                                         "build",
                                         "tensor_bytes_peak",
                                         "tensor_memory",
                                         "parameter_count",
                                         "train",
                                         "tensor_bytes_peak",
                                         "tensor_memory",
                                         "evaluate",
                                         "tensor_bytes_peak",
                                         "tensor_memory",
                                         "epoch 1",
                                         "train",
                                         "tensor_bytes_peak",
                                         "evaluate",
                                         "tensor_bytes_peak",
                                         "epoch 2"});

  const std::string output = run.output();
  CHECK(output.find('\n') == output.size() - 1);
  const nlohmann::json metrics = nlohmann::json::parse(output);
  CHECK(metrics["parameter_count"] == count_parameters({.dataset = "generated-mnist", .hidden_layers = {32, 16}}));
  CHECK(metrics["epochs"].size() == 2);
  for (const TrainerParameter& parameter : trainer_parameters()) {
    CAPTURE(std::string(parameter.name));
    CHECK(metrics["settings"].contains(std::string(parameter.name)));
  }
  CHECK(metrics["loss_state"] == "finite");
  CHECK(metrics["tensor_memory"]["train"]["kinds"]["parameters"]["bytes"] == 4 * metrics["parameter_count"].get<int>());
  CHECK(metrics["tensor_bytes_peak"] == metrics["tensor_memory"]["train"]["peak_bytes"]);
  CHECK(contains(run.errors(), "tensors held "));
  CHECK(contains(run.errors(), "epoch 2/2: loss "));
  CHECK_FALSE(contains(run.errors(), "\r"));
}

TEST_CASE("a loss that diverges is said in words, and the exit code is still 0") {
  const Folder folder;
  Run run(folder.path(), {"--dataset=generated-mnist", "--optimizer=sgd", "--learning_rate=1e30"}, {});
  CHECK(run.wait() == 0);
  CHECK(contains(run.errors(), "the loss became not a number"));
  const nlohmann::json metrics = nlohmann::json::parse(run.output());
  CHECK(metrics["loss_state"] == "nan");
  CHECK(metrics["train_loss"] == "nan");
}

TEST_CASE("with tensor accounting turned off nothing is told of tensors, and the losses are the same") {
  const Folder folder;
  const std::vector<std::string> arguments = {"--dataset=generated-mnist", "--hidden_layers=16"};
  Run counted(folder.path(), arguments, {});
  CHECK(counted.wait() == 0);
  const nlohmann::json with = nlohmann::json::parse(counted.output());
  Run uncounted(folder.path(), arguments, {{"MEMTRACK_TENSOR_ACCOUNTING", "off"}});
  CHECK(uncounted.wait() == 0);
  const nlohmann::json without = nlohmann::json::parse(uncounted.output());
  CHECK(without["tensor_bytes_peak"].is_null());
  CHECK(without["tensor_memory"].is_null());
  CHECK_FALSE(contains(uncounted.errors(), "tensors"));
  CHECK(without["train_loss"] == with["train_loss"]);
}

TEST_CASE("memory that is not given ends the training with exit code 12 and one sentence: bytes and phase and layer") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::vector<Case> cases = {
      // 1,000,000 x 1,000,000 weights.
      {{"--hidden_layers=16,1000000,1000000"},
       "4000000000000 bytes (3814697.3 MiB) were asked for and not given, in phase build, layer hidden3"},
      // 6000 images of 4096 channels x 28 x 28.
      {{"--batch_size=6000", "--conv_layers=[[4096,1]]", "--hidden_layers=1"},
       "77070336000 bytes (73500.0 MiB) were asked for and not given, in phase train, forward pass of layer conv1"}};
  for (Case wanted : cases) {
    CAPTURE(wanted.says);
    const Folder folder;
    wanted.arguments.insert(wanted.arguments.begin(), "--dataset=generated-mnist");
    Run run(folder.path(), wanted.arguments, {}, rlim_t{16} << 30);
    CHECK(run.wait() == 12);
    const std::string errors = run.errors();
    CAPTURE(errors);
    CHECK(contains(errors, wanted.says));
    CHECK(std::count(errors.begin() + static_cast<std::ptrdiff_t>(errors.find("memory ran out")), errors.end(), '\n') ==
          1);
  }
}

TEST_CASE("what computes is told before anything is loaded: threads of LibTorch and of BLAS, and their versions") {
  for (const std::int64_t threads : {1, 2}) {
    const Folder folder;
    EventSocket socket(folder.path() / "events");
    Run run(folder.path(), {"--dataset=generated-mnist", fmt::format("--threads={}", threads)},
            {{"MEMTRACK_EVENTS", (folder.path() / "events").string()}});
    CHECK(run.wait() == 0);
    const std::vector<Event> events = socket.take();
    const auto found = std::ranges::find(events, "settings", &Event::name);
    REQUIRE(found != events.end());
    const nlohmann::json settings = nlohmann::json::parse(found->body);
    CHECK(settings["threads"] == threads);
    CHECK(settings["libtorch"].get<std::string>().find('.') != std::string::npos);
    REQUIRE(fs::exists(settings["blas_library"].get<std::string>()));
    if (contains(settings["blas_library"].get<std::string>(), "openblas")) {
      CHECK(settings["blas_threads"] == threads);
      CHECK(contains(settings["blas"].get<std::string>(), "OpenBLAS"));
    }
  }
}

TEST_CASE("two runs on two threads give the same losses and accuracies to the last digit") {
  const auto epochs_of = [](const std::string& seed) {
    const Folder folder;
    Run run(folder.path(),
            {"--dataset=generated-mnist", "--threads=2", "--conv_layers=[[4,3]]", "--hidden_layers=256,128",
             "--dropout=0.2", "--epochs=2", "--seed=" + seed},
            {});
    CHECK(run.wait() == 0);
    const nlohmann::json metrics = nlohmann::json::parse(run.output());
    nlohmann::json figures;
    for (const auto& epoch : metrics["epochs"]) {
      figures.push_back({epoch["train_loss"], epoch["test_accuracy"]});
    }
    return figures;
  };
  const nlohmann::json first = epochs_of("7");
  CHECK(first.size() == 2);
  CHECK(epochs_of("7") == first);
  CHECK(epochs_of("8") != first);
}

TEST_CASE("with threads=1 the process has one thread, whatever the environment says") {
  const Folder folder;
  Run run(folder.path(), {"--dataset=generated-mnist", "--epochs=1000000"},
          {{"OPENBLAS_NUM_THREADS", "2"}, {"OMP_NUM_THREADS", "2"}});
  REQUIRE(wait_until([&] { return contains(run.errors(), "epoch 1/"); }));
  const fs::directory_iterator tasks(fmt::format("/proc/{}/task", run.pid()));
  CHECK(std::distance(begin(tasks), end(tasks)) == 1);
}

TEST_CASE("SIGTERM ends training with the figures so far and exit code 143, and the epoch in hand is told as partial") {
  const Folder folder;
  EventSocket socket(folder.path() / "events");
  Run run(folder.path(), {"--dataset=generated-mnist", "--epochs=1000000", "--batch_size=1"},
          {{"MEMTRACK_EVENTS", (folder.path() / "events").string()}});
  std::vector<Event> events;
  const auto take = [&] {
    for (Event& event : socket.take()) events.push_back(std::move(event));
  };
  REQUIRE(wait_until([&] {
    take();
    return contains(run.errors(), "epoch 1/");
  }));
  run.signal(SIGTERM);
  CHECK(run.wait() == 143);
  take();
  const auto* last = std::get_if<EpochEvent>(&events.back().what);
  REQUIRE(last != nullptr);
  CHECK(last->epoch == 2);
  const std::map<std::string, double> values(last->values.begin(), last->values.end());
  CHECK(values.at("is_partial") == 1);
  CHECK(values.at("steps") >= 1);
  CHECK(std::isfinite(values.at("train_loss")));
  CHECK_FALSE(values.contains("test_accuracy"));
  const nlohmann::json metrics = nlohmann::json::parse(run.output());
  CHECK(metrics["was_stopped"] == true);
  CHECK(metrics["epochs"].size() >= 1);
  CHECK(metrics["test_accuracy"] > 0.5);
}

}  // namespace memtrack
