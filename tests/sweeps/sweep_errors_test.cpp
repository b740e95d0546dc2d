// Wrong sweep files: each is refused with its place, what is wrong, and what would be right.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sweeps/sweep.h"

namespace {

using namespace memtrack;

struct BadFile {
  std::string text;
  std::string message;
};

std::string message_of(const std::string& text, const Overrides& overrides = {}) {
  try {
    parse_sweep_file(text, "f.yaml", overrides);
  } catch (const SweepError& error) {
    return error.what();
  }
  return "accepted";
}

const std::string kGood = "method: grid\nparameters: {epochs: {value: 2}}\n";

}  // namespace

TEST_CASE("a wrong file is refused with line, column, what is wrong and what would be right") {
  const std::vector<BadFile> cases = {
      {"", "f.yaml:1:1: the file is empty, and would have to hold a map with method and parameters"},
      {"# only a comment\n", "f.yaml:1:1: the file is empty, and would have to hold a map with method and parameters"},
      {"---\n"
       "---\n",
       "f.yaml:1:1: the file is empty, and would have to hold a map with method and parameters"},
      {"just text\n", "f.yaml:1:1: the sweep is 'just text', and would have to be a map with method and parameters"},
      {"- a\n"
       "- b\n",
       "f.yaml:1:1: the sweep is [\"a\", \"b\"], and would have to be a map with method and parameters"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}\n",
       "f.yaml:3:1: this is not YAML: end of map flow not found"},
      {"method: grid\n"
       " parameters: x\n",
       "f.yaml:2:12: this is not YAML: illegal map value"},
      {"\tmethod: grid\n",
       "f.yaml:1:8: this is not YAML: illegal map value; this line is indented with a tab, and would have to be with "
       "spaces"},
      {"method: grid\n"
       "method: random\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:2:1: method stands here a second time (first on line 1), and would have to stand once"},
      {"parameters: {epochs: {value: 2}}\n",
       "f.yaml:1:1: the sweep has no method, and would have to have one of grid, random, list, bayes"},
      {"method: gird\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:1:9: method is 'gird', and would have to be one of grid, random, list, bayes; did you mean 'grid'?"},
      {"method: [grid]\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:1:9: method is [\"grid\"], and would have to be one of grid, random, list, bayes"},
      {"method: grid\n",
       "f.yaml:1:1: the sweep has no parameters, and would have to have some such as parameters: {epochs: {value: 2}}"},
      {"method: grid\n"
       "paramters: {epochs: {value: 2}}\n",
       "f.yaml:2:1: a sweep has no 'paramters'; did you mean 'parameters'?"},
      {"method: grid\n"
       "parameters:\n",
       "f.yaml:2:1: parameters is empty, and would have to be a map of at least one parameter such as {learning_rate: "
       "{values: [0.001, 0.01]}}"},
      {"method: grid\n"
       "parameters: {}\n",
       "f.yaml:2:13: parameters is {}, and would have to be a map of at least one parameter such as {learning_rate: "
       "{values: [0.001, 0.01]}}"},
      {"method: grid\n"
       "parameters: [1]\n",
       "f.yaml:2:13: parameters is [1], and would have to be a map of at least one parameter such as {learning_rate: "
       "{values: [0.001, 0.01]}}"},
      {"method: grid\n"
       "parameters: {epochs: 2}\n",
       "f.yaml:2:22: epochs is 2, and would have to be {value: 2}"},
      {"method: grid\n"
       "parameters: {batch_size: [32, 64]}\n",
       "f.yaml:2:26: batch_size is [32, 64], and would have to be {values: [32, 64]}"},
      {"method: grid\n"
       "parameters: {epochs: }\n",
       "f.yaml:2:14: epochs is empty, and would have to be a map such as {value: 2} or {values: [1, 2]}"},
      {"method: grid\n"
       "parameters: {epochs: {}}\n",
       "f.yaml:2:22: epochs is empty, and would have to be one of {value: 2}, {values: [1, 2]}, {min: 1, max: 9}"},
      {"method: grid\n"
       "parameters: {epochs: {valeu: 2}}\n",
       "f.yaml:2:23: epochs has no 'valeu'; did you mean 'value'?; a parameter is one of {value: 2}, {values: [1, 2]}, "
       "{min: 1, max: 9}"},
      {"method: grid\n"
       "parameters: {epochs: {foo: 2}}\n",
       "f.yaml:2:23: epochs has no 'foo'; a parameter is one of {value: 2}, {values: [1, 2]}, {min: 1, max: 9}"},
      {"method: grid\n"
       "parameters: {epochs: {values: []}}\n",
       "f.yaml:2:31: values of epochs is [], and would have to be a list of at least one value such as [32, 128]"},
      {"method: grid\n"
       "parameters: {epochs: {values: 2}}\n",
       "f.yaml:2:31: values of epochs is 2, and would have to be a list of at least one value such as [32, 128]"},
      {"method: grid\n"
       "parameters: {epochs: {values: [1, two]}}\n",
       "f.yaml:2:35: epochs is 'two', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2, max: 3}}\n",
       "f.yaml:2:33: epochs (constant) has no 'max'; it has distribution, value"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2.0}}\n",
       "f.yaml:2:30: epochs is '2.0', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: grid\n"
       "parameters: {epoch: {value: 2}}\n",
       "f.yaml:2:14: the built-in trainer has no parameter 'epoch'; did you mean 'epochs'?"},
      {"method: grid\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:14: the built-in trainer has no parameter 'lr'; did you mean 'learning_rate'?"},
      {"method: grid\n"
       "parameters: {whatever: {value: 2}}\n",
       "f.yaml:2:14: the built-in trainer has no parameter 'whatever'; it has dataset, learning_rate, epochs, "
       "batch_size, conv_layers, hidden_layers, activation, dropout, optimizer, momentum, weight_decay, init, "
       "standardise, shuffle, eval_batch_size, max_steps, seed, threads"},
      {"method: grid\n"
       "parameters: {dataset: {value: mnst}}\n",
       "f.yaml:2:31: dataset is 'mnst', and would have to be one of mnist, fashion-mnist, cifar-10, generated-mnist, "
       "generated-cifar-10; did you mean 'mnist'?"},
      {"method: grid\n"
       "parameters: {learning_rate: {values: [0.1, 0]}}\n",
       "f.yaml:2:44: learning_rate is '0', and would have to be a number greater than 0 such as 0.001, at most 1e30"},
      {"method: grid\n"
       "parameters: {hidden_layers: {values: [[128, 64], [0]]}}\n",
       "f.yaml:2:50: hidden_layers is '[0]', and would have to be widths from 1 to 1000000, at least one, such as "
       "[128, 64]"},
      {"method: grid\n"
       "parameters: {hidden_layers: {value: []}}\n",
       "f.yaml:2:37: hidden_layers is '[]', and would have to be widths from 1 to 1000000, at least one, such as [128, "
       "64]"},
      {"method: grid\n"
       "parameters: {optimizer: {parameters: {lr: {value: 1}}}}\n",
       "f.yaml:2:25: optimizer has nested parameters, and would have to be one value or a range"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {epochs: {min: 1.0, max: 3.0}}\n",
       "f.yaml:3:22: epochs is '1.0', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {epochs: {min: 5, max: 1}}\n",
       "f.yaml:3:28: min of epochs is 5 and max is 1, and min would have to be the smaller"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {epochs: {min: 0, max: 1}}\n",
       "f.yaml:3:22: epochs is '0', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {epochs: {min: 1}}\n",
       "f.yaml:3:22: epochs has no max, and would have to have one (int_uniform)"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: log_uniform_values, min: 0, max: 1}}\n",
       "f.yaml:3:69: min of learning_rate is 0, and would have to be greater than 0 (log_uniform_values)"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: log_unifrom, min: 0, max: 1}}\n",
       "f.yaml:3:44: distribution of learning_rate is 'log_unifrom', and would have to be one of constant, "
       "categorical, categorical_w_probabilities, int_uniform, uniform, q_uniform, log_uniform, log_uniform_values, "
       "q_log_uniform, q_log_uniform_values, inv_log_uniform, inv_log_uniform_values, normal, q_normal, log_normal, "
       "q_log_normal, beta, q_beta, layer_widths; did you mean 'log_uniform'?"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: log_uniform, min: 0, max: 1000}}\n",
       "f.yaml:3:70: learning_rate goes beyond what a number can be: with log_uniform the bounds are exponents, and "
       "values would have to be given to log_uniform_values"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: normal, mu: 0, sigma: -1}}\n",
       "f.yaml:3:66: sigma of learning_rate is -1, and would have to be 0 or more"},
      {"method: random\n"
       "run_cap: 30\n"
       "parameters: {learning_rate: {distribution: normal}}\n",
       "f.yaml:3:29: learning_rate is '-1.0503663139162787', and would have to be a number greater than 0 such as "
       "0.001, at most 1e30"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {dropout: {min: 0.0, max: 1.5}}\n",
       "f.yaml:3:23: dropout is '1.5', and would have to be a number from 0 to below 1 such as 0.5"},
      {"method: grid\n"
       "parameters: {shuffle: {values: [true, false, 2]}}\n",
       "f.yaml:2:46: shuffle is '2', and would have to be true or false"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {mu: 0}}\n",
       "f.yaml:3:29: learning_rate has mu or sigma but no distribution, and would have to say one such as "
       "distribution: normal"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: uniform, min: 0.1, max: 0.2, q: 3}}\n",
       "f.yaml:3:73: learning_rate (uniform) has no 'q'; it has distribution, min, max"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {values: [1, 2], probabilities: [0.5, 0.6]}}\n",
       "f.yaml:3:58: the probabilities of batch_size add up to 1.1, and would have to add up to 1"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {values: [1, 2], probabilities: [0.5]}}\n",
       "f.yaml:3:58: probabilities of batch_size is [0.5], and would have to be a list of 2 numbers, one a value"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {hidden_layers: {distribution: layer_widths, depth: {min: 2, mx: 3}, width: 10}}\n",
       "f.yaml:3:74: depth of hidden_layers has no 'mx'; did you mean 'max'?"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {hidden_layers: {distribution: layer_widths, depth: 3}}\n",
       "f.yaml:3:29: hidden_layers has no width, and would have to have one (layer_widths)"},
      {"method: bayes\n"
       "parameters: {epochs: {min: 1, max: 3}}\n"
       "memtrack: {repeats: 3}\n",
       "f.yaml:1:9: repeats is 3, but method bayes without run_cap is drawn until it is cancelled and never comes to a "
       "second block; give run_cap: 20 or --count 20"},
      {"method: random\n"
       "run_cap: 0\n"
       "parameters: {epochs: {min: 1, max: 3}}\n",
       "f.yaml:2:10: run_cap is 0, and would have to be a whole number from 1 on such as 20"},
      {"method: grid\n"
       "parameters: {learning_rate: {min: 0.1, max: 0.3}}\n",
       "f.yaml:2:29: learning_rate is drawn from uniform, which a grid cannot go through, and would have to be a "
       "value, values without probabilities, int_uniform or q_uniform; or the method random"},
      {"method: grid\n"
       "parameters: {batch_size: {values: [1, 2], probabilities: [0.5, 0.5]}}\n",
       "f.yaml:2:26: batch_size is drawn from categorical, which a grid cannot go through, and would have to be a "
       "value, values without probabilities, int_uniform or q_uniform; or the method random"},
      {"method: grid\n"
       "parameters: {epochs: {min: 1, max: 1000001}}\n",
       "f.yaml:1:9: the sweep has 1000001 trials, and may have 1000000 in all; give fewer values, run_cap or --count"},
      {"method: grid\n"
       "parameters: {epochs: {min: 1, max: 1000}, batch_size: {min: 1, max: 1000}}\n"
       "memtrack: {repeats: 2}\n",
       "f.yaml:1:9: the sweep has 1000000 trials in each of 2 repeats, and may have 1000000 in all; give fewer values, "
       "run_cap or --count"},
      {"method: list\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:1:9: method list has no trials, and would have to have them such as trials: [{epochs: 2}]"},
      {"method: list\n"
       "trials: []\n",
       "f.yaml:2:9: trials is [], and would have to be a list of at least one row such as {learning_rate: 0.001, "
       "epochs: 2}"},
      {"method: list\n"
       "trials: [1]\n",
       "f.yaml:2:10: a row of trials is 1, and would have to be a map such as {learning_rate: 0.001, epochs: 2}"},
      {"method: list\n"
       "trials:\n"
       "  - {epochs: 2}\n"
       "  - {epochs: two}\n",
       "f.yaml:4:14: epochs is 'two', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: list\n"
       "trials:\n"
       "  - {epochs: 2, lr: 3}\n",
       "f.yaml:3:17: the built-in trainer has no parameter 'lr'; did you mean 'learning_rate'?"},
      {"method: list\n"
       "parameters: {epochs: {values: [1, 2]}}\n"
       "trials:\n"
       "  - {batch_size: 2}\n",
       "f.yaml:2:22: epochs is drawn from categorical, but method list draws nothing; give {value: ...} here, and what "
       "differs in trials"},
      {"method: list\n"
       "trials:\n"
       "  - {epochs: 2, reported_memory_mib: lots}\n",
       "f.yaml:3:38: reported_memory_mib is 'lots', and would have to be a number such as 2516.3"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: 5s\n",
       "f.yaml:3:11: memtrack is '5s', and would have to be a map such as {interval: 5s, repeats: 3}"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {intervall: 5s}\n",
       "f.yaml:3:12: memtrack has no 'intervall'; did you mean 'interval'?"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {interval: 5}\n",
       "f.yaml:3:22: interval is 5, and would have to be a time from 1ms to 24h with its unit, such as 5s"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {interval: 500us}\n",
       "f.yaml:3:22: interval is '500us', and would have to be a time from 1ms to 24h with its unit, such as 5s"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {interval: 25h}\n",
       "f.yaml:3:22: interval is '25h', and would have to be a time from 1ms to 24h with its unit, such as 5s"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {repeats: 0}\n",
       "f.yaml:3:21: repeats is 0, and would have to be a whole number from 1 to 1000000 such as 3"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {order: shufled}\n",
       "f.yaml:3:19: order is 'shufled', and would have to be listed or shuffled; did you mean 'shuffled'?"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {jobs: 0}\n",
       "f.yaml:3:18: jobs is 0, and would have to be a whole number from 1 to 1024 such as 1"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {retries: -1}\n",
       "f.yaml:3:21: retries is -1, and would have to be a whole number from 0 to 1000 such as 1"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {priority: high}\n",
       "f.yaml:3:22: priority is 'high', and would have to be a whole number from -1000 to 1000 such as 10"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {settle: 5}\n",
       "f.yaml:3:20: settle is 5, and would have to be a time from 0s to 24h with its unit, such as 5s"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {memory_limit: 8Gb}\n",
       "f.yaml:3:26: memory_limit is '8Gb', and would have to be a size from 1MiB on with its unit, such as 8GiB or "
       "512MiB"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {timeout: 2}\n",
       "f.yaml:3:21: timeout is 2, and would have to be a time from 1ms on with its unit, such as 2h"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {seed: -1}\n",
       "f.yaml:3:18: seed is -1, and would have to be a whole number from 0 on such as 0"},
      {"method: grid\n"
       "program: t.py\n"
       "parameters: {lr: {value: 2}}\n"
       "memtrack: {columns: {lr: learning_rate}}\n",
       "f.yaml:4:22: columns names the column first, and would have to be {learning_rate: lr}"},
      {"method: grid\n"
       "program: t.py\n"
       "parameters: {rate: {value: 2}}\n"
       "memtrack: {columns: {learning_rate: rte}}\n",
       "f.yaml:4:37: columns.learning_rate is 'rte', and would have to be a parameter of this sweep; did you mean "
       "'rate'?"},
      {"method: grid\n"
       "program:\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:1: program is empty, and would have to be a text such as train.py"},
      {"method: grid\n"
       "command: python train.py\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:10: command is 'python train.py', and would have to be a list such as [\"${env}\", "
       "\"${interpreter}\", \"${program}\", \"${args}\"]"},
      {"method: grid\n"
       "command: [\"${env}\", \"${program}\", \"${args}\"]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:21: command names ${program}, but the sweep has no program; add one such as program: train.py"},
      {"method: grid\n"
       "program: t.py\n"
       "command: [\"${env}\", \"${program}\", \"${arg}\"]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:3:35: the macro ${arg} is not known; did you mean 'args'?"},
      {"method: grid\n"
       "command: []\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:10: command is [], and would have to be a list such as [\"${env}\", \"${interpreter}\", "
       "\"${program}\", \"${args}\"]"},
      {"method: grid\n"
       "job: x\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:6: job is for W&B Launch, which memtrack does not run; name a program or a command"},
      {"method: grid\n"
       "memtrak: {interval: 5s}\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:2:1: a sweep has no 'memtrak'; did you mean 'memtrack'?"},
      {"method: grid\n"
       "parameters: &p {epochs: {value: *p}}\n",
       "f.yaml:2:33: this alias stands inside of what it stands for, and would have to come after it"},
      {",method: grid\n", "f.yaml:1:1: this is not YAML: nothing begins with what stands here"},
      {"method: grid\n"
       "parameters: {epochs: {value: *nope}}\n",
       "f.yaml:2:30: this is not YAML: the referenced anchor is not defined"},
      {"method: grid\n"
       "parameters: {epochs: {value: !!python/tuple [1]}}\n",
       "f.yaml:2:30: the tag 'tag:yaml.org,2002:python/tuple' is not known here, and would have to be left out"},
      {"method: grid\n"
       "parameters: {epochs: {value: 99999999999999999999}}\n",
       "f.yaml:2:30: 99999999999999999999 is beyond the whole numbers of 64 bits, and would have to be between "
       "-9223372036854775808 and 9223372036854775807"},
      {"method: grid\n"
       "parameters: {? [a, b] : {value: 1}}\n",
       "f.yaml:2:16: a list or map stands where a name would have to be, or its bracket is not closed"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "...\n"
       "method: grid\n"
       "parameters: {epochs: {value: 3}}\n"
       "---\n"
       "# nothing\n"
       "---\n"
       "method: grid\n"
       "parameters: {epochs: {value: 0}}\n",
       "f.yaml:10:30: epochs is '0', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"method: grid\n"
       "parameters: {epochs: {value: \"2\"}}\n"
       "name: [a]\n",
       "f.yaml:3:7: name is [\"a\"], and would have to be a text such as quickstart"},
      {"method: grid\n"
       "parameters: {\"a=b\": {value: \"2\"}}\n"
       "program: x\n",
       "f.yaml:2:14: the name of a parameter is 'a=b', and would have to be 1 to 256 bytes without '='"},
      {"method: grid\n"
       "parameters:\n"
       "\tepochs: {value: 2}\n",
       "f.yaml:3:8: this is not YAML: illegal map value; this line is indented with a tab, and would have to be with "
       "spaces"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}, epochs: {value: 3}}\n",
       "f.yaml:2:34: epochs stands here a second time (first on line 2), and would have to stand once"},
      {"method: list\n"
       "trials:\n"
       "  - epochs: 2\n"
       "    epochs: 3\n",
       "f.yaml:4:5: epochs stands here a second time (first on line 3), and would have to stand once"},
      {"method: grid\n"
       "program: t.py\n"
       "parameters: {a: {value: 1, parameters: {b: {value: 2}}}}\n",
       "f.yaml:3:18: a has nested parameters and 'value', and may have one of both"},
      {"method: grid\n"
       "program: t.py\n"
       "parameters: {a: {parameters: {b: 2}}}\n",
       "f.yaml:3:34: a.b is 2, and would have to be {value: 2}"},
      {"method: grid\n"
       "program: t.py\n"
       "parameters: {a: {parameters: {b: {values: []}}}}\n",
       "f.yaml:3:43: values of a.b is [], and would have to be a list of at least one value such as [32, 128]"},
      {"method: grid\n"
       "program: [t.py]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:10: program is [\"t.py\"], and would have to be a text such as train.py"},
      {"method: grid\n"
       "command: [t.py, {a: b}]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:17: a word of command is {\"a\": \"b\"}, and would have to be a text such as --verbose"},
      {"method: grid\n"
       "command: [\"${args}\"]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:11: the first word of command is '${args}', and would have to be the program to start"},
      {"method: grid\n"
       "command: [./t, \"${nonsense}\"]\n"
       "parameters: {lr: {value: 2}}\n",
       "f.yaml:2:16: the macro ${nonsense} is not known; there are env, interpreter, program, args, args_no_hyphens, "
       "args_no_boolean_flags, args_no_equals, args_append_hydra, args_override_hydra, args_json, args_json_file, "
       "envvar:NAME"},
      {"method: grid\n"
       "parameters: {epochs: {value: 2}}\n"
       "memtrack: {columns: [learning_rate]}\n",
       "f.yaml:3:21: columns is [\"learning_rate\"], and would have to be a map of columns and parameters such as "
       "{learning_rate: lr}"},
      {"method: random\n"
       "run_cap: ten\n"
       "parameters: {epochs: {value: 2}}\n",
       "f.yaml:2:10: run_cap is 'ten', and would have to be a whole number from 1 on such as 20"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {distribution: q_uniform, min: 1, max: 9, q: 0}}\n",
       "f.yaml:3:71: q of batch_size is 0, and would have to be greater than 0"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {distribution: int_uniform, min: 1.5, max: 9}}\n",
       "f.yaml:3:59: min of batch_size is 1.5, and would have to be a whole number such as 1"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: uniform, min: low, max: 9}}\n",
       "f.yaml:3:58: min of learning_rate is 'low', and would have to be a number such as 0.1"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: uniform, min: 0.1, max: .inf}}\n",
       "f.yaml:3:68: max of learning_rate is inf, and would have to be a number such as 0.9"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {learning_rate: {distribution: beta, a: 0}}\n",
       "f.yaml:3:53: a of learning_rate is 0, and would have to be greater than 0"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {values: [1, 2], probabilities: [-0.5, 1.5]}}\n",
       "f.yaml:3:59: a probability of batch_size is -0.5, and would have to be 0 or more"},
      {"method: random\n"
       "run_cap: 3\n"
       "parameters: {batch_size: {distribution: [uniform], min: 1, max: 2}}\n",
       "f.yaml:3:41: distribution of batch_size is [\"uniform\"], and would have to be a text such as uniform"},
  };
  for (const BadFile& bad : cases) {
    CAPTURE(bad.text);
    CHECK(message_of(bad.text) == bad.message);
  }
}

