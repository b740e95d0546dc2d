#pragma once

// What a download decides: where it asks, how often, and how long it waits. Pure functions.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/catalog.h"
#include "datasets/http_client.h"

namespace memtrack {

// The folders to be asked for a dataset's files, in order. `own_mirror` ("" where there is none) is asked alone: it
// holds a folder for each dataset, as a data folder does, so that a copy of one is a mirror:
//   http://host/data -> http://host/data/mnist. Throws DatasetError unless it begins with http:// or https://.
std::vector<std::string> mirrors_of(const DatasetDescription& description, const std::string& own_mirror);

// "http://host/mnist" and "t10k-labels-idx1-ubyte.gz", with one slash between them.
std::string file_url(std::string_view folder_url, std::string_view name);

// How often a mirror may break off before the next one is asked. A transfer that brought a good piece makes up for its
// own end, so that a bad line needs patience alone.
class Patience {
 public:
  // After a transfer that brought `new_bytes` and broke off. False: the mirror has had its tries.
  bool allows_another(std::int64_t new_bytes);

  // Before the next try: 1, 2, 4, ... seconds, or what the server asked for where that is longer; a minute at most.
  std::chrono::seconds pause(std::chrono::seconds asked) const;

 private:
  int failures_ = 0;
};

}  // namespace memtrack
