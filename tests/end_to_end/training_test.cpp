// The road from a sweep file to an average, with the built-in trainer, on small files in the original formats, and on
// the real data sets where they lie.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/end_to_end/session.h"

using memtrack::testing::CommandResult;
using memtrack::testing::Session;

namespace fs = std::filesystem;

namespace {

// The folder with the real data set; empty where it does not lie on this machine.
std::string real_data_folder(const std::string& dataset) {
  const char* named = std::getenv("MEMTRACK_DATA_DIR");
  const char* home = std::getenv("HOME");
  const fs::path folder =
      named != nullptr ? fs::path(named) : fs::path(home == nullptr ? "/" : home) / ".local/share/memtrack/datasets";
  return fs::exists(folder / dataset) ? folder.string() : "";
}

}  // namespace

TEST_CASE("a sweep over MNIST files is trained, measured and reported") {
  const Session session;
  write_small_mnist(session, 2000, 200);
  session.write_file("s.yaml",
                     "name: small\nmethod: grid\nparameters:\n  dataset: {value: mnist}\n  epochs: {value: 2}\n"
                     "  learning_rate: {values: [0.001, 0.01]}\n  batch_size: {value: 20}\n"
                     "  hidden_layers: {value: [32, 16]}\nmemtrack: {interval: 20ms, order: listed}\n");
  session.output_of("memtrack daemon start");
  session.output_of("memtrack sweep s.yaml --wait");
  CHECK(session.sql("SELECT group_concat(state) FROM trials") == "done,done");
  CHECK(session.sql("SELECT count(*) FROM epochs WHERE loss_state = 'finite' AND seconds > 0") == "4");
  CHECK(session.sql("SELECT min(test_accuracy) > 0.9 FROM epochs WHERE epoch = 2") == "1");
  CHECK(session.sql("SELECT count(DISTINCT kind) FROM samples WHERE kind IN ('start', 'tick', 'phase', 'final')") ==
        "4");
  CHECK(session.sql("SELECT group_concat(phase) FROM (SELECT DISTINCT phase FROM phase_memory ORDER BY phase)") ==
        "build,evaluate,load,start,train");
  CHECK(session.sql("SELECT min(parameter_count) FROM trials") ==
        std::to_string(784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10));
  CHECK(session.sql("SELECT min(peak_rss_bytes > avg_tree_rss_bytes) FROM trial_memory") == "1");
  for (const char* kind : {"parameters", "gradients"}) {
    CAPTURE(std::string(kind));
    CHECK(session.sql(fmt::format("SELECT sum(bytes) = 4 * parameter_count FROM tensor_memory JOIN trials USING "
                                  "(trial_id) WHERE trial_id = 1 AND phase = 'train' AND kind = '{}'",
                                  kind)) == "1");
  }
  CHECK(session.sql("SELECT sum(e.tensor_bytes_peak = m.value) FROM epochs e JOIN metrics m USING (trial_id, epoch) "
                    "WHERE m.name = 'tensor_bytes_peak' AND m.phase = 'train'") == "4");
  const std::string csv = session.output_of("memtrack report --format csv");
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 3);
}

TEST_CASE("a sweep over CIFAR-10 files is trained") {
  const Session session;
  write_small_cifar_10(session, 200);
  session.write_file("s.yaml",
                     "method: list\nparameters: {dataset: {value: cifar-10}, epochs: {value: 1}}\n"
                     "trials:\n  - {batch_size: 10, hidden_layers: [16], reported_memory_mib: 4318.5}\n"
                     "memtrack: {interval: 20ms}\n");
  session.output_of("memtrack sweep s.yaml --local --wait");
  CHECK(session.sql("SELECT state || ' ' || dataset || ' ' || reported_memory_mib FROM trials") ==
        "done cifar-10 4318.5");
  CHECK(session.output_of("memtrack report").find("4318.5") != std::string::npos);
}

TEST_CASE("a trial whose data set is missing or damaged fails with the trainer's own sentence in its log") {
  const Session session;
  session.write_file("s.yaml", "method: grid\nparameters: {dataset: {value: mnist}}\n");
  CHECK(session.run("memtrack sweep s.yaml --local --wait").exit_code == 1);
  CHECK(session.output_of("memtrack logs 1").find("train-images-idx3-ubyte") != std::string::npos);
  write_small_mnist(session, 100, 100);
  session.output_of("truncate -s -20 data/mnist/t10k-images-idx3-ubyte.gz");
  CHECK(session.run("memtrack sweep s.yaml --local --wait").exit_code == 1);
  CHECK(session.output_of("memtrack logs 2").find("t10k-images-idx3-ubyte.gz") != std::string::npos);
  CHECK(session.sql("SELECT group_concat(state) FROM trials") == "failed,failed");
}