TEST_CASE("what the trainer could not train is refused at its place, wherever the value stands") {
  struct BadValue {
    std::string name, yaml, message;
  };
  const std::vector<BadValue> cases = {
      {"batch_size", "0", "batch_size is '0', and would have to be a whole number from 1 to 1000000000 such as 64"},
      {"epochs", "-1", "epochs is '-1', and would have to be a whole number from 1 to 1000000000 such as 2"},
      {"hidden_layers", "[]", "hidden_layers is '[]', and would have to be widths from 1 to 1000000, at least one, "},
      {"hidden_layers", "[128, 1000000000]",
       "hidden_layers is '[128, 1000000000]', and would have to be widths from 1 "},
      {"learning_rate", "-1", "learning_rate is '-1', and would have to be a number greater than 0 such as 0.001"},
      {"learning_rate", ".nan", "learning_rate is 'nan', and would have to be a number greater than 0 such as 0.001"},
      {"learning_rate", "nan", "learning_rate is 'nan', and would have to be a number greater than 0 such as 0.001"},
      {"learning_rate", ".inf", "learning_rate is 'inf', and would have to be a number greater than 0 such as 0.001"},
      {"dataset", "imagenet", "dataset is 'imagenet', and would have to be one of mnist, fashion-mnist, cifar-10, "},
      {"threads", "-1", "threads is '-1', and would have to be a whole number from 0 to 1024 such as 1"},
  };
  for (const auto& [name, yaml, message] : cases) {
    CAPTURE(name);
    CAPTURE(yaml);
    const auto check_starts = [&](const std::string& found, const std::string& place) {
      CHECK(found.substr(0, place.size() + message.size()) == place + message);
    };
    check_starts(message_of("method: grid\nparameters:\n  " + name + ":\n    value: " + yaml + "\n"), "f.yaml:4:12: ");
    check_starts(message_of("method: random\nrun_cap: 2\nparameters:\n  " + name + ":\n    values: [" + yaml + "]\n"),
                 "f.yaml:5:14: ");
    check_starts(message_of("method: list\ntrials:\n  - {epochs: 2}\n  -\n    " + name + ":\n      " + yaml + "\n"),
                 "f.yaml:6:7: ");
    check_starts(message_of(kGood, {.set = {{name, yaml}}}), "--set " + name + "=" + yaml + ": ");
  }
}

