// From the words of `command` to argv: macros at submission, macros at the start, and the files that go with them.

#include "sweeps/command.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "sweeps/sweep.h"
#include "tests/temporary_directory.h"

namespace {

using namespace memtrack;
using Words = std::vector<std::string>;

Words command_of(const std::string& yaml, const ExpansionContext& context = {}) {
  Words command;
  for_each_trial(parse_sweep_file(yaml, "f.yaml", {}).at(0), context,
                 [&](const TrialPlan& trial) { command = trial.command; });
  return command;
}

// The words that one macro becomes for a trial with values of every kind.
Words expanded(const std::string& macro) {
  Words command = command_of("method: grid\nprogram: train.py\ncommand: [./run, \"" + macro + "\"]\n" +
                             "parameters:\n"
                             "  a: {value: true}\n"
                             "  b: {value: false}\n"
                             "  c: {value: 1.0e-5}\n"
                             "  d: {value: null}\n"
                             "  e: {value: [128, 'x y', 0.5]}\n"
                             "  f: {parameters: {lr: {value: 1}, name: {value: adam}}}\n"
                             "  reported_memory_mib: {value: 5}\n");
  CHECK(command.at(0) == "./run");
  command.erase(command.begin());
  return command;
}

}  // namespace

TEST_CASE("each macro expands as Weights & Biases expands it") {
  CHECK(expanded("${env}") == Words{"/usr/bin/env"});
  CHECK(expanded("${program}") == Words{"train.py"});
  CHECK(expanded("${args}") == Words{"--a=True", "--b=False", "--c=1e-05", "--d=None", "--e=[128, 'x y', 0.5]",
                                     "--f={'lr': 1, 'name': 'adam'}"});
  CHECK(expanded("${args_no_hyphens}") ==
        Words{"a=True", "b=False", "c=1e-05", "d=None", "e=[128, 'x y', 0.5]", "f={'lr': 1, 'name': 'adam'}"});
  CHECK(expanded("${args_no_boolean_flags}") ==
        Words{"--a", "--c=1e-05", "--d=None", "--e=[128, 'x y', 0.5]", "--f={'lr': 1, 'name': 'adam'}"});
  CHECK(expanded("${args_no_equals}") == Words{"--a", "True", "--b", "False", "--c", "1e-05", "--d", "None", "--e",
                                               "[128, 'x y', 0.5]", "--f", "{'lr': 1, 'name': 'adam'}"});
  CHECK(expanded("${args_append_hydra}").at(0) == "+a=True");
  CHECK(expanded("${args_override_hydra}").at(2) == "++c=1e-05");
  CHECK(expanded("${args_json}") == Words{R"({"a": true, "b": false, "c": 1e-05, "d": null, "e": [128, "x y", 0.5], )"
                                          R"("f": {"lr": 1, "name": "adam"}})"});
}

TEST_CASE("the macros that would put secrets or files into the database are left for the start of the trial") {
  for (const char* word :
       {"${args_json_file}", "${envvar:TOKEN}", "--t=${envvar:TOKEN}", "--x=${args}", "$HOME", "${"}) {
    CHECK(expanded(word) == Words{word});
  }
}

TEST_CASE("without a command a program is started as W&B starts it, without a program the built-in trainer") {
  CHECK(command_of("method: grid\nprogram: train.py\nparameters: {lr: {value: 0.1}}\n", {{{"PATH", ""}}, "T"}) ==
        Words{"/usr/bin/env", "python3", "train.py", "--lr=0.1"});
  CHECK(command_of("method: grid\nparameters: {learning_rate: {value: 0.1}}\n", {{}, "/x/memtrack-trainer"}) ==
        Words{"/x/memtrack-trainer", "--learning_rate=0.1", "--seed=0"});
  CHECK(command_of(
            "method: grid\nprogram: t.py\ncommand: [nice, -n, 5, \"${program}\"]\nparameters: {lr: {value: 1}}\n") ==
        Words{"nice", "-n", "5", "t.py"});
}

TEST_CASE("the interpreter is python where the submitter's PATH has it, else python3") {
  const memtrack::testing::TemporaryDirectory directory;
  const std::string yaml = "method: grid\nprogram: t.py\nparameters: {lr: {value: 1}}\n";
  const ExpansionContext context{{{"PATH", "relative::/nowhere:" + directory.path().string()}}, "T"};
  CHECK(command_of(yaml, context).at(1) == "python3");
  std::ofstream(directory / "python") << "#!/bin/sh\n";
  chmod((directory / "python").c_str(), 0644);
  CHECK(command_of(yaml, context).at(1) == "python3");
  chmod((directory / "python").c_str(), 0755);
  CHECK(command_of(yaml, context).at(1) == "python");
}

TEST_CASE("a macro inside of a longer word is passed on, with a warning") {
  const Sweep sweep = parse_sweep_file(
      "method: grid\nprogram: t.py\ncommand: [./run, \"--all=${args}\"]\nparameters: {lr: {value: 1}}\n", "f.yaml",
      {})[0];
  REQUIRE(sweep.warnings.size() == 1);
  CHECK(sweep.warnings[0].starts_with("f.yaml:3:18: ${args} inside of '--all=${args}'"));
}

TEST_CASE("late macros take the environment and the file's path") {
  const std::map<std::string, std::string> environment = {{"TOKEN", "s3cret"}, {"EMPTY", ""}, {"lower", "l"}};
  CHECK(expand_late_macros({"a", "--t=${envvar:TOKEN}", "${envvar:TOKEN}${envvar:lower}", "${envvar:EMPTY}",
                            "${envvar:UNSET}", "${envvar:TOKEN", "${args_json_file}", "x${args_json_file}"},
                           environment, "/p/args.json") ==
        Words{"a", "--t=s3cret", "s3cretl", "", "UNSET", "${envvar:TOKEN", "/p/args.json", "x${args_json_file}"});
  CHECK(uses_args_json_file({"a", "${args_json_file}"}));
  CHECK_FALSE(uses_args_json_file({"a", "x${args_json_file}"}));
}

TEST_CASE("what an environment variable holds is not expanded again") {
  CHECK(expand_late_macros({"${envvar:A}"}, {{"A", "${envvar:B}"}, {"B", "b"}}, "") == Words{"${envvar:B}"});
}

TEST_CASE("the parameter file is YAML as W&B writes it, readable by YAML 1.1 too") {
  CHECK(sweep_param_file(
            R"({"lr":1e-05,"epochs":2,"name":"it's","on":true,"a b":null,"l":[1,2.5],"d":{"x":1.0,"y":"ü"}})") ==
        "lr: {\"value\": 1.0e-05}\n"
        "epochs: {\"value\": 2}\n"
        "name: {\"value\": \"it's\"}\n"
        "\"on\": {\"value\": true}\n"
        "\"a b\": {\"value\": null}\n"
        "l: {\"value\": [1, 2.5]}\n"
        "d: {\"value\": {\"x\": 1.0, \"y\": \"ü\"}}\n");
  CHECK(sweep_param_file("{}").empty());
  CHECK_THROWS_AS(sweep_param_file("[]"), std::runtime_error);
  CHECK_THROWS_AS(sweep_param_file("{"), std::runtime_error);
}