TEST_CASE("a trial that is not given its memory fails, and its reason says bytes and phase and layer") {
  const Session session;
  session.write_file("s.yaml",
                     "method: grid\nparameters:\n  dataset: {value: generated-mnist}\n"
                     "  hidden_layers: {value: [16, 1000000, 1000000]}\n");
  CHECK(session.run("ulimit -v 16000000; memtrack sweep s.yaml --local --wait").exit_code == 1);
  CHECK(session.sql("SELECT state || ' ' || exit_code FROM trials") == "failed 12");
  CHECK(session.sql("SELECT reason FROM trials") ==
        "exited with code 12: memory ran out: 4000000000000 bytes (3814697.3 MiB) were asked for and not given, in "
        "phase build, layer hidden3; narrower layers or a smaller batch_size need less");
}

TEST_CASE("what the tensors hold explains the growth of anonymous memory from loading to training") {
  const Session session;
  session.output_of(
      fmt::format("memtrack run --interval 20ms -- {}/libexec/memtrack/memtrack-trainer "
                  "--dataset=generated-cifar-10 --hidden_layers=2048,2048 --max_steps=4",
                  MEMTRACK_BUILD_DIR));
  const std::string tensors =
      "(SELECT max(value) FILTER (WHERE phase = 'train') - max(value) FILTER (WHERE phase = 'load') FROM metrics "
      "WHERE name = 'tensor_bytes_peak')";
  const std::string growth =
      "(SELECT max(tree_rss_anon_bytes) FILTER (WHERE phase = 'train') - max(tree_rss_anon_bytes) FILTER (WHERE phase "
      "= 'load' AND kind = 'phase') FROM samples)";
  CHECK(session.sql("SELECT " + tensors + " > 200000000") == "1");
  CHECK(session.sql("SELECT " + growth + " >= 0.98 * " + tensors) == "1");
  CHECK(session.sql("SELECT " + growth + " <= 1.15 * " + tensors) == "1");  // with the holes that malloc leaves
}

TEST_CASE("a learning rate that diverges is done, and its loss is told") {
  const Session session;
  write_small_mnist(session, 500, 100);
  session.write_file("s.yaml",
                     "method: grid\nparameters:\n  dataset: {value: mnist}\n  learning_rate: {value: 1.0e+30}\n"
                     "  optimizer: {value: sgd}\n  epochs: {value: 2}\n");
  session.output_of("memtrack sweep s.yaml --local --wait");
  CHECK(session.sql("SELECT state FROM trials") == "done");
  CHECK(session.sql("SELECT loss_state IN ('nan', 'inf') FROM epochs WHERE epoch = 2") == "1");
}

TEST_CASE("a trial that is cancelled keeps its last epoch as far as it came") {
  const Session session;
  session.write_file("s.yaml",
                     "method: grid\nparameters:\n  dataset: {value: generated-mnist}\n  epochs: {value: 1000000}\n"
                     "  batch_size: {value: 1}\n  hidden_layers: {value: [8]}\nmemtrack: {interval: 100ms}\n");
  session.output_of("memtrack daemon start");
  session.output_of("memtrack sweep s.yaml");
  REQUIRE(memtrack::testing::wait_until(
      [&] { return session.sql("SELECT count(*) > 0 FROM epochs WHERE test_accuracy > 0") == "1"; }));
  session.output_of("memtrack cancel 1");
  REQUIRE(memtrack::testing::wait_until([&] { return session.sql("SELECT state FROM trials") == "cancelled"; }));
  CHECK(session.sql("SELECT exit_code FROM trials") == "143");
  CHECK(session.sql("SELECT is_partial || ' ' || loss_state || ' ' || (test_accuracy IS NULL) || ' ' || (seconds > 0) "
                    "FROM epochs ORDER BY epoch DESC LIMIT 1") == "1 finite 1 1");
  CHECK(session.sql("SELECT group_concat(DISTINCT is_partial) FROM epochs WHERE epoch < (SELECT max(epoch) FROM "
                    "epochs)") == "0");
  CHECK(session.sql("SELECT sum(events_missing) FROM trial_totals") == "0");
}