TEST_CASE("what the command line gets wrong is refused by the name of the flag") {
  struct BadFlag {
    Overrides overrides;
    std::string message;
  };
  const std::vector<BadFlag> cases = {
      {{.set = {{"epochs", "two"}}}, "--set epochs=two: epochs is 'two', and would have to be a whole number"},
      {{.set = {{"epoch", "2"}}},
       "--set epoch=2: the built-in trainer has no parameter 'epoch'; did you mean 'epochs'?"},
      {{.set = {{"epochs", ""}}}, "--set epochs=: epochs is 'None'"},
      {{.set = {{"epochs", "[1"}}},
       "--set epochs=[1: a list or map stands where a name would have to be, or its bracket is not closed"},
      {{.set = {{"", "1"}}}, "--set =1: the built-in trainer has no parameter ''"},
      {{.set = {{"reported_memory_mib", "x"}}}, "--set reported_memory_mib=x: reported_memory_mib is 'x'"},
      {{.interval = "5"}, "--interval: interval is '5', and would have to be a time from 1ms to 24h with its unit"},
      {{.interval = "500us"}, "--interval: interval is '500us'"},
      {{.timeout = "never"}, "--timeout: timeout is 'never'"},
      {{.repeats = 0}, "--repeats: repeats is 0, and would have to be a whole number from 1"},
      {{.repeats = 1000001}, "--repeats: repeats is 1000001"},
      {{.order = "random"}, "--order: order is 'random', and would have to be listed or shuffled"},
      {{.seed = std::uint64_t{1} << 63},
       "--seed: seed is '9223372036854775808', and would have to be a whole number from 0 to 9223372036854775807"},
      {{.jobs = 0}, "--jobs: jobs is 0"},
      {{.retries = -1}, "--retries: retries is -1"},
      {{.priority = 1001}, "--priority: priority is 1001"},
      {{.method = "gird"}, "--method: method is 'gird', and would have to be one of grid, random, list, bayes"},
      {{.method = "list"}, "--method: method list has no trials"},
      {{.count = 0}, "--count: count is 0"},
  };
  for (const BadFlag& bad : cases) {
    CHECK(message_of(kGood, bad.overrides).substr(0, bad.message.size()) == bad.message);
  }
}

TEST_CASE("a program of the user's may get any parameter") {
  CHECK(message_of("program: t.py\n" + kGood, {.set = {{"epochs", "two"}, {"epoch", "2"}}}) == "accepted");
  CHECK(message_of("program: t.py\n" + kGood, {.set = {{"a=b", "2"}}}).find("without '='") != std::string::npos);
}

TEST_CASE("settings out of their range are refused with what would be right") {
  for (const char* setting :
       {"settle: 5", "baseline: -5s", "settle: 25h", "warmup: one", "warmup: 1001", "retries: -1"}) {
    CAPTURE(setting);
    CHECK(message_of(kGood + "memtrack: {" + setting + "}\n").find("would have to be") != std::string::npos);
  }
}

TEST_CASE("a memory limit without a unit, or too small for any program, is refused") {
  for (const char* limit : {"8000000000", "8G", "8 GiB", "-8GiB", "1023KiB", "0B", "[8GiB]", "true", "8.GiB", "none"}) {
    CAPTURE(limit);
    const std::string message = message_of(kGood + "memtrack: {memory_limit: " + limit + "}\n");
    CHECK(message.starts_with("f.yaml:3:26: memory_limit is "));
    CHECK(message.ends_with("and would have to be a size from 1MiB on with its unit, such as 8GiB or 512MiB"));
  }
}