TEST_CASE("repeats are trained from seeds of their own, and the same seed gives the same losses") {
  const Session session;
  const std::string sweep =
      "method: grid\nparameters: {dataset: {value: generated-mnist}, hidden_layers: {value: [16]}}\n"
      "memtrack: {interval: 20ms, repeats: 2}\n";
  session.write_file("s.yaml", sweep);
  session.output_of("memtrack sweep s.yaml --local --wait");
  session.output_of("memtrack sweep s.yaml --local --wait");
  session.output_of("memtrack sweep s.yaml --set seed=5 --local --wait");
  const auto losses = [&](int sweep_id) {
    return session.sql(
        fmt::format("SELECT count(*) || ' trials, ' || count(DISTINCT parameters ->> '$.seed') || ' seeds, '"
                    " || count(DISTINCT train_loss) || ' losses' FROM trials JOIN epochs USING (trial_id)"
                    " WHERE sweep_id = {}",
                    sweep_id));
  };
  CHECK(losses(1) == "2 trials, 2 seeds, 2 losses");
  CHECK(losses(3) == "2 trials, 1 seeds, 1 losses");
  CHECK(session.sql("SELECT count(DISTINCT train_loss) FROM trials JOIN epochs USING (trial_id) WHERE sweep_id < 3") ==
        "2");
  CHECK(session.sql("SELECT min(settings ->> '$.threads') || ' ' || (min(settings ->> '$.libtorch') IS NOT NULL) FROM "
                    "trials") == "1 1");
}

TEST_CASE("the real MNIST is learned by one epoch of a small network") {
  const std::string folder = real_data_folder("mnist");
  if (folder.empty()) {
    MESSAGE("skipped: the real MNIST does not lie on this machine (docs/datasets.md)");
    return;
  }
  const Session session;
  session.write_file("s.yaml",
                     "method: grid\nparameters:\n  dataset: {value: mnist}\n  batch_size: {value: 128}\n"
                     "  hidden_layers: {value: [64]}\nmemtrack: {interval: 20ms}\n");
  session.output_of("MEMTRACK_DATA_DIR=" + folder + " memtrack sweep s.yaml --local --wait");
  CHECK(session.sql("SELECT test_accuracy > 0.9 FROM epochs") == "1");
  CHECK(session.sql("SELECT tick_count > 10 FROM trial_memory") == "1");
}

TEST_CASE("an installed tree works where it stands") {
  const Session session;
  session.output_of(fmt::format("cmake --install {} --prefix $PWD/installed >/dev/null", MEMTRACK_BUILD_DIR));
  const fs::path installed = session.folder() / "installed";
  for (const char* unit : {"lib/systemd/user/memtrackd.service", "lib/systemd/system/memtrackd@.service"}) {
    CAPTURE(std::string(unit));
    CHECK(session.output_of("grep ^ExecStart= installed/" + std::string(unit)) ==
          "ExecStart=" + (installed / "bin/memtrackd").string() + "\n");
  }
  for (const char* page : {"man1/memtrack.1", "man8/memtrackd.8", "man5/memtrack-sweep.5", "man5/memtrack-sql.5"}) {
    CHECK(session.output_of(fmt::format("zcat installed/share/man/{}.gz", page)).find(".SH NAME") != std::string::npos);
  }
  for (const char* completion : {"bash-completion/completions/memtrack", "zsh/vendor-completions/_memtrack",
                                 "fish/vendor_completions.d/memtrack.fish"}) {
    CHECK(session.output_of(fmt::format("cat installed/share/{}", completion)).find("daemon") != std::string::npos);
  }
  session.write_file("s.yaml",
                     "method: grid\nparameters: {dataset: {value: generated-mnist}, hidden_layers: {value: [16]}}\n"
                     "memtrack: {interval: 20ms}\n");
  session.output_of(
      "export PATH=$PWD/installed/bin:$PATH; mv installed moved; export PATH=$PWD/moved/bin:$PATH; "
      "memtrack daemon start && memtrack sweep s.yaml --wait && memtrack report");
  CHECK(session.sql("SELECT state FROM trials") == "done");
  CHECK(session.sql("SELECT command LIKE '%/moved/libexec/memtrack/memtrack-trainer%' FROM trials") == "1");
}