TEST_CASE("what is not text is refused before it is parsed") {
  CHECK(message_of("method: gr\xffid\n") == "f.yaml:1:11: this byte is not UTF-8; save the file as UTF-8");
  CHECK(message_of("a: ö\nb: \xed\xa0\x80\n") == "f.yaml:2:4: this byte is not UTF-8; save the file as UTF-8");
  CHECK(message_of("a: \xc0\x80\n").starts_with("f.yaml:1:4: this byte"));
  CHECK(message_of(std::string("method: \0grid", 13)).starts_with("f.yaml:1:9: a control character"));
  CHECK(message_of("a: b\x04\nmethod: grid\n").starts_with("f.yaml:1:5: a control character"));
  CHECK(message_of(std::string(64 * 1024 * 1024 + 1, '#')).find("split it") != std::string::npos);
}

TEST_CASE("files made to exhaust the reader are refused quickly") {
  std::string bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + std::string(1, c) + " [";
    for (int i = 0; i < 10; ++i) {
      bomb += (i == 0 ? "" : ",") + before;
    }
    bomb += "]\n";
  }
  CHECK(message_of(bomb + kGood).find("; write out what is meant") != std::string::npos);
  std::string nested_anchors = "a: ";
  std::string brackets;
  for (int i = 0; i < 90; ++i) {
    nested_anchors += "&x" + std::to_string(i) + " [";
    brackets += "]";
  }
  for (int i = 0; i < 2000; ++i) {
    nested_anchors += "1,";
  }
  CHECK(message_of(nested_anchors + brackets + "\n" + kGood).find("; write out what is meant") != std::string::npos);

  CHECK(message_of("a: " + std::string(100000, '[')).starts_with("f.yaml:1:"));
  CHECK(message_of("a:\n" + std::string(500, '-') + "\n").starts_with("f.yaml:1:1: the sweep has no method"));
  std::string nested = "- ";
  for (int i = 0; i < 300; ++i) {
    nested += "- ";
  }
  CHECK(message_of(nested + "x\n").find("nested more than 100 deep") != std::string::npos);

  std::string chain = "a0: &a0 " + std::string(90, '[') + std::string(90, ']') + "\n";
  chain += "a1: [[[[[[[[[[*a0]]]]]]]]]]\n";
  CHECK(message_of(chain + kGood).find("nested more than 100 deep") != std::string::npos);

  std::string wide = "x:\n";
  for (int i = 0; i < 20000; ++i) {
    wide += "  k" + std::to_string(i) + ": 1\n";
  }
  CHECK(message_of(wide + kGood).find("more than 10000 names") != std::string::npos);
}

TEST_CASE("no cut of a good file does more than be refused") {
  const std::string text =
      "name: q\nmethod: random\nrun_cap: 3\nprogram: t.py\ncommand: [\"${env}\", \"${program}\", \"${args}\"]\n"
      "parameters:\n  lr: {distribution: log_uniform_values, min: 1.0e-5, max: 0.1}\n"
      "  opt: {parameters: {name: {values: [adam, 'sgd']}}}\nmemtrack: {interval: 5s, columns: {learning_rate: lr}}\n";
  REQUIRE(message_of(text) == "accepted");
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(message_of(text.substr(0, length)).empty());
    std::string changed = text;
    for (const char c : {'{', '}', '[', ':', '-', '*', '&', '!', '"', '#', '\t', '|', '<'}) {
      changed[length] = c;
      CHECK_FALSE(message_of(changed).empty());
    }
  }
}
